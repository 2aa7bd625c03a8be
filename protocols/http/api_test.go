package httpd_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
	httpd "github.com/manifoldmq/manifold/protocols/http"
)

type destination struct {
	Address, Kind, Name, Path string
	Published                 *int64
	Queue                     *struct {
		Messages, Bytes, Enqueued, Dequeued int64
		Paused                              bool
	}
}

func TestQueueOperations(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	c := n.connect("c")
	for _, name := range []string{
		"orders.eu", "with space", "a/b", "a//b", "..", ".", "../../etc/passwd", "%2e%2e", "q?x=1#y", "ünïcode…", "\xff\xfe", `"<script>`, "purge",
	} {
		t.Run(name, func(t *testing.T) {
			c.send(queueAt(name), "one", "two")
			path := "queues/" + url.PathEscape(name)
			if name == "." || name == ".." { // stays as it is in escaping; a client may still send it
				path = "queues/" + strings.ReplaceAll(name, ".", "%2E")
			}
			var d destination
			n.must("GET", path, "", &d)
			if d.Queue.Messages != 2 || d.Queue.Enqueued != 2 || d.Queue.Paused || d.Kind != "queue" {
				t.Errorf("%+v, %+v", d, d.Queue)
			}
			if name != "." && name != ".." && d.Path != "/api/v1/"+path {
				t.Errorf("path %q, not %q", d.Path, path)
			}
			var paused struct{ Paused bool }
			if n.must("POST", path+"/pause", "", &paused); !paused.Paused {
				t.Error("not paused")
			}
			if n.must("GET", path, "", &d); !d.Queue.Paused {
				t.Error("not paused")
			}
			if n.must("POST", path+"/resume", "", &paused); paused.Paused {
				t.Error("not resumed")
			}
			var purged struct{ Messages int64 }
			if n.must("POST", path+"/purge", "", &purged); purged.Messages != 2 {
				t.Errorf("purged %d", purged.Messages)
			}
			if n.must("GET", path, "", &d); d.Queue.Messages != 0 || d.Queue.Paused {
				t.Errorf("%+v", d.Queue)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	n.connect("c").send(topicAt("news"), "x")
	for _, c := range []struct {
		method, path string
		status       int
		kind         string
	}{
		{"GET", "queues/none", 404, "not found"},
		{"GET", "queues/topic:%2F%2Fnews", 404, "not found"},
		{"POST", "queues/none/purge", 404, "not found"},
		{"POST", "queues/topic:%2F%2Fnews/purge", 404, "not found"},
		{"POST", "queues/none/pause", 404, "not found"},
		{"POST", "queues/none/resume", 404, "not found"},
		{"GET", "queues/", 404, "not found"},
		{"GET", "queues", 404, "not found"},
		{"GET", "queues//purge", 404, "not found"},
		{"GET", "", 404, "not found"},
		{"GET", "status/", 404, "not found"},
		{"GET", "../livez", 404, "not found"},
		{"GET", "queues/" + strings.Repeat("x", 40<<10), 404, "not found"},
		{"GET", "queues/q/purge", 405, "unsupported"},
		{"DELETE", "queues/q", 405, "unsupported"},
		{"POST", "status", 405, "unsupported"},
		{"GET", "reload", 405, "unsupported"},
		{"POST", "reload", 501, "unsupported"},
		{"GET", "destinations?limit=0", 400, "malformed"},
		{"GET", "destinations?limit=10001", 400, "malformed"},
		{"GET", "destinations?limit=x", 400, "malformed"},
		{"GET", "destinations?kind=exchange", 400, "malformed"},
		{"GET", "connections?limit=-1", 400, "malformed"},
	} {
		a := n.api(c.method, c.path, "")
		var p struct{ Error, Kind string }
		a.into(t, &p)
		if a.status != c.status || p.Kind != c.kind || p.Error == "" {
			t.Errorf("%s %.60s: %d %s", c.method, c.path, a.status, a.body)
		}
		if c.status == 405 && a.header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", c.method, c.path)
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		if a := n.do("POST", path, "", ""); a.status != 405 {
			t.Errorf("POST %s: %d", path, a.status)
		}
		if a := n.do("HEAD", path, "", ""); a.status != 200 {
			t.Errorf("HEAD %s: %d", path, a.status)
		}
	}
	for _, path := range []string{"/", "/api", "/api/", "/api/v2/status", "/livez/", "/%6civez/../api/v1/status", "/../../etc/passwd", "/debug/pprof/"} {
		if a := n.get(path); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestStandbyAnswersStatusOnly(t *testing.T) {
	t.Parallel()
	n := newNode(t, broker.Limits{}, nil)
	var s struct{ Broker, Version, Role, Mode, Owner string }
	n.must("GET", "status", "", &s)
	if s.Broker != "test" || s.Version != "1.2.3" || s.Role != "standby" || s.Mode != "standalone" || s.Owner != "test" {
		t.Errorf("%+v", s)
	}
	for _, k := range []struct{ method, path string }{
		{"GET", "destinations"}, {"GET", "connections"}, {"GET", "queues/q"},
		{"POST", "queues/q/purge"}, {"POST", "queues/q/pause"}, {"POST", "queues/q/resume"}, {"POST", "backup"},
	} {
		if a := n.api(k.method, k.path, ""); a.status != 503 || !strings.Contains(a.body, "standby") {
			t.Errorf("%s: %d %s", k.path, a.status, a.body)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	n.connect("c").send(queueAt("q"), "a", "b", "c")
	n.connect("d").send(topicAt("t"), "a")
	var s struct {
		Role                                  string
		Connections, Queues, Topics, Messages int
		RecoveredPercent                      int
		Totals                                struct{ Connections, Received int }
		Usage                                 map[string]struct{ UsedBytes, LimitBytes int64 }
		Store                                 struct{ Engine string }
	}
	n.must("GET", "status", "", &s)
	if s.Role != "active" || s.Connections != 2 || s.Queues != 1 || s.Topics != 1 || s.Messages != 3 || s.RecoveredPercent != 100 {
		t.Errorf("%+v", s)
	}
	if s.Totals.Connections != 2 || s.Totals.Received != 4 || s.Store.Engine != "memory" {
		t.Errorf("%+v", s)
	}
	if m := s.Usage["memory"]; m.UsedBytes <= 0 || m.LimitBytes != 1<<30 {
		t.Errorf("%+v", s.Usage)
	}
}

func TestDestinationsByPage(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	c := n.connect("c")
	var want []string
	for i := range 5 {
		c.send(queueAt(fmt.Sprintf("q%d", i)), "x")
		want = append(want, fmt.Sprintf("queue://q%d", i))
	}
	for i := range 3 {
		c.send(topicAt(fmt.Sprintf("t%d", i)), "x")
		want = append(want, fmt.Sprintf("topic://t%d", i))
	}
	list := func(query string) (got []string, more bool) {
		var page struct {
			Destinations []destination
			More         bool
		}
		n.must("GET", "destinations?"+query, "", &page)
		for _, d := range page.Destinations {
			got = append(got, d.Address)
			if (d.Queue == nil) == (d.Published == nil) {
				t.Errorf("%+v", d)
			}
		}
		return got, page.More
	}
	var got []string
	for more := true; more; {
		query := "limit=3"
		if got != nil {
			query += "&after=" + url.QueryEscape(got[len(got)-1])
		}
		var page []string
		page, more = list(query)
		got = append(got, page...)
		if len(page) == 0 {
			t.Fatal("empty page")
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got, more := list("kind=topic"); !slices.Equal(got, want[5:]) || more {
		t.Errorf("got %q", got)
	}
	if got, _ := list("prefix=q3"); !slices.Equal(got, want[3:4]) {
		t.Errorf("got %q", got)
	}
	if got, _ := list("prefix=none"); got != nil {
		t.Errorf("got %q", got)
	}
}

func TestConnections(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	for _, id := range []string{"a", "b", "c"} {
		n.connect(id)
	}
	type page struct {
		Connections []struct{ ID, Client, User, Protocol, Listener, Blocked string }
		More        bool
	}
	seen, after := map[string]bool{}, ""
	for i := range 3 {
		var p page
		n.must("GET", "connections?limit=1&after="+url.QueryEscape(after), "", &p)
		if len(p.Connections) != 1 || p.More != (i < 2) {
			t.Fatalf("%+v", p)
		}
		k := p.Connections[0]
		if k.User != "joe" || k.Protocol != "test" || k.Listener != "inside" || k.Blocked != "" {
			t.Errorf("%+v", k)
		}
		seen[k.Client], after = true, k.ID
	}
	if len(seen) != 3 {
		t.Error(seen)
	}
}

// TestBlockedProducers shows a producer that waits on each surface, with what it waits for.
func TestBlockedProducers(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	one := policy.Value{Name: "limits.messages", Set: func(p *policy.Policy) { p.Limits.Messages = 1 }}
	if err := n.Policies.Replace([]policy.Entry{{Match: "queue://q", Values: []policy.Value{one}}}); err != nil {
		t.Fatal(err)
	}
	c := n.connect("eager")
	c.send(queueAt("q"), "x")
	p, err := c.Producer(queueAt("q"))
	if err != nil {
		t.Fatal(err)
	}
	m := &message.Message{Content: message.NewNative(nil, message.Payload{Kind: message.TextPayload, Value: message.OfString("more")})}
	m.Address, m.Durable = queueAt("q"), true
	if err := p.Send(m, nil, 1000); err != nil {
		t.Fatal(err)
	}
	c.Flush()
	list := func() (blocked, since, wayOut string) {
		t.Helper()
		var p struct {
			Connections []struct{ Blocked, BlockedSince, WayOut string }
		}
		n.must("GET", "connections", "", &p)
		return p.Connections[0].Blocked, p.Connections[0].BlockedSince, p.Connections[0].WayOut
	}
	if blocked, since, wayOut := list(); blocked != "message limit reached on queue://q" || since == "" || !strings.Contains(wayOut, "limits.messages") {
		t.Errorf("blocked %q, since %q, way out %q", blocked, since, wayOut)
	}
	expect(t, n.scrape(), map[string]float64{`manifold_connections_blocked`: 1, `manifold_connections_blocked_by{limit="destination"}`: 1})
	if _, err := n.Purge(t.Context(), queueAt("q")); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	for c.confirmed < 1000 && c.failed == nil {
		c.cond.Wait()
	}
	c.mu.Unlock()
	if blocked, _, wayOut := list(); blocked != "" || wayOut != "" {
		t.Errorf("blocked %q, way out %q", blocked, wayOut)
	}
	expect(t, n.scrape(), map[string]float64{`manifold_connections_blocked`: 0, `manifold_connections_blocked_by{limit="destination"}`: -1})
}

func TestReload(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		changes []string
		err     error
		status  int
		text    string
	}{
		{[]string{"limits.memory: 1GiB to 2GiB"}, nil, 200, "limits.memory: 1GiB to 2GiB"},
		{nil, nil, 200, `"changes": []`},
		{nil, errors.New("config.yaml:3: no such key"), 422, "config.yaml:3: no such key"},
		{nil, fault.New(fault.Timeout, "reload", "", "too slow"), 504, "too slow"},
	} {
		n := newNode(t, broker.Limits{}, func(o *httpd.Options) {
			o.Reload = func(ctx context.Context) ([]string, error) { return c.changes, errors.Join(c.err, ctx.Err()) }
		})
		a := n.api("POST", "reload", "")
		if a.status != c.status || !strings.Contains(a.body, c.text) || !json.Valid([]byte(a.body)) {
			t.Errorf("%v: %d %s", c.err, a.status, a.body)
		}
	}
}

func TestEveryAnswerIsSecured(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	for _, a := range []answer{n.get("/livez"), n.get("/readyz"), n.get("/metrics"), n.get("/none"), n.get("/api/v1/status"), n.api("GET", "status", "")} {
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %q in %d %.40s", name, got, a.status, a.body)
			}
		}
		if strings.Contains(a.body, token) {
			t.Error("the token is in an answer")
		}
	}
}
