package httpd_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	httpd "github.com/manifoldmq/manifold/protocols/http"
	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/memory"
)

const token = "a-token-that-is-long-enough"

// node is a broker on the memory store with its management surface.
type node struct {
	*broker.Broker
	t     testing.TB
	http  *httpd.Server
	hooks store.Hooks
	wrap  func(*memory.Store) store.Store // nil: as it is
}

// newNode returns a node that is not active. change may alter its options.
func newNode(t testing.TB, limits broker.Limits, change func(*httpd.Options)) *node {
	t.Helper()
	n := &node{t: t}
	n.Broker = broker.New(broker.Options{Name: "test", Limits: limits, OpenStore: n.open})
	o := httpd.Options{Broker: n.Broker, Version: "1.2.3", Token: token, Metrics: true}
	if change != nil {
		change(&o)
	}
	s, err := httpd.New(o)
	if err != nil {
		t.Fatal(err)
	}
	n.http = s
	t.Cleanup(func() {
		_ = s.Close()
		_ = n.Deactivate(context.Background(), nil)
	})
	return n
}

func (n *node) open(_ context.Context, hooks store.Hooks) (store.Store, error) {
	n.hooks = hooks
	s, err := memory.Open(memory.Options{Hooks: hooks})
	if err != nil || n.wrap == nil {
		return s, err
	}
	return n.wrap(s), nil
}

// startNode returns an active node.
func startNode(t testing.TB, change func(*httpd.Options)) *node {
	t.Helper()
	n := newNode(t, broker.Limits{}, change)
	n.activate()
	return n
}

func (n *node) activate() {
	n.t.Helper()
	if err := n.Activate(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// into decodes the body.
func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%v in %q", err, a.body)
	}
}

// do sends a request to the handler. auth is the Authorization header.
func (n *node) do(method, target, auth, body string) answer {
	n.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if auth != "" {
		r.Header.Set("Authorization", auth)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	n.http.Handler().ServeHTTP(w, r)
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return answer{w.Code, w.Result().Header, string(text)}
}

func (n *node) get(target string) answer { n.t.Helper(); return n.do("GET", target, "", "") }

// api sends a request with the token.
func (n *node) api(method, path, body string) answer {
	n.t.Helper()
	return n.do(method, "/api/v1/"+path, "Bearer "+token, body)
}

// must sends a request with the token and decodes what has to be a success.
func (n *node) must(method, path, body string, into any) {
	n.t.Helper()
	a := n.api(method, path, body)
	if a.status != 200 {
		n.t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	a.into(n.t, into)
}

// client is a connection that waits for confirmations.
type client struct {
	*broker.Connection
	t testing.TB

	mu        sync.Mutex
	cond      sync.Cond
	confirmed broker.Token
	failed    error
	next      broker.Token
}

func (c *client) Confirmed(t broker.Token, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.confirmed = max(c.confirmed, t)
	if err != nil {
		c.failed = err
	}
	c.cond.Broadcast()
}

func (c *client) Blocked(string) {}
func (c *client) Closed(error)   {}
func (c *client) Wake()          {}

// deaf is a sink that nothing is sent to, as its subscription never gets credit.
type deaf struct{}

func (deaf) Deliver([]broker.Delivery) bool { return true }
func (deaf) Drained(*queue.Consumer)        {}
func (deaf) Closed(*queue.Consumer, error)  {}
func (deaf) Wake()                          {}

func (n *node) connect(id string) *client {
	n.t.Helper()
	c := &client{t: n.t}
	c.cond.L = &c.mu
	conn, err := n.Connect(n.t.Context(), broker.Login{Protocol: "test", Listener: "inside", ClientID: id, User: "joe"}, c)
	if err != nil {
		n.t.Fatal(err)
	}
	c.Connection = conn
	n.t.Cleanup(conn.Close)
	return c
}

// send puts texts on a destination and returns when they are confirmed.
func (c *client) send(a address.Address, texts ...string) {
	c.t.Helper()
	p, err := c.Producer(a)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, s := range texts {
		m := &message.Message{Content: message.NewNative(nil, message.Payload{Kind: message.TextPayload, Value: message.OfString(s)})}
		m.Priority, m.Durable, m.Address = message.DefaultPriority, true, a
		c.next++
		if err := p.Send(m, nil, c.next); err != nil {
			c.t.Fatal(err)
		}
	}
	c.Flush()
	timer := time.AfterFunc(20*time.Second, func() { c.Confirmed(^broker.Token(0), context.DeadlineExceeded) })
	defer timer.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.confirmed < c.next {
		c.cond.Wait()
	}
	if c.failed != nil {
		c.t.Fatal(c.failed)
	}
}

func queueAt(name string) address.Address { return address.Address{Kind: address.Queue, Name: name} }
func topicAt(name string) address.Address { return address.Address{Kind: address.Topic, Name: name} }
