package amqptest_test

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/amqp/amqptest"
)

// foreignClient is a program in testdata/clients that drives a client library of another language.
type foreignClient struct {
	name    string
	program []string // interpreter and script, or the compiled program
	source  string   // C++ source to compile first; empty for a script
	probe   []string // exits with 0 if the library is installed
	ws      bool     // can do WebSocket
}

func foreignClients() []foreignClient {
	script := func(parts ...string) string {
		return filepath.Join(append([]string{"testdata", "clients"}, parts...)...)
	}
	python := "/usr/bin/python3" // Debian's own, for which the libraries are
	return []foreignClient{
		{name: "proton-python", program: []string{python, script("python", "client.py")}, probe: []string{python, "-c", "import proton"}},
		{name: "uamqp", program: []string{python, script("uamqp", "client.py")}, probe: []string{python, "-c", "import uamqp"}},
		{name: "rhea", program: []string{"node", script("node", "client.js")}, probe: []string{"node", "-e", "require('rhea'); require('ws')"}, ws: true},
		{name: "proton-cpp", source: script("cpp", "client.cpp"), probe: []string{"test", "-e", "/usr/include/proton/container.hpp"}},
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
		t.Run(client.name, func(t *testing.T) {
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

// require skips, or fails where clients are required, if the library isn't there. It compiles the program where it has to
// be.
func (c *foreignClient) require(t *testing.T) {
	t.Helper()
	if out, err := c.command(t.Context(), c.probe).CombinedOutput(); err != nil {
		if os.Getenv("MANIFOLD_FOREIGN_CLIENTS") == "required" {
			t.Fatalf("%s is required and not installed: %v\n%s", c.name, err, out)
		}
		t.Skipf("%s isn't installed: %v", c.name, err)
	}
	if c.source == "" {
		return
	}
	program := filepath.Join(t.TempDir(), "client")
	compile := []string{"g++", "-std=c++11", "-O0", "-o", program, c.source, "-lqpid-proton-cpp", "-lpthread"}
	if out, err := c.command(t.Context(), compile).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(compile, " "), err, out)
	}
	c.program = []string{program}
}

// run executes one command of the driver, which must exit with 0 and report at least one PASS, or a SKIP.
func (c foreignClient) run(t *testing.T, target amqptest.Target, command string, more ...string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	name := strings.NewReplacer("-", "").Replace(c.name) + "." + command + rand.Text()[:8]
	peer := "manifold"
	if target.Peer != "" {
		peer = string(target.Peer)
	}
	line := append([]string{}, c.program...)
	line = append(line, command, "--host", target.Host(), "--port", target.Port(), "--peer", peer, "--name", name)
	if target.User != "" {
		line = append(line, "--user", target.User, "--password", target.Pass)
	}
	if target.TLS != nil {
		line = append(line, "--ca", target.TLS.CA)
		if target.TLS.Cert != "" {
			line = append(line, "--cert", target.TLS.Cert, "--key", target.TLS.Key)
		}
	}
	out, err := c.command(ctx, append(line, more...)).CombinedOutput()
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
