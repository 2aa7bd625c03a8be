package jolokia_test

import (
	"testing"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/clienttest"
)

// TestJolokiaJS runs Jolokia's own JavaScript client.
func TestJolokiaJS(t *testing.T) {
	t.Parallel()
	p := clienttest.Program{
		Name: "jolokia.js", Line: []string{"node", "testdata/clients/jolokia.js"},
		Probe: []string{"node", "-e", "require.resolve('@jolokia.js/simple')"},
	}
	p.Require(t)
	o := users()
	o.Permissions = nil
	a := start(t, brokertest.WithSecurity(o))
	p.Run(t, "http://"+a.Addr("auto")+"/api/jolokia", "admin", "secret")
}
