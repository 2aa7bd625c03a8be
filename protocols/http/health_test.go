package httpd_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/message"
	httpd "github.com/manifoldmq/manifold/protocols/http"
	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/memory"
)

type ready struct {
	Status string
	Waits  []string
	Checks []struct {
		Name     string
		OK       bool
		Advisory bool
		Percent  *int
		Reason   string
	}
}

func (n *node) ready(auth string, status int, waits ...string) ready {
	n.t.Helper()
	a := n.do("GET", "/readyz", auth, "")
	var r ready
	a.into(n.t, &r)
	if a.status != status || strings.Join(r.Waits, " ") != strings.Join(waits, " ") {
		n.t.Errorf("got %d, waiting for %q; want %d, %q\n%s", a.status, r.Waits, status, waits, a.body)
	}
	return r
}

func (r ready) reason(name string) string {
	for _, c := range r.Checks {
		if c.Name == name {
			return c.Reason
		}
	}
	return "no check " + name
}

func TestReadyFollowsTheRole(t *testing.T) {
	t.Parallel()
	n := newNode(t, broker.Limits{}, nil)
	r := n.ready("", 503, "role", "store")
	if got := r.reason("role"); got != "the broker is standby" {
		t.Error(got)
	}

	opening, open := make(chan struct{}), make(chan struct{})
	n.wrap = func(s *memory.Store) store.Store {
		close(opening)
		<-open
		return s
	}
	done := make(chan error)
	go func() { done <- n.Activate(context.Background()) }()
	<-opening
	r = n.ready("", 503, "role", "store")
	if got := r.reason("store"); got != "recovered 0 %" {
		t.Error(got)
	}
	if a := n.get("/livez"); a.status != 200 {
		t.Errorf("a broker that starts is not alive: %d", a.status)
	}
	close(open)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if r = n.ready("", 200); r.Status != "ready" {
		t.Error(r.Status)
	}
	if err := n.Deactivate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	n.ready("", 503, "role", "store")
}

func TestReadyWaitsForChecks(t *testing.T) {
	t.Parallel()
	var missing, advice error
	n := startNode(t, func(o *httpd.Options) {
		o.Checks = []httpd.Check{
			{Name: "listeners", Func: func(ctx context.Context) error {
				if _, ok := ctx.Deadline(); !ok {
					return errors.New("no deadline")
				}
				return missing
			}},
			{Name: "certificates", Func: func(context.Context) error { return advice }, Advisory: true},
		}
	})
	n.ready("", 200)
	advice = errors.New("7 days left of /etc/secret.pem")
	if r := n.ready("", 200); r.Status != "degraded" || r.reason("certificates") != "" {
		t.Errorf("%+v", r)
	}
	missing = errors.New("10.0.0.1:61616 is not open")
	if r := n.ready("Bearer wrong", 503, "listeners"); r.reason("listeners") != "" {
		t.Errorf("details without the token: %+v", r)
	}
	r := n.ready("Bearer "+token, 503, "listeners")
	if r.reason("listeners") != missing.Error() || r.reason("certificates") != advice.Error() {
		t.Errorf("no details with the token: %+v", r)
	}
}

// A full disk stops producers. Consumers must still find the way here, or it stays full.
func TestFullDiskIsDegraded(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	n.hooks.Event(store.Event{Kind: store.DiskLow, Err: store.ErrDiskFull})
	if r := n.ready("", 200); r.Status != "degraded" || r.reason("disk") == "" {
		t.Errorf("%+v", r)
	}
	n.hooks.Event(store.Event{Kind: store.DiskOK})
	if r := n.ready("", 200); r.Status != "ready" {
		t.Errorf("%+v", r)
	}
}

func TestFullMemoryIsDegraded(t *testing.T) {
	t.Parallel()
	n := newNode(t, broker.Limits{Memory: 1}, nil)
	n.activate()
	c := n.connect("c")
	p, err := c.Producer(queueAt("q"))
	if err != nil {
		t.Fatal(err)
	}
	tx, err := c.Begin() // what it holds can't be left to the store
	if err != nil {
		t.Fatal(err)
	}
	m := &message.Message{Content: message.NewNative(nil, message.Payload{})}
	if err := p.Send(m, tx, 0); err != nil {
		t.Fatal(err)
	}
	if r := n.ready("", 200); r.Status != "degraded" || r.reason("memory") == "" {
		t.Errorf("%+v", r)
	}
}

func TestStoppedStoreIsNotAlive(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	if a := n.get("/livez"); a.status != 200 {
		t.Error(a)
	}
	n.hooks.Event(store.Event{Kind: store.Fatal, Err: errors.New("secret device")})
	for _, path := range []string{"/livez", "/readyz"} {
		if a := n.get(path); a.status != 503 || strings.Contains(a.body, "secret") || !strings.Contains(a.body, "the store has stopped") {
			t.Errorf("%s: %+v", path, a)
		}
	}
}
