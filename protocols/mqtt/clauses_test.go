package mqtt_test

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestClauses asks of every normative statement that a server has to obey for its number at the
// place that obeys it, and for tests that show it; and of every number that stands somewhere for
// such a statement.
func TestClauses(t *testing.T) {
	t.Parallel()
	tagged, tests := make(map[string]string), make(map[string]bool)
	tag := regexp.MustCompile(`\[MQTT-(\d+\.\d+\.\d+-\d+)\]`)
	name := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, "_test.go") {
			for _, m := range name.FindAllSubmatch(text, -1) {
				tests[string(m[1])] = true
			}
			return nil
		}
		for _, m := range tag.FindAllSubmatch(text, -1) {
			tagged[string(m[1])] = path
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("testdata/clauses.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	known := make(map[string]bool)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(line, ": ", 3)
		if len(parts) != 3 {
			t.Fatalf("%q", line)
		}
		clause, shown := parts[0], strings.Fields(parts[2])
		known[clause] = true
		if shown[0] == "-" {
			if len(shown) < 3 {
				t.Errorf("%s has neither tests nor a reason", clause)
			}
			continue
		}
		if tagged[clause] == "" {
			t.Errorf("[MQTT-%s] stands nowhere", clause)
		}
		for _, s := range shown {
			if !tests[s] {
				t.Errorf("%s is to be shown by %s, which is not there", clause, s)
			}
		}
	}
	if len(known) < 200 {
		t.Errorf("%d clauses", len(known))
	}
	for clause, path := range tagged {
		if !known[clause] {
			t.Errorf("%s: [MQTT-%s] is no statement that a server has to obey", path, clause)
		}
	}
}
