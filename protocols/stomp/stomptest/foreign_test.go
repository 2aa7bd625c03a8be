package stomptest_test

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// foreignClient is a program in testdata/clients that drives a client library of another language.
type foreignClient struct {
	name     string
	program  []string // interpreter and script
	probe    []string // exits with 0 if the library is installed
	versions []string // protocol versions that the library speaks
}

func foreignClients() []foreignClient {
	script := func(parts ...string) string {
		return filepath.Join(append([]string{"testdata", "clients"}, parts...)...)
	}
	python := "/usr/bin/python3" // Debian's own, for which python3-stomp is
	return []foreignClient{
		{"stomp.py", []string{python, script("python", "client.py")}, []string{python, "-c", "import stomp"}, []string{"1.0", "1.1", "1.2"}},
		{"net-stomp", []string{"perl", script("perl", "client.pl")}, []string{"perl", "-MNet::Stomp", "-e", "1"}, []string{"1.0", "1.1"}},
		{"ruby-stomp", []string{"ruby", script("ruby", "client.rb")}, []string{"ruby", "-e", "require 'stomp'"}, []string{"1.0", "1.1", "1.2"}},
		{"stompit", []string{"node", script("node", "client.js")}, []string{"node", "-e", "require('stompit')"}, []string{"1.0", "1.1", "1.2"}},
	}
}

func foreignCommands() []string {
	return []string{"roundtrip", "headers", "bigbody", "ack", "nack", "tx", "selector", "durable", "tempqueue", "heartbeat"}
}

// TestForeignClients runs the clients of other languages against the broker under test, plain and over TLS with a
// password and a client certificate. A client that isn't installed is skipped, unless MANIFOLD_FOREIGN_CLIENTS is
// "required". MANIFOLD_FOREIGN_NODE_MODULES names the folder with the JavaScript packages.
func TestForeignClients(t *testing.T) {
	t.Parallel()
	l := underTest(t)
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		runForeignClients(t, l.Plain)
	})
	t.Run("tls", func(t *testing.T) {
		t.Parallel()
		if l.Secure == nil {
			t.Skip("no TLS listener")
		}
		runForeignClients(t, *l.Secure)
	})
}

// TestForeignClientsActiveMQ runs the same against a real ActiveMQ, which proves that the drivers are right.
func TestForeignClientsActiveMQ(t *testing.T) { runForeignClients(t, activeMQ(t)) }

func runForeignClients(t *testing.T, target stomptest.Target) {
	for _, client := range foreignClients() {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			client.require(t)
			for _, version := range client.versions {
				for _, command := range foreignCommands() {
					t.Run(version+"/"+command, func(t *testing.T) {
						t.Parallel()
						client.run(t, target, version, command)
					})
				}
			}
		})
	}
}

// command prepares a program with the environment that the libraries need.
func (c foreignClient) command(ctx context.Context, line []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	modules := os.Getenv("MANIFOLD_FOREIGN_NODE_MODULES")
	if modules == "" {
		if cache, err := os.UserCacheDir(); err == nil {
			modules = filepath.Join(cache, "manifold", "foreign", "node_modules")
		}
	}
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules, "LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1")
	return cmd
}

// require skips, or fails where clients are required, if the library isn't there.
func (c foreignClient) require(t *testing.T) {
	t.Helper()
	if out, err := c.command(t.Context(), c.probe).CombinedOutput(); err != nil {
		if os.Getenv("MANIFOLD_FOREIGN_CLIENTS") == "required" {
			t.Fatalf("%s is required and not installed: %v\n%s", c.name, err, out)
		}
		t.Skipf("%s isn't installed: %v", c.name, err)
	}
}

// run executes one command of the driver, which must exit with 0 and report at least one PASS, or a SKIP.
func (c foreignClient) run(t *testing.T, target stomptest.Target, version, command string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	name := strings.NewReplacer(".", "", "-", "").Replace(c.name+version) + command + rand.Text()[:8]
	line := append([]string{}, c.program...)
	line = append(line, command, "--host", target.Host(), "--port", target.Port(), "--version", version, "--name", name)
	if target.User != "" {
		line = append(line, "--user", target.User, "--password", target.Pass)
	}
	if target.TLS != nil {
		line = append(line, "--ca", target.TLS.CA)
		if target.TLS.Cert != "" {
			line = append(line, "--cert", target.TLS.Cert, "--key", target.TLS.Key)
		}
	}
	out, err := c.command(ctx, line).CombinedOutput()
	text := string(out)
	switch {
	case err != nil:
		t.Errorf("%v\n%s", err, text)
	case strings.HasPrefix(text, "SKIP "):
		t.Skip(strings.TrimSpace(text))
	case !strings.Contains(text, "PASS ") || strings.Contains(text, "FAIL "):
		t.Errorf("no PASS, or a FAIL, in spite of exit code 0:\n%s", text)
	}
}
