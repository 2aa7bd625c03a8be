package console_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/clienttest"
)

// TestBrowser uses the console in a headless Chromium, with scripts and without, and listens for
// anything that the browser complains about or loads from elsewhere.
func TestBrowser(t *testing.T) {
	t.Parallel()
	p := clienttest.Program{
		Name: "playwright-core", Line: []string{"node", "testdata/clients/browser.js"},
		Probe: []string{"node", "-e", "require.resolve('playwright-core')"},
	}
	p.Require(t)
	program, err := exec.LookPath("chromium-headless-shell")
	if err != nil {
		if os.Getenv("MANIFOLD_FOREIGN_CLIENTS") == "required" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	o := users()
	o.Permissions = nil
	s := start(t, brokertest.WithSecurity(o))
	p.Run(t, program, "http://"+s.Addr("auto"), "admin", "secret")
}
