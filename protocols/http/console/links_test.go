package console_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var linked = regexp.MustCompile(`href="([^"]*)"`)

// TestLinks follows every link that pages show, and the links that sort a list.
func TestLinks(t *testing.T) {
	t.Parallel()
	s := start(t).as("op", token)
	for _, name := range []string{"a", "b&sort=c", "d ü"} {
		s.must("queues", "action", "create", "name", name)
	}
	for range 2 {
		s.must("send", "to", "b&sort=c", "body", "x", "persistent", "yes", "copies", "30")
	}
	s.must("send", "to", "ActiveMQ.DLQ", "body", "x", "persistent", "yes")
	seen := map[string]bool{}
	sorts := 0
	for todo := []string{"/console/"}; len(todo) > 0; todo = todo[1:] {
		if len(seen) > 500 {
			t.Fatal("there is no end of pages")
		}
		a := s.do("GET", todo[0], "", "")
		if a.status != 200 {
			t.Fatalf("%s: %d", todo[0], a.status)
		}
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			continue
		}
		base, err := url.Parse(todo[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range linked.FindAllStringSubmatch(a.body, -1) {
			u, err := base.Parse(html.UnescapeString(m[1]))
			if err != nil {
				t.Fatalf("%s leads to %q: %v", todo[0], m[1], err)
			}
			for name := range u.Query() {
				if strings.ContainsAny(name, "=&") {
					t.Fatalf("%s leads to %q, whose parameter is called %q", todo[0], m[1], name)
				}
			}
			if u.Query().Get("sort") == "messages" && u.Path == "/console/queues" {
				sorts++
			}
			if next := u.RequestURI(); u.Host == "" && !seen[next] {
				seen[next] = true
				todo = append(todo, next)
			}
		}
	}
	if sorts == 0 || len(seen) < 12 {
		t.Errorf("%d links sort queues, of %d", sorts, len(seen))
	}
}
