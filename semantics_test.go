package manifold_test

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSemanticsNamesItsTests holds the pages on ActiveMQ's behaviours and on OpenWire against the
// repository: each line names tests that are there, or says why there is none.
func TestSemanticsNamesItsTests(t *testing.T) {
	t.Parallel()
	tests, scenarios := testsByName(t), scenariosByName(t)
	for page, least := range map[string]int{"docs/semantics.md": 100, "docs/openwire.md": 50} {
		namesItsTests(t, page, least, tests, scenarios)
	}
}

func namesItsTests(t *testing.T, page string, least int, tests, scenarios map[string]bool) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	quoted, item := regexp.MustCompile("`([^`]+)`"), regexp.MustCompile(`^[0-9X][0-9.a-z]*$`)
	lines := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| # |") || strings.HasPrefix(line, "|---") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || !item.MatchString(strings.TrimSpace(cells[0])) {
			t.Errorf("%s: %q is no line with a number, a behaviour and its proof", page, line)
			continue
		}
		lines++
		number, proof := strings.TrimSpace(cells[0]), strings.TrimSpace(cells[2])
		named := 0
		for _, m := range quoted.FindAllStringSubmatch(proof, -1) {
			switch name := m[1]; {
			case tests[name] || scenarios[name]:
				named++
			case strings.Contains(name, ".Test") || strings.Contains(name, ":"):
				t.Errorf("%s, %s: there is no test %s", page, number, name)
			}
		}
		if named == 0 && !strings.HasPrefix(proof, "not ") {
			t.Errorf("%s, %s names no test and gives no reason: %s", page, number, proof)
		}
	}
	if lines < least {
		t.Errorf("%s: only %d lines were understood", page, lines)
	}
}

// testsByName returns the test functions, named by package and function.
func testsByName(t *testing.T) map[string]bool {
	names := make(map[string]bool)
	for _, s := range sources(t) {
		if !s.test {
			continue
		}
		for _, d := range s.syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				names[s.pkg+"."+f.Name.Name] = true
			}
		}
	}
	return names
}

// scenariosByName returns the scenarios of the behaviour suites, named by protocol and path.
func scenariosByName(t *testing.T) map[string]bool {
	t.Helper()
	paths := regexp.MustCompile(`\b[nN]ame(?: =|:) *"([a-z0-9.-]+/[a-zA-Z0-9.-]+)"`)
	names := make(map[string]bool)
	list, err := files()
	if err != nil {
		t.Fatal(err)
	}
	for protocol, at := range map[string]string{
		"openwire": "protocols/openwire/jmstest/testdata/java/jmstest", "stomp": "protocols/stomp/stomptest",
		"mqtt": "protocols/mqtt/mqtttest", "amqp": "protocols/amqp/amqptest", "delivery": "protocols/interoptest",
	} {
		for _, name := range list {
			if path.Dir(name) != at || strings.HasSuffix(name, "_test.go") && protocol != "delivery" {
				continue
			}
			text, err := os.ReadFile(filepath.FromSlash(name))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range paths.FindAllStringSubmatch(string(text), -1) {
				names[protocol+":"+m[1]] = true
			}
		}
	}
	return names
}
