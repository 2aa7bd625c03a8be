package stomptest_test

import (
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/clienttest"
	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// foreignClient is a program in testdata/clients that drives a client library of another language.
type foreignClient struct {
	clienttest.Program
	versions []string // protocol versions that the library speaks
}

func foreignClients() []foreignClient {
	script := func(parts ...string) string {
		return filepath.Join(append([]string{"testdata", "clients"}, parts...)...)
	}
	python := "/usr/bin/python3" // Debian's own, for which python3-stomp is
	client := func(name string, line, probe []string, versions ...string) foreignClient {
		return foreignClient{clienttest.Program{Name: name, Line: line, Probe: probe}, versions}
	}
	return []foreignClient{
		client("stomp.py", []string{python, script("python", "client.py")}, []string{python, "-c", "import stomp"}, "1.0", "1.1", "1.2"),
		client("net-stomp", []string{"perl", script("perl", "client.pl")}, []string{"perl", "-MNet::Stomp", "-e", "1"}, "1.0", "1.1"),
		client("ruby-stomp", []string{"ruby", script("ruby", "client.rb")}, []string{"ruby", "-e", "require 'stomp'"}, "1.0", "1.1", "1.2"),
		client("stompit", []string{"node", script("node", "client.js")}, []string{"node", "-e", "require('stompit')"}, "1.0", "1.1", "1.2"),
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
		t.Run(client.Name, func(t *testing.T) {
			t.Parallel()
			client.Require(t)
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

// run executes one command of the driver.
func (c foreignClient) run(t *testing.T, target stomptest.Target, version, command string) {
	name := strings.NewReplacer(".", "", "-", "").Replace(c.Name+version) + command + rand.Text()[:8]
	line := append([]string{command}, clienttest.Arguments(target.Address, target.User, target.Pass, target.TLS)...)
	c.Run(t, append(line, "--version", version, "--name", name)...)
}
