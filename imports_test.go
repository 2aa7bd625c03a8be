package manifold_test

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// layer is a row of the picture of packages: what a package may import of this module.
type layer struct {
	pkg   string   // "/..." stands for the packages below as well
	may   []string // beside itself and what is below it
	tests []string // what its tests may import in addition
	pure  bool     // computes only: no network, files, log, processes or goroutines
}

// leaves are the core's nouns and pure logic.
func leaves(more ...string) []string {
	return append([]string{"broker/fault", "broker/address", "broker/message", "broker/selector"}, more...)
}

// layers is the picture, from the bottom up. The longest row that names a package counts. Imports
// point down only; protocols never import each other: only server and brokertest, which put them
// together, know several.
func layers() []layer {
	kits := []string{"protocols/brokertest", "store/memory"}
	return []layer{
		{pkg: "broker/fault", pure: true},
		{pkg: "broker/address", may: []string{"broker/fault"}, pure: true},
		{pkg: "broker/message", may: []string{"broker/fault", "broker/address"}, pure: true},
		{pkg: "broker/selector", may: []string{"broker/fault", "broker/address", "broker/message"}, pure: true},
		{pkg: "broker/security/...", may: []string{"broker/fault", "broker/address"}},
		{pkg: "broker/security/ldap", may: []string{"broker/fault", "broker/security"}, tests: []string{"broker/security/ldap/ldaptest"}},
		{pkg: "broker/security/ldap/ldaptest"},
		{pkg: "broker/route", may: leaves(), pure: true},
		{pkg: "broker/policy", may: leaves(), tests: []string{"broker/queue"}, pure: true},
		{pkg: "broker/recent", may: leaves(), pure: true},
		{pkg: "broker/line"}, // it has a goroutine
		{pkg: "broker/figures", may: leaves(), pure: true},
		{pkg: "broker/duplicate", may: leaves("store"), tests: kits},
		{pkg: "broker/schedule", may: leaves("store"), tests: kits},
		{pkg: "broker/note", may: leaves(), pure: true},
		{pkg: "broker/retained", may: leaves("store"), tests: kits},
		{pkg: "broker/session", may: leaves("store"), tests: kits},
		{pkg: "broker/queue", may: leaves("store"), tests: kits},
		{pkg: "broker", may: []string{"broker/...", "store"}, tests: append(kits, "store/pebble")},

		{pkg: "store"},
		{pkg: "store/internal/...", may: []string{"store"}},
		{pkg: "store/memory", may: []string{"store", "store/internal/..."}, tests: []string{"store/storetest"}},
		{pkg: "store/pebble", may: []string{"store", "store/internal/..."}, tests: []string{"store/storetest", "store/memory"}},
		{pkg: "store/storetest", may: []string{"store", "store/memory"}}, // a dump goes from one engine to the other

		{pkg: "protocols", may: []string{"broker", "broker/...", "protocols/internal/..."}, tests: kits},
		{pkg: "protocols/internal/..."},
		{pkg: "protocols/stomp", may: []string{"broker/...", "protocols"}, tests: kits},
		{pkg: "protocols/stomp/frame", pure: true},
		{pkg: "protocols/stomp/transform", may: leaves(), pure: true},
		{pkg: "protocols/stomp/stomptest", may: []string{"protocols/clienttest"}, tests: append(kits, "broker/...", "protocols", "protocols/stomp", "protocols/stomp/frame", "protocols/server")},
		{pkg: "protocols/mqtt", may: []string{"broker/...", "protocols"}, tests: kits},
		{pkg: "protocols/mqtt/packet", pure: true},
		{pkg: "protocols/mqtt/mqtttest", may: []string{"protocols/clienttest"}, tests: append(kits, "broker/...", "protocols", "protocols/mqtt", "protocols/server")},
		{pkg: "protocols/openwire", may: []string{"broker/...", "protocols"}, tests: append(kits, "protocols/server")},
		{pkg: "protocols/openwire/jmstest", may: []string{"protocols/brokertest", "protocols/clienttest"}, tests: append(kits, "broker/...", "protocols", "protocols/server")},
		{pkg: "protocols/openwire/wire", pure: true},
		{pkg: "protocols/openwire/wire/generate"}, // run by go generate, not part of the program
		{pkg: "protocols/amqp", may: []string{"broker/...", "protocols"}, tests: append(kits, "protocols/server", "store/...")},
		{pkg: "protocols/amqp/mapping", may: leaves("protocols/amqp/wire", "protocols/amqp/section"), pure: true},
		{pkg: "protocols/amqp/wire", pure: true},
		{pkg: "protocols/amqp/frame", may: []string{"protocols/amqp/wire"}, pure: true},
		{pkg: "protocols/amqp/section", may: []string{"protocols/amqp/wire"}, pure: true},
		{pkg: "protocols/amqp/amqptest", may: []string{"protocols/clienttest"}, tests: append(kits, "broker/...", "protocols", "protocols/amqp/...", "protocols/server")},
		// It is handed the protocols that it carries as values.
		{pkg: "protocols/websocket", may: []string{"protocols"}, tests: append(kits, "broker/security", "protocols/server", "protocols/clienttest", "protocols/stomp/stomptest", "protocols/mqtt/mqtttest")},
		{pkg: "protocols/http/...", may: []string{"broker/...", "protocols", "store"}, tests: append(kits, "protocols/clienttest", "protocols/openwire/jmstest", "protocols/server")},
		// Clients: they know what goes over the wire, nothing behind it.
		{pkg: "protocols/torture", tests: append(kits, "protocols/stomp/frame")},
		{pkg: "protocols/torture/client", may: []string{"protocols/stomp/frame", "protocols/amqp/frame", "protocols/amqp/section", "protocols/amqp/wire", "protocols/openwire/wire"}, tests: kits},
		{pkg: "protocols/torture/groups", may: []string{"protocols/torture", "protocols/torture/client"}, tests: append(kits, "protocols/server")},
		{pkg: "protocols/torture/sessions", may: []string{"protocols/mqtt/packet"}, tests: kits},
		// Tests over all protocols, of which they are clients each time.
		{
			pkg:   "protocols/interoptest",
			tests: append(kits, "broker", "broker/address", "broker/policy", "protocols/mqtt", "protocols/openwire/jmstest", "protocols/server"),
		},
		{pkg: "protocols/server", may: []string{"broker/...", "store/...", "protocols/..."}, tests: kits},
		{pkg: "protocols/clienttest"},
		{pkg: "protocols/brokertest", may: []string{"broker/...", "store/...", "protocols/..."}},

		{pkg: "cmd/manifold", may: []string{"broker/...", "store/...", "protocols/..."}, tests: []string{"broker/security/ldap/ldaptest"}},
		{pkg: "cmd/manifold/config"},
		{pkg: "cmd/manifold/accounts"},
		// A file of ActiveMQ's becomes one of ours: it knows destinations' patterns and Java's files.
		{pkg: "cmd/manifold/activemqxml", may: []string{"cmd/manifold/config", "cmd/manifold/jaas", "broker/address", "broker/fault", "broker/security/properties"}},
		{pkg: "cmd/manifold/jaas"},
		{pkg: "cmd/manifold/heap"},
		{pkg: "cmd/manifold/systemd"},
		{pkg: "cmd/manifold/sysexit", may: []string{"store"}}, // whose errors have codes of their own
		{pkg: "cmd/manifold/api", may: []string{"cmd/manifold/accounts", "cmd/manifold/sysexit"}},
		{pkg: "cmd/manifold/bench", may: []string{"cmd/manifold/sysexit", "protocols/stomp/frame"}, tests: kits},
		// OpenWire has no public client in Go: what goes over the wire is ours.
		{pkg: "cmd/manifold/client", may: []string{"cmd/manifold/sysexit", "protocols/openwire/wire"}, tests: append(kits, "broker", "broker/security", "protocols", "protocols/clienttest", "protocols/openwire/jmstest", "protocols/server")},
		{
			pkg:   "cmd/manifold/process",
			may:   []string{"cmd/manifold/config", "cmd/manifold/sysexit", "cmd/manifold/systemd"},
			tests: []string{"store"},
		},
		{pkg: ""},
	}
}

// layerOf returns the row of a package.
func layerOf(pkg string) (layer, bool) {
	best, found := layer{}, false
	for _, l := range layers() {
		if within(pkg, l.pkg) && (!found || len(l.pkg) > len(best.pkg)) {
			best, found = l, true
		}
	}
	return best, found
}

// TestImportsPointDown holds every import of this module's packages against the picture.
func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	unknown := make(map[string]bool)
	for _, s := range sources(t) {
		l, ok := layerOf(s.pkg)
		if !ok {
			unknown[s.pkg] = true
			continue
		}
		own := strings.TrimSuffix(l.pkg, "/...")
		imports, _ := s.imports()
		for _, p := range imports {
			switch {
			case own != "" && within(p, own+"/...") && !strings.HasSuffix(p, "test"):
			case withinAny(p, l.may):
			case s.test && (withinAny(p, l.tests) || p == s.pkg):
			default:
				t.Errorf("%s imports %s, which %s may not", s.path, p, s.pkg)
			}
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(unknown)) {
		t.Errorf("package %s has no row in the picture", pkg)
	}
}

// TestPure keeps codecs and leaves free of anything that waits, prints or depends on the machine.
func TestPure(t *testing.T) {
	t.Parallel()
	banned := []string{"net", "net/http", "os", "os/exec", "log", "log/slog", "math/rand", "math/rand/v2", "context", "reflect"}
	for _, s := range sources(t) {
		if l, _ := layerOf(s.pkg); !l.pure || s.test {
			continue
		}
		_, others := s.imports()
		for _, p := range others {
			if slices.Contains(banned, p) {
				t.Errorf("%s imports %s, although %s is to compute only", s.path, p, s.pkg)
			}
		}
		for _, pos := range goStatements(s.syntax) {
			t.Errorf("%s starts a goroutine, although %s is to compute only", s.at(pos), s.pkg)
		}
	}
}

// dependency allows a package to import another module.
type dependency struct {
	pkg    string // who
	module string // path that the import begins with
	test   bool   // in tests only
	reason string
}

func dependencies() []dependency {
	const (
		bcrypt = "golang.org/x/crypto/bcrypt"
		stomp  = "github.com/go-stomp/stomp/v3"
		amqp   = "github.com/Azure/go-amqp"
	)
	return []dependency{
		{pkg: "store/pebble", module: "github.com/cockroachdb/pebble/v2", reason: "the storage engine"},
		{pkg: "broker", module: "github.com/cockroachdb/pebble/v2/vfs", test: true, reason: "a disk that loses power, under the model of random operations"},
		{pkg: "broker/security", module: bcrypt, reason: "verifies hashed passwords; not in the standard library"},
		{pkg: "broker/security/ldap", module: "github.com/go-ldap/ldap/v3", reason: "the protocol of directories, with its ASN.1; not in the standard library"},
		{pkg: "cmd/manifold/accounts", module: bcrypt, reason: "hashes passwords for the user command"},
		{pkg: "cmd/manifold", module: bcrypt, test: true, reason: "tests that hashes verify"},
		{pkg: "protocols/websocket", module: bcrypt, test: true, reason: "hashes the password of the tests' user"},
		{pkg: "protocols/openwire/jmstest", module: bcrypt, test: true, reason: "hashes the passwords of the suite's users"},
		{pkg: "protocols/mqtt/mqtttest", module: bcrypt, test: true, reason: "hashes the password of the suite's user"},
		{pkg: "protocols/mqtt/mqtttest", module: "github.com/eclipse/paho.mqtt.golang", test: true, reason: "MQTT 3.1 and 3.1.1 by a client that is not ours"},
		{pkg: "protocols/mqtt/mqtttest", module: "github.com/eclipse/paho.golang", test: true, reason: "MQTT 5 by a client that is not ours"},
		{pkg: "protocols/stomp/stomptest", module: bcrypt, test: true, reason: "hashes the password of the suite's user"},
		{pkg: "cmd/manifold", module: "github.com/spf13/cobra", reason: "command line with help and completion"},
		{pkg: "cmd/manifold", module: "github.com/spf13/pflag", reason: "cobra's flags"},
		{pkg: "cmd/manifold", module: "golang.org/x/sys/unix", reason: "reads passwords from a terminal without echo"},
		{pkg: "cmd/manifold/systemd", module: "golang.org/x/sys/unix", reason: "the monotonic clock of reload notifications"},
		{pkg: "cmd/manifold/config", module: "go.yaml.in/yaml/v3", reason: "YAML with the line of each node"},
		{pkg: "cmd/manifold/client", module: "github.com/eclipse/paho.mqtt.golang", reason: "send and receive speak MQTT through a client that is not ours"},
		{pkg: "cmd/manifold/client", module: bcrypt, test: true, reason: "hashes the password of the tests' user"},
		{pkg: "cmd/manifold/client", module: "github.com/gorilla/websocket", reason: "the client's side of WebSockets"},
		{pkg: "cmd/manifold/client", module: stomp, reason: "send, receive and browse speak through a client that is not ours"},
		{pkg: "protocols/torture/client", module: stomp, reason: "the load engine drives a client that is not ours"},
		{pkg: "protocols/torture/client", module: amqp, reason: "the load engine drives a client that is not ours"},
		{pkg: "protocols/interoptest", module: stomp, test: true, reason: "every pair of protocols by clients that are not ours"},
		{pkg: "protocols/interoptest", module: amqp, test: true, reason: "likewise"},
		{pkg: "protocols/interoptest", module: "github.com/eclipse/paho.mqtt.golang", test: true, reason: "likewise"},
		{pkg: "protocols/interoptest", module: "github.com/eclipse/paho.golang", test: true, reason: "likewise"},
		{pkg: "protocols/stomp/stomptest", module: stomp, test: true, reason: "the behaviour suite is run by a client that is not ours"},
		{pkg: "protocols/websocket", module: "github.com/gorilla/websocket", reason: "the handshake and the frames of WebSockets; not in the standard library"},
		{pkg: "protocols/amqp/amqptest", module: bcrypt, test: true, reason: "hashes the password of the suite's user"},
		{pkg: "cmd/manifold/client", module: amqp, reason: "send, receive and browse speak through a client that is not ours"},
		{pkg: "protocols/amqp/amqptest", module: amqp, test: true, reason: "the behaviour suite is run by a client that is not ours"},
		{pkg: "protocols/http/...", module: "github.com/prometheus/client_golang", reason: "metrics in Prometheus's formats"},
	}
}

// TestDependencies holds every import of another module against the list of those that are
// allowed, and the list against what is imported.
func TestDependencies(t *testing.T) {
	t.Parallel()
	list := dependencies()
	used := make([]bool, len(list))
	packages := make(map[string]bool)
	for _, s := range sources(t) {
		packages[s.pkg] = true
		_, others := s.imports()
		for _, p := range others {
			if first, _, _ := strings.Cut(p, "/"); !strings.Contains(first, ".") {
				continue // the standard library
			}
			i := slices.IndexFunc(list, func(d dependency) bool {
				return within(s.pkg, d.pkg) && within(p, d.module+"/...") && (!d.test || s.test)
			})
			if i < 0 {
				t.Errorf("%s imports %s, which has no entry among the allowed dependencies of %s", s.path, p, s.pkg)
				continue
			}
			used[i] = true
		}
	}
	for i, d := range list {
		if d.reason == "" {
			t.Errorf("%s may import %s, but no reason is given", d.pkg, d.module)
		}
		if !used[i] {
			t.Errorf("%s may import %s and does not: remove the entry", d.pkg, d.module)
		}
	}
}

// pinned are modules of which one version is required, and why.
func pinned() map[string]string {
	return map[string]string{
		// The version whose behaviour the documented differences and the tests describe.
		"github.com/go-stomp/stomp/v3": "v3.1.5",
	}
}

// contained returns the modules that the program is built from, on any system.
func contained(t *testing.T) []string {
	t.Helper()
	modules := make(map[string]bool)
	for _, target := range []struct{ system, cgo string }{{"linux", "1"}, {"darwin", "0"}, {"windows", "0"}} {
		cmd := exec.Command("go", "list", "-e", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./cmd/manifold")
		cmd.Env = append(os.Environ(), "GOOS="+target.system, "GOARCH=amd64", "CGO_ENABLED="+target.cgo, "GOFLAGS=")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list for %s: %v", target.system, err)
		}
		for line := range strings.Lines(string(out)) {
			modules[strings.TrimSpace(line)] = true
		}
	}
	delete(modules, "")
	delete(modules, module)
	return slices.Sorted(maps.Keys(modules))
}

// TestModuleFile checks the versions that are fixed, and that NOTICE names what the program
// contains and nothing else.
func TestModuleFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	notice, err := os.ReadFile("NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`(?m)^\s*replace\b`).Match(text) {
		t.Error("go.mod replaces a module, so that others could not install the program with go install")
	}
	versions := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?m)^(?:require)?\s+(\S+\.\S+/\S+) (v\S+)`).FindAllStringSubmatch(string(text), -1) {
		versions[m[1]] = m[2]
	}
	if len(versions) == 0 {
		t.Fatal("go.mod requires nothing: the expression above is wrong")
	}
	for _, name := range slices.Sorted(maps.Keys(pinned())) {
		if want, got := pinned()[name], versions[name]; got != want {
			t.Errorf("go.mod has %s at %q, want %s", name, got, want)
		}
	}
	program := contained(t)
	for _, name := range program {
		if !strings.Contains(string(notice), "  "+name+" ") {
			t.Errorf("NOTICE does not name %s", name)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^  (\S+\.\S+/\S+) +(?:MIT|BSD|Apache)`).FindAllStringSubmatch(string(notice), -1) {
		if !slices.Contains(program, m[1]) {
			t.Errorf("NOTICE names %s, of which nothing is in the program", m[1])
		}
	}
}
