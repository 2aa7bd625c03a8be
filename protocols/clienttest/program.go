package clienttest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Program drives a client library of another language. It is told what to do by its arguments, prints a line that begins with
// "PASS " for what it has proved, or one that begins with "SKIP ", and exits with 0 if nothing failed.
type Program struct {
	Name  string
	Line  []string // interpreter and script, or the compiled program
	Probe []string // exits with 0 if the library is installed
}

// Command prepares a command with the environment that the libraries need. MANIFOLD_FOREIGN_NODE_MODULES names the folder with
// the JavaScript packages.
func Command(ctx context.Context, line []string) *exec.Cmd {
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

// Require skips the test, or fails it where MANIFOLD_FOREIGN_CLIENTS is "required", if the library isn't there.
func (p Program) Require(t *testing.T) {
	t.Helper()
	if out, err := Command(t.Context(), p.Probe).CombinedOutput(); err != nil {
		if os.Getenv("MANIFOLD_FOREIGN_CLIENTS") == "required" {
			t.Fatalf("%s is required and not installed: %v\n%s", p.Name, err, out)
		}
		t.Skipf("%s isn't installed: %v", p.Name, err)
	}
}

// Run runs the program with arguments, and fails the test unless it reports success.
func (p Program) Run(t *testing.T, arguments ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := Command(ctx, append(append([]string(nil), p.Line...), arguments...)).CombinedOutput()
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

// Arguments returns what tells a program of a listener and of who it is to be there.
func Arguments(address, user, password string, files *TLSFiles) []string {
	host, port, _ := net.SplitHostPort(address)
	list := []string{"--host", host, "--port", port}
	if user != "" {
		list = append(list, "--user", user, "--password", password)
	}
	if files != nil {
		list = append(list, "--ca", files.CA)
		if files.Cert != "" {
			list = append(list, "--cert", files.Cert, "--key", files.Key)
		}
	}
	return list
}
