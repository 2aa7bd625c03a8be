package mqtttest_test

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/mqtt/mqtttest"
)

// TestBehaviours asks of each behaviour that clients rely on, or that hostile ones try, for the
// scenarios and tests that show it, or the reason why there are none.
func TestBehaviours(t *testing.T) {
	t.Parallel()
	there := make(map[string]bool)
	for _, s := range mqtttest.All() {
		there[s.Name] = true
	}
	name := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, pattern := range []string{"*_test.go", "../*_test.go", "../packet/*_test.go", "../../websocket/*_test.go", "../../interoptest/*_test.go", "../../../broker/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range name.FindAllSubmatch(text, -1) {
				there[string(m[1])] = true
			}
		}
	}
	f, err := os.Open("testdata/behaviours.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	keys := make(map[string]bool)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, rest, _ := strings.Cut(line, ": ")
		at := strings.LastIndex(rest, ": ")
		if at < 0 || keys[key] {
			t.Errorf("%q is no line of its own", line)
			continue
		}
		keys[key] = true
		shown := strings.Fields(rest[at+2:])
		if shown[0] == "-" {
			if len(shown) < 3 {
				t.Errorf("%s has neither tests nor a reason", key)
			}
			continue
		}
		for _, s := range shown {
			if !there[s] {
				t.Errorf("%s is to be shown by %s, which is not there", key, s)
			}
		}
	}
	if len(keys) < 80 {
		t.Errorf("only %d behaviours", len(keys))
	}
}
