package mqtttest_test

import (
	"context"
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/mqtt/mqtttest"
)

// foreignClient is a program in testdata/clients that drives a client of another language.
type foreignClient struct {
	name    string
	program []string // interpreter and script
	probe   []string // exits with 0 if the library is installed
	ws      bool     // it speaks through WebSockets as well
}

// foreignClients returns the programs; the C one is compiled to dir.
func foreignClients(dir string) []foreignClient {
	script := func(parts ...string) string {
		return filepath.Join(append([]string{"testdata", "clients"}, parts...)...)
	}
	python := "/usr/bin/python3" // Debian's own, for which python3-paho-mqtt is
	compiled := filepath.Join(dir, "client")
	return []foreignClient{
		{"paho-python", []string{python, script("python", "client.py")}, []string{python, "-c", "import paho.mqtt.client"}, true},
		{"mqtt-js", []string{"node", script("node", "client.js")}, []string{"node", "-e", "require('mqtt')"}, true},
		{"paho-c", []string{compiled}, []string{"gcc", "-o", compiled, script("c", "client.c"), "-lpaho-mqtt3cs"}, true},
		{"mosquitto", []string{python, script("mosquitto", "client.py")}, []string{"mosquitto_sub", "--version"}, false},
	}
}

func foreignCommands() []string {
	return []string{"roundtrip", "big", "burst", "retained", "wildcard", "unsubscribe", "session", "will", "takeover", "properties", "shared"}
}

// versionsOf returns the versions that a target speaks.
func versionsOf(target mqtttest.Target) []string {
	if target.Peer == mqtttest.ActiveMQ {
		return []string{"3.1", "3.1.1"}
	}
	return []string{"3.1", "3.1.1", "5"}
}

// lacks says why a target is not put through a command.
func lacks(target mqtttest.Target, _, command string) string {
	if target.Peer == mqtttest.ActiveMQ && slices.Contains([]string{"properties", "shared"}, command) {
		return "ActiveMQ knows no MQTT 5"
	}
	return ""
}

// TestForeignClients runs the clients of other languages, and those of Go, against the broker under
// test: plain, and over TLS with a password, a client certificate and permissions. A client that
// isn't installed is skipped, unless MANIFOLD_FOREIGN_CLIENTS is "required".
// MANIFOLD_FOREIGN_NODE_MODULES names the folder with the JavaScript packages.
func TestForeignClients(t *testing.T) {
	t.Parallel()
	l := underTest(t)
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		runClients(t, l.Plain)
	})
	t.Run("tls", func(t *testing.T) {
		t.Parallel()
		if l.Secure == nil {
			t.Skip("no TLS listener")
		}
		runClients(t, *l.Secure)
	})
}

// TestForeignClientsPeers runs the same against real brokers, which proves that the drivers are
// right.
func TestForeignClientsPeers(t *testing.T) {
	for _, peer := range []mqtttest.Peer{mqtttest.ActiveMQ, mqtttest.Mosquitto} {
		t.Run(string(peer), func(t *testing.T) { runClients(t, real(t, peer)) })
	}
}

func runClients(t *testing.T, target mqtttest.Target) {
	t.Run("go", func(t *testing.T) {
		t.Parallel()
		runGoLibraries(t, target)
	})
	for _, client := range foreignClients(t.TempDir()) {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			client.require(t)
			for _, version := range versionsOf(target) {
				for _, command := range foreignCommands() {
					for _, ws := range []bool{false, true} {
						if ws && (!client.ws || target.WebSocket == "" || command != "roundtrip" && command != "big" && command != "session") {
							continue // what differs is how bytes go
						}
						name := version + "/" + command
						if ws {
							name += "/ws"
						}
						t.Run(name, func(t *testing.T) {
							t.Parallel()
							if reason := lacks(target, version, command); reason != "" {
								t.Skip(reason)
							}
							client.run(t, target, version, command, ws)
						})
					}
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
	out, err := c.command(t.Context(), c.probe).CombinedOutput()
	if err == nil || c.name == "mosquitto" && strings.Contains(string(out), "mosquitto_sub version") { // which exits with 1
		return
	}
	if os.Getenv("MANIFOLD_FOREIGN_CLIENTS") == "required" {
		t.Fatalf("%s is required and not installed: %v\n%s", c.name, err, out)
	}
	t.Skipf("%s isn't installed: %v", c.name, err)
}

// run executes one command of the driver, which must exit with 0 and report at least one PASS, or a SKIP.
func (c foreignClient) run(t *testing.T, target mqtttest.Target, version, command string, ws bool) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	address := target.Address
	if ws {
		address = target.WebSocket
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.NewReplacer(".", "", "-", "").Replace(c.name+version) + command + rand.Text()[:8]
	line := append([]string{}, c.program...)
	line = append(line, command, "--host", host, "--port", port, "--version", version, "--name", name)
	if ws {
		line = append(line, "--transport", "ws")
	}
	if target.Peer != "" {
		line = append(line, "--peer", string(target.Peer))
	}
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
