package amqptest_test

import (
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/amqp/amqptest"
	"github.com/manifoldmq/manifold/protocols/clienttest"
)

// foreignClient is a program in testdata/clients that drives a client library of another language.
type foreignClient struct {
	clienttest.Program
	source string // C++ source to compile first; empty for a script
	ws     bool   // can do WebSocket
}

func foreignClients() []foreignClient {
	script := func(parts ...string) string {
		return filepath.Join(append([]string{"testdata", "clients"}, parts...)...)
	}
	python := "/usr/bin/python3" // Debian's own, for which the libraries are
	return []foreignClient{
		{Program: clienttest.Program{Name: "proton-python", Line: []string{python, script("python", "client.py")}, Probe: []string{python, "-c", "import proton"}}},
		{Program: clienttest.Program{Name: "uamqp", Line: []string{python, script("uamqp", "client.py")}, Probe: []string{python, "-c", "import uamqp"}}},
		{Program: clienttest.Program{Name: "rhea", Line: []string{"node", script("node", "client.js")}, Probe: []string{"node", "-e", "require('rhea'); require('ws')"}}, ws: true},
		{Program: clienttest.Program{Name: "proton-cpp", Probe: []string{"sh", "-c", "command -v g++ && test -e /usr/include/proton/container.hpp"}}, source: script("cpp", "client.cpp")},
	}
}

func foreignCommands() []string {
	return []string{
		"roundtrip", "types", "ids", "modes", "outcomes", "credit", "tx", "durable", "shared", "dynamic", "relay", "browse", "selector", "nolocal", "topic",
		"big", "meta", "errors", "sasl",
	}
}

// TestForeignClients runs the clients of other languages against the broker under test: plain, over TLS with a password, a
// client certificate and permissions, and over WebSocket. A client that isn't installed is skipped, unless
// MANIFOLD_FOREIGN_CLIENTS is "required". MANIFOLD_FOREIGN_NODE_MODULES names the folder with the JavaScript packages.
func TestForeignClients(t *testing.T) {
	t.Parallel()
	l := underTest(t)
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		runForeignClients(t, l.Plain, foreignCommands())
	})
	t.Run("tls", func(t *testing.T) {
		t.Parallel()
		if l.Secure == nil {
			t.Skip("no TLS listener")
		}
		runForeignClients(t, *l.Secure, foreignCommands())
	})
	t.Run("password", func(t *testing.T) {
		t.Parallel()
		if l.Password == nil {
			t.Skip("no listener with TLS and without client certificates")
		}
		runForeignClients(t, *l.Password, foreignCommands())
	})
}

// TestForeignClientsRabbitMQ runs what RabbitMQ can of the same against it, which proves that the drivers are right.
func TestForeignClientsRabbitMQ(t *testing.T) {
	runForeignClients(t, rabbitMQ(t), []string{"ids", "topic", "big"})
}

func runForeignClients(t *testing.T, target amqptest.Target, commands []string) {
	for _, client := range foreignClients() {
		t.Run(client.Name, func(t *testing.T) {
			t.Parallel()
			client.require(t)
			for _, command := range commands {
				t.Run(command, func(t *testing.T) {
					t.Parallel()
					client.run(t, target, command)
				})
				if client.ws && target.WebSocket != "" {
					t.Run("websocket/"+command, func(t *testing.T) {
						t.Parallel()
						client.run(t, target, command, "--ws", target.WebSocket)
					})
				}
			}
		})
	}
}

// require skips, or fails where clients are required, if the library isn't there. It compiles the program where it has to
// be.
func (c *foreignClient) require(t *testing.T) {
	t.Helper()
	c.Require(t)
	if c.source == "" {
		return
	}
	program := filepath.Join(t.TempDir(), "client")
	compile := []string{"g++", "-std=c++11", "-O0", "-o", program, c.source, "-lqpid-proton-cpp", "-lpthread"}
	if out, err := clienttest.Command(t.Context(), compile).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(compile, " "), err, out)
	}
	c.Line = []string{program}
}

// run executes one command of the driver.
func (c foreignClient) run(t *testing.T, target amqptest.Target, command string, more ...string) {
	name := strings.NewReplacer("-", "").Replace(c.Name) + "." + command + rand.Text()[:8]
	peer := "manifold"
	if target.Peer != "" {
		peer = string(target.Peer)
	}
	line := append([]string{command}, clienttest.Arguments(target.Address, target.User, target.Pass, target.TLS)...)
	c.Run(t, append(append(line, "--peer", peer, "--name", name), more...)...)
}
