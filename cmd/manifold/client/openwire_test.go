package client_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/cmd/manifold/client"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/openwire/jmstest"
	"github.com/manifoldmq/manifold/protocols/server"
)

// TestOpenWire shows what the other protocols' forms show, on our broker.
func TestOpenWire(t *testing.T) {
	t.Parallel()
	openWire(t, brokertest.Start(t).URL("tcp", "auto"))
}

// TestOpenWireActiveMQ shows the same on the real ActiveMQ.
func TestOpenWireActiveMQ(t *testing.T) {
	t.Parallel()
	switch {
	case testing.Short():
		t.Skip("ActiveMQ takes its time")
	case !jmstest.ActiveMQInstalled() && os.Getenv("MANIFOLD_FOREIGN_CLIENTS") == "required":
		t.Fatal("ActiveMQ is not installed")
	case !jmstest.ActiveMQInstalled():
		t.Skip("ActiveMQ is not installed")
	}
	b := jmstest.StartActiveMQ(t, t.TempDir(), jmstest.Config{Port: jmstest.FreePort(t)})
	openWire(t, fmt.Sprintf("tcp://127.0.0.1:%d", b.Port))
}

// openWire sends, browses and receives, by selectors, through durable subscriptions and temporary
// queues, and is refused.
func openWire(t *testing.T, broker string) {
	t.Helper()
	queue := broker + "/queue/client.openwire"
	sender := dial(t, queue, client.Options{})
	for n := range 3 {
		m := client.Message{Body: fmt.Append(nil, "Grüße ", n, " 😀"), Persistent: true, Confirm: n < 2, ContentType: "text/plain", Headers: []client.Header{
			{Name: "priority", Value: "7"}, {Name: "correlation-id", Value: "c"}, {Name: "reply-to", Value: "/topic/r"}, {Name: "type", Value: "t"},
			{Name: "JMSXGroupID", Value: "g"}, {Name: "JMSXGroupSeq", Value: "3"}, {Name: "n", Value: fmt.Sprint(n)}, {Name: "expires", Value: "4102444800000"},
		}}
		if err := sender.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"priority", "expires", "JMSXGroupSeq", "message-id"} {
		if err := sender.Send(client.Message{Headers: []client.Header{{Name: name, Value: "high"}}}); sysexit.Of(err) != sysexit.Usage {
			t.Errorf("%s that is none: %v", name, err)
		}
	}
	if err := sender.Close(); err != nil {
		t.Fatal(err)
	}
	bodies := func(url string, o client.Options, s client.Subscription) (list []string, last client.Received) {
		t.Helper()
		c := dial(t, url, o)
		err := c.Receive(t.Context(), s, func(m client.Received) error {
			list, last = append(list, string(m.Body)), m
			return nil
		})
		if err != nil && sysexit.Of(err) != sysexit.Timeout {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		return list, last
	}
	for range 2 {
		list, last := bodies(queue, client.Options{}, client.Subscription{Browse: true})
		if !slices.Equal(list, []string{"Grüße 0 😀", "Grüße 1 😀", "Grüße 2 😀"}) {
			t.Errorf("browsed %q", list)
		}
		for _, want := range []client.Header{
			{Name: "destination", Value: "queue://client.openwire"}, {Name: "priority", Value: "7"}, {Name: "correlation-id", Value: "c"},
			{Name: "reply-to", Value: "topic://r"}, {Name: "type", Value: "t"}, {Name: "JMSXGroupID", Value: "g"}, {Name: "JMSXGroupSeq", Value: "3"},
			{Name: "n", Value: "2"}, {Name: "content-type", Value: "text/plain"}, {Name: "persistent", Value: "true"}, {Name: "expires", Value: "4102444800000"},
		} {
			if !slices.Contains(last.Headers, want) {
				t.Errorf("%v is not among %v", want, last.Headers)
			}
		}
	}
	if list, _ := bodies(queue, client.Options{}, client.Subscription{Selector: "n = '1'", Count: 1, Wait: patience}); !slices.Equal(list, []string{"Grüße 1 😀"}) {
		t.Errorf("selected %q", list)
	}
	// What was not handed over goes back as new.
	if list, last := bodies(queue, client.Options{}, client.Subscription{Ack: "client", Count: 1, Wait: patience}); len(list) != 1 || last.Header("redelivered") != "" {
		t.Errorf("received %q, %v", list, last.Headers)
	}
	if list, last := bodies(queue+"?consumer.exclusive=true", client.Options{}, client.Subscription{Ack: "auto", Count: 2, Wait: time.Second, Headers: []client.Header{
		{Name: "activemq.prefetchSize", Value: "1"}, {Name: "priority", Value: "3"},
	}}); !slices.Equal(list, []string{"Grüße 2 😀"}) || last.Header("redelivered") != "" {
		t.Errorf("received %q, %v", list, last.Headers)
	}
	topic := broker + "/topic/client.openwire"
	durable, once := client.Options{ClientID: "openwire"}, client.Subscription{Durable: "d", Count: 1, Wait: time.Millisecond}
	bodies(topic, durable, once)
	news := dial(t, topic, client.Options{})
	if err := news.Send(client.Message{Body: []byte("news"), Bytes: true, Persistent: true, Confirm: true}); err != nil {
		t.Fatal(err)
	}
	if err := news.Close(); err != nil {
		t.Fatal(err)
	}
	once.Wait = patience
	if list, _ := bodies(topic, durable, once); !slices.Equal(list, []string{"news"}) {
		t.Errorf("kept %q", list)
	}
	temporary := dial(t, broker+"/temp-queue/mine", client.Options{})
	if err := temporary.Send(client.Message{Body: []byte("to myself"), Confirm: true}); err != nil {
		t.Fatal(err)
	}
	if got := <-receive(temporary, 1); got != "to myself" {
		t.Errorf("from a temporary queue: %q", got)
	}
	_ = temporary.Close()
	for _, s := range []client.Subscription{{Headers: []client.Header{{Name: "a", Value: "b"}}}, {Headers: []client.Header{{Name: "prefetchSize", Value: "0"}}}} {
		c := dial(t, queue, client.Options{})
		if err := c.Receive(t.Context(), s, nil); sysexit.Of(err) != sysexit.Usage {
			t.Errorf("%+v: %v", s, err)
		}
		_ = c.Close()
	}
	bad := dial(t, queue, client.Options{})
	if err := bad.Receive(t.Context(), client.Subscription{Selector: "a = ("}, nil); sysexit.Of(err) != sysexit.Data {
		t.Errorf("a selector that is none: %v", err)
	}
	if err := bad.Close(); err != nil {
		t.Errorf("after a refusal: %v", err)
	}
	taken := dial(t, topic, durable)
	target, err := client.ParseTarget(topic)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Dial(t.Context(), target, client.Options{ClientID: "openwire", Timeout: patience}); sysexit.Of(err) != sysexit.Data {
		t.Errorf("a client identifier that is taken: %v", err)
	}
	_ = taken.Close()
}

// TestOpenWireRight shows the exit code for a right that is missing.
func TestOpenWireRight(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithSecurity(security.Options{
		Users:       []security.User{{Name: "u", Password: "right", Groups: []string{"g"}}},
		Permissions: []security.Permission{{Match: "queue://mine.>", Read: []string{"g"}, Write: []string{"g"}, Admin: []string{"g"}}},
	}))
	c := dial(t, "tcp://u:right@"+b.Addr("auto")+"/queue/other", client.Options{})
	if err := c.Send(client.Message{Confirm: true}); sysexit.Of(err) != sysexit.Permission {
		t.Errorf("send: %v", err)
	}
	if err := c.Receive(t.Context(), client.Subscription{}, nil); sysexit.Of(err) != sysexit.Permission {
		t.Errorf("receive: %v", err)
	}
	_ = c.Close()
}

// network is a way to a broker that can be cut, or swallow what the broker says.
type network struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
	mute  bool
	heard chan struct{} // something was swallowed
}

// overNetwork returns one between a client and an address.
func overNetwork(t *testing.T, address string) *network {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{Listener: l, heard: make(chan struct{}, 1)}
	t.Cleanup(func() {
		_ = l.Close()
		n.cut()
	})
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", address)
			if err != nil {
				_ = near.Close()
				continue
			}
			n.mu.Lock()
			n.conns = append(n.conns, near, far)
			n.mu.Unlock()
			go func() {
				_, _ = io.Copy(far, near)
				_ = far.Close()
			}()
			go func() {
				_, _ = io.Copy(answers{near, n}, far)
				_ = near.Close()
			}()
		}
	}()
	return n
}

type answers struct {
	net.Conn
	n *network
}

func (a answers) Write(b []byte) (int, error) {
	a.n.mu.Lock()
	mute := a.n.mute
	a.n.mu.Unlock()
	if !mute {
		return a.Conn.Write(b)
	}
	select {
	case a.n.heard <- struct{}{}:
	default:
	}
	return len(b), nil
}

// swallow lets the broker's answers vanish until the next cut.
func (n *network) swallow() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mute = true
}

func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mute = false
	for _, c := range n.conns {
		_ = c.Close()
	}
	n.conns = nil
}

// TestFailover sends and receives over a network that breaks: each message comes once, in order, also
// those whose confirmation was lost.
func TestFailover(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	n := overNetwork(t, b.Addr("auto"))
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = dead.Close()
	url := fmt.Sprintf("failover:(tcp://%s,tcp://%s)/queue/client.failover?initialReconnectDelay=1&randomize=false", dead.Addr(), n.Addr())
	sender, receiver := dial(t, url, client.Options{}), dial(t, url, client.Options{})
	const count = 60
	var want []string
	for i := range count {
		body := fmt.Sprint(i)
		want = append(want, body)
		switch i % 20 {
		case 5:
			n.cut()
		case 15:
			n.swallow()
			go func() {
				<-n.heard
				n.cut()
			}()
		}
		if err := sender.Send(client.Message{Body: []byte(body), Persistent: true, Confirm: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := sender.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	err = receiver.Receive(context.Background(), client.Subscription{Count: count, Wait: patience, Ack: "client-individual"}, func(m client.Received) error {
		got = append(got, string(m.Body))
		if len(got)%20 == 10 {
			n.cut()
		}
		return nil
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	if err := receiver.Close(); err != nil {
		t.Fatal(err)
	}
	left := dial(t, url, client.Options{})
	if err := left.Receive(t.Context(), client.Subscription{Browse: true}, func(m client.Received) error {
		t.Errorf("%q is still there", m.Body)
		return nil
	}); err != nil {
		t.Error(err)
	}
	_ = left.Close()
}

// TestFailoverLearns goes on at a broker that only the first one has named.
func TestFailoverLearns(t *testing.T) {
	t.Parallel()
	second := brokertest.Start(t)
	first := brokertest.Start(t, brokertest.With(func(o *server.Options) {
		o.Listeners[0].ConnectedBrokers = []string{"tcp://" + second.Addr("auto"), "stomp://127.0.0.1:1", "?"}
	}))
	c := dial(t, "failover:("+first.URL("tcp", "auto")+")/queue/client.learns?initialReconnectDelay=1", client.Options{})
	if err := c.Send(client.Message{Body: []byte("1"), Confirm: true}); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Send(client.Message{Body: []byte("2"), Confirm: true}); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := <-receive(dial(t, second.URL("tcp", "auto")+"/queue/client.learns", client.Options{}), 1); got != "2" {
		t.Errorf("got %q", got)
	}
}

// TestFailoverNobody shows the ends of a failover that finds no broker.
func TestFailoverNobody(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	for options, want := range map[string]sysexit.Code{"": sysexit.Timeout, "?maxReconnectAttempts=2&initialReconnectDelay=1": sysexit.Unavailable} {
		target, err := client.ParseTarget(fmt.Sprintf("failover:(tcp://%s)/queue/x%s", l.Addr(), options))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Dial(t.Context(), target, client.Options{Timeout: 50 * time.Millisecond}); sysexit.Of(err) != want {
			t.Errorf("%q: got %d, %v", options, sysexit.Of(err), err)
		}
	}
}
