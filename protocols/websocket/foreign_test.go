package websocket_test

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/clienttest"
	"github.com/manifoldmq/manifold/protocols/server"
)

// required reports whether a client that is missing is a failure.
func required() bool { return os.Getenv("MANIFOLD_FOREIGN_CLIENTS") == "required" }

// node runs a program of testdata/clients, which must report at least one PASS and no FAIL. The
// test is skipped where the packages aren't installed, unless clients are required.
func node(t *testing.T, packages, script string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	modules := os.Getenv("MANIFOLD_FOREIGN_NODE_MODULES")
	if modules == "" {
		if cache, err := os.UserCacheDir(); err == nil {
			modules = filepath.Join(cache, "manifold", "foreign", "node_modules")
		}
	}
	command := func(line ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "node", line...)
		cmd.Env = append(os.Environ(), "NODE_PATH="+modules, "LC_ALL=C.UTF-8")
		return cmd
	}
	var probe strings.Builder
	for name := range strings.FieldsSeq(packages) {
		probe.WriteString("require.resolve('" + name + "');")
	}
	if out, err := command("-e", probe.String()).CombinedOutput(); err != nil {
		if required() {
			t.Fatalf("%s are required and not installed: %v\n%s", packages, err, out)
		}
		t.Skipf("%s aren't installed: %v", packages, err)
	}
	out, err := command(append([]string{filepath.Join("testdata", "clients", script)}, args...)...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS ") || strings.Contains(string(out), "FAIL ") {
		t.Errorf("%v\n%s", err, out)
	}
}

// chromium returns the path of a Chromium that runs without a display.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if required() {
		t.Fatal("Chromium is required and not installed")
	}
	t.Skip("Chromium isn't installed")
	return ""
}

// TestStompJS runs the STOMP library of browsers, in Node and in Chromium: plain, and over TLS with
// a password and permissions, in Node with a client certificate.
func TestStompJS(t *testing.T) {
	t.Parallel()
	pki, err := clienttest.WritePKI(t.TempDir(), "suite client")
	if err != nil {
		t.Fatal(err)
	}
	const user, password = "suite", "pa:ss wo\\rd"
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	plain := brokertest.Start(t)
	secure := brokertest.Start(t,
		brokertest.WithTLS(protocols.TLSOptions{Certificate: pki.ServerCert, Key: pki.ServerKey, ClientCA: pki.CA, ClientAuth: protocols.ClientAuthOptional}),
		// Chromium gives up where it is asked for a certificate and has nobody to choose one.
		brokertest.With(func(o *server.Options) {
			o.Listeners = append(o.Listeners, server.Listener{
				Name: "browsers", Address: "127.0.0.1:0", Protocols: []string{"auto"},
				TLS: &protocols.TLSOptions{Certificate: pki.ServerCert, Key: pki.ServerKey},
			})
		}),
		brokertest.WithSecurity(security.Options{
			Users: []security.User{{Name: user, Hash: string(hash), Groups: []string{"browsers"}}},
			Permissions: []security.Permission{
				{Match: "queue://browser.>", Read: []string{"browsers"}, Write: []string{"browsers"}, Admin: []string{"browsers"}},
				{Match: "topic://browser.>", Read: []string{"browsers"}, Write: []string{"browsers"}, Admin: []string{"browsers"}},
			},
		}),
	)
	login := []string{"--user", user, "--password", password}
	certificate := append([]string{"--ca", pki.CA, "--cert", pki.ClientCert, "--key", pki.ClientKey}, login...)
	const inNode, inBrowser = "ws @stomp/stompjs", "playwright-core @stomp/stompjs"
	for name, c := range map[string]struct {
		packages, script, url string
		args                  []string
	}{
		"node":                      {inNode, "node.js", plain.URL("ws", "ws"), nil},
		"node, detected":            {inNode, "node.js", plain.URL("ws", "auto") + "/stomp", nil},
		"node, tls":                 {inNode, "node.js", secure.URL("wss", "wss"), certificate},
		"browser":                   {inBrowser, "browser.js", plain.URL("ws", "ws"), nil},
		"browser, tls":              {inBrowser, "browser.js", secure.URL("wss", "browsers") + "/ws", append([]string{"--origin", "https://app.example.com"}, login...)},
		"browser, of another site":  {inBrowser, "browser.js", plain.URL("ws", "ws"), []string{"--origin", "https://app.example.com", "--refused"}},
		"browser, site in disguise": {inBrowser, "browser.js", plain.URL("ws", "auto"), []string{"--origin", "http://localhost.example.com", "--refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"--url", c.url, "--name", rand.Text()[:8]}, c.args...)
			if c.script == "browser.js" {
				args = append(args, "--chromium", chromium(t))
			}
			node(t, c.packages, c.script, args...)
		})
	}
}
