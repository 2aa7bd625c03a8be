package mqtttest_test

import (
	"crypto/rand"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/clienttest"
	"github.com/manifoldmq/manifold/protocols/mqtt/mqtttest"
)

// foreignClient is a program in testdata/clients that drives a client of another language.
type foreignClient struct {
	clienttest.Program
	ws bool // it speaks through WebSockets as well
}

// foreignClients returns the programs; the C one is compiled to dir.
func foreignClients(dir string) []foreignClient {
	script := func(parts ...string) string {
		return filepath.Join(append([]string{"testdata", "clients"}, parts...)...)
	}
	python := "/usr/bin/python3" // Debian's own, for which python3-paho-mqtt is
	compiled := filepath.Join(dir, "client")
	client := func(name string, line, probe []string, ws bool) foreignClient {
		return foreignClient{clienttest.Program{Name: name, Line: line, Probe: probe}, ws}
	}
	return []foreignClient{
		client("paho-python", []string{python, script("python", "client.py")}, []string{python, "-c", "import paho.mqtt.client"}, true),
		client("mqtt-js", []string{"node", script("node", "client.js")}, []string{"node", "-e", "require('mqtt')"}, true),
		client("paho-c", []string{compiled}, []string{"gcc", "-o", compiled, script("c", "client.c"), "-lpaho-mqtt3cs"}, true),
		client("mosquitto", []string{python, script("mosquitto", "client.py")}, []string{"which", "mosquitto_sub"}, false),
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
		t.Run(client.Name, func(t *testing.T) {
			t.Parallel()
			client.Require(t)
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

// run executes one command of the driver.
func (c foreignClient) run(t *testing.T, target mqtttest.Target, version, command string, ws bool) {
	address := target.Address
	if ws {
		address = target.WebSocket
	}
	name := strings.NewReplacer(".", "", "-", "").Replace(c.Name+version) + command + rand.Text()[:8]
	line := append([]string{command}, clienttest.Arguments(address, target.User, target.Pass, target.TLS)...)
	line = append(line, "--version", version, "--name", name)
	if ws {
		line = append(line, "--transport", "ws")
	}
	if target.Peer != "" {
		line = append(line, "--peer", string(target.Peer))
	}
	c.Run(t, line...)
}
