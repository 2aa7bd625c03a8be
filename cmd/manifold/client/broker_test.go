package client_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/cmd/manifold/client"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/clienttest"
)

const patience = 15 * time.Second

// dial connects by URL.
func dial(t *testing.T, url string, o client.Options) client.Conn {
	t.Helper()
	target, err := client.ParseTarget(url)
	if err != nil {
		t.Fatal(err)
	}
	o.Timeout = patience
	c, err := client.Dial(t.Context(), target, o)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return c
}

// gone waits until the broker has let a client go: one that comes back at once would take its own
// session over.
func gone(t *testing.T, b *brokertest.Broker, id string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; runtime.Gosched() {
		there := false
		b.Core().Connections(func(c *broker.Connection) { there = there || c.ClientID() == id })
		if !there {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still connected", id)
		}
	}
}

// receive starts to receive and returns a channel for the bodies of count messages, or an error.
func receive(c client.Conn, count int) <-chan string {
	out := make(chan string, 1)
	go func() {
		var bodies []string
		err := c.Receive(context.Background(), client.Subscription{Count: count, Wait: patience}, func(m client.Received) error {
			bodies = append(bodies, string(m.Body))
			return nil
		})
		if err != nil {
			bodies = append(bodies, err.Error())
		}
		out <- strings.Join(bodies, " ")
	}()
	return out
}

// TestBroker sends and receives by every kind of URL.
func TestBroker(t *testing.T) {
	t.Parallel()
	pki, err := clienttest.WritePKI(t.TempDir(), "client")
	if err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("p@ss"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	plain := brokertest.Start(t)
	secure := brokertest.Start(t,
		brokertest.WithTLS(protocols.TLSOptions{Certificate: pki.ServerCert, Key: pki.ServerKey, ClientCA: pki.CA, ClientAuth: protocols.ClientAuthRequired}),
		brokertest.WithSecurity(security.Options{Users: []security.User{{Name: "u", Hash: string(hash)}}}),
	)
	files := client.Options{CA: pki.CA, Certificate: pki.ClientCert, Key: pki.ClientKey}
	login := func(scheme, listener string) string { return scheme + "://u:p%40ss@" + secure.Addr(listener) }
	for _, c := range []struct {
		base    string
		options client.Options
		mqtt    bool
	}{
		{plain.URL("stomp", "stomp"), client.Options{}, false},
		{plain.URL("amqp", "amqp"), client.Options{}, false},
		{plain.URL("amqp", "auto"), client.Options{}, false},
		{plain.URL("ws+amqp", "ws"), client.Options{}, false},
		{login("amqps", "amqp+tls"), files, false},
		{login("amqp+ssl", "tls"), files, false},
		{login("wss+amqp", "wss"), files, false},
		{plain.URL("tcp", "auto"), client.Options{}, false},
		{"failover:(" + plain.URL("nio", "auto") + ")", client.Options{}, false},
		{login("ssl", "tls"), files, false},
		{"failover:(" + login("nio+ssl", "tls") + ")", files, false},
		{plain.URL("mqtt", "mqtt"), client.Options{}, true},
		{plain.URL("mqtt", "auto"), client.Options{}, true},
		{plain.URL("ws", "ws"), client.Options{}, false},
		{plain.URL("ws+stomp", "auto"), client.Options{}, false},
		{plain.URL("ws+mqtt", "ws"), client.Options{}, true},
		{login("stomp+ssl", "stomp+tls"), files, false},
		{login("mqtts", "mqtt+tls"), files, true},
		{login("mqtt+ssl", "tls"), files, true},
		{login("wss", "wss"), files, false},
		{login("wss+mqtt", "wss"), files, true},
	} {
		t.Run(strings.SplitAfter(c.base, "@")[0]+fmt.Sprint(c.mqtt), func(t *testing.T) {
			t.Parallel()
			destination := "/queue/client." + strings.NewReplacer("/", "", ":", ".", "(", "", ")", "").Replace(c.base)
			o := c.options
			if c.mqtt {
				destination = "/client/a%20&?ü/" + strings.NewReplacer(":", "-", "+", "-", "//", "").Replace(c.base)
				// A kept session has the messages when nobody is there.
				o.ClientID, o.Durable = "client-"+strings.NewReplacer("/", "", ":", "").Replace(c.base), true
				first := dial(t, c.base+destination, o)
				if err := first.Receive(t.Context(), client.Subscription{Count: 1, Wait: time.Millisecond}, nil); sysexit.Of(err) != sysexit.Timeout {
					t.Fatalf("subscribing: %v", err)
				}
				if err := first.Close(); err != nil {
					t.Fatal(err)
				}
			}
			sender := dial(t, c.base+destination, c.options)
			for _, body := range []string{"one", "Grüße", "\xff\x00"} {
				if err := sender.Send(client.Message{Body: []byte(body), Persistent: true, Confirm: true}); err != nil {
					t.Fatal(err)
				}
			}
			if err := sender.Close(); err != nil {
				t.Fatal(err)
			}
			b := plain
			if c.options.CA != "" {
				b = secure
			}
			gone(t, b, o.ClientID)
			receiver := dial(t, c.base+destination, o)
			if got := <-receive(receiver, 3); got != "one Grüße \xff\x00" {
				t.Errorf("got %q", got)
			}
			if err := receiver.Close(); err != nil {
				t.Fatal(err)
			}
			gone(t, b, o.ClientID)
			again := dial(t, c.base+destination, o)
			err := again.Receive(t.Context(), client.Subscription{Count: 1, Wait: 50 * time.Millisecond}, func(m client.Received) error {
				t.Errorf("%q came again", m.Body)
				return nil
			})
			if sysexit.Of(err) != sysexit.Timeout {
				t.Errorf("got %v", err)
			}
			if err := again.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestMQTTMessages shows what send can say of a message of MQTT, and receive tells.
func TestMQTTMessages(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := dial(t, b.URL("mqtt", "mqtt")+"/a/b", client.Options{})
	for _, m := range []client.Message{
		{Body: []byte("kept"), Confirm: true, Headers: []client.Header{{Name: "qos", Value: "2"}, {Name: "retain", Value: "true"}}},
		{Body: []byte("late"), Persistent: true, Confirm: true},
	} {
		if err := c.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []client.Message{
		{Headers: []client.Header{{Name: "qos", Value: "3"}}}, {Headers: []client.Header{{Name: "color", Value: "red"}}}, {ContentType: "text/plain"},
	} {
		if err := c.Send(m); sysexit.Of(err) != sysexit.Usage {
			t.Errorf("%+v: got %v", m, err)
		}
	}
	r := dial(t, b.URL("mqtt", "mqtt")+"/a/#", client.Options{})
	var got client.Received
	if err := r.Receive(t.Context(), client.Subscription{Count: 1, Wait: patience}, func(m client.Received) error { got = m; return nil }); err != nil {
		t.Fatal(err)
	}
	want := []client.Header{{Name: "topic", Value: "a/b"}, {Name: "qos", Value: "2"}, {Name: "retain", Value: "true"}, {Name: "duplicate", Value: "false"}}
	if string(got.Body) != "kept" || got.Destination != "a/b" || !slices.Equal(got.Headers, want) {
		t.Errorf("got %+v", got)
	}
	for _, s := range []client.Subscription{{Selector: "a = 1"}, {Headers: []client.Header{{Name: "a", Value: "b"}}}} {
		if err := r.Receive(t.Context(), s, nil); sysexit.Of(err) != sysexit.Usage {
			t.Errorf("%+v: got %v", s, err)
		}
	}
	_, _ = c.Close(), r.Close()
}

// TestRefusedLogin shows the exit code for a wrong password, over each protocol.
func TestRefusedLogin(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithSecurity(security.Options{Users: []security.User{{Name: "u", Password: "right"}}}))
	for _, scheme := range []string{"tcp", "stomp", "mqtt", "ws+stomp", "ws+mqtt"} {
		target, err := client.ParseTarget(scheme + "://u:wrong@" + b.Addr("auto") + "/queue/x")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Dial(t.Context(), target, client.Options{Timeout: patience}); sysexit.Of(err) != sysexit.Permission {
			t.Errorf("%s: got %d, %v", scheme, sysexit.Of(err), err)
		}
	}
	target, err := client.ParseTarget("ws+mqtt://" + b.Addr("stomp") + "/x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Dial(t.Context(), target, client.Options{Timeout: patience}); sysexit.Of(err) != sysexit.Unavailable {
		t.Errorf("no WebSocket: got %d, %v", sysexit.Of(err), err)
	}
}

// TestAMQP shows what of AMQP has no like in the other protocols: fields by their names in STOMP, a
// look at a queue, selectors, durable subscriptions, and refusals.
func TestAMQP(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	queue := b.URL("amqp", "amqp") + "/queue/client.amqp"
	sender := dial(t, queue, client.Options{})
	for n := range 3 {
		m := client.Message{Body: []byte(fmt.Sprint(n)), Persistent: true, Confirm: true, ContentType: "text/plain", Headers: []client.Header{
			{Name: "priority", Value: "7"}, {Name: "correlation-id", Value: "c"}, {Name: "reply-to", Value: "queue://r"}, {Name: "type", Value: "t"},
			{Name: "JMSXGroupID", Value: "g"}, {Name: "n", Value: fmt.Sprint(n)},
		}}
		if err := sender.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := sender.Send(client.Message{Headers: []client.Header{{Name: "priority", Value: "high"}}}); sysexit.Of(err) != sysexit.Usage {
		t.Errorf("a priority that is none: %v", err)
	}
	if err := sender.Close(); err != nil {
		t.Fatal(err)
	}
	bodies := func(url string, o client.Options, s client.Subscription) (list []string, headers []client.Header) {
		t.Helper()
		c := dial(t, url, o)
		err := c.Receive(t.Context(), s, func(m client.Received) error {
			list, headers = append(list, string(m.Body)), m.Headers
			return nil
		})
		if err != nil && sysexit.Of(err) != sysexit.Timeout {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		return list, headers
	}
	for range 2 {
		list, headers := bodies(queue, client.Options{}, client.Subscription{Browse: true})
		if !slices.Equal(list, []string{"0", "1", "2"}) {
			t.Errorf("browsed %q", list)
		}
		for _, want := range []client.Header{
			{Name: "priority", Value: "7"}, {Name: "correlation-id", Value: "c"}, {Name: "reply-to", Value: "queue://r"}, {Name: "type", Value: "t"},
			{Name: "JMSXGroupID", Value: "g"}, {Name: "n", Value: "2"}, {Name: "content-type", Value: "text/plain"}, {Name: "persistent", Value: "true"},
		} {
			if !slices.Contains(headers, want) {
				t.Errorf("%v is not among %v", want, headers)
			}
		}
	}
	if list, _ := bodies(queue, client.Options{}, client.Subscription{Selector: "n = '1'", Count: 1, Wait: patience}); !slices.Equal(list, []string{"1"}) {
		t.Errorf("selected %q", list)
	}
	if list, _ := bodies(queue, client.Options{}, client.Subscription{Ack: "auto", Count: 2, Wait: patience}); !slices.Equal(list, []string{"0", "2"}) {
		t.Errorf("received %q", list)
	}
	topic := b.URL("amqp", "amqp") + "/topic/client.amqp"
	durable, once := client.Options{ClientID: "amqp"}, client.Subscription{Durable: "d", Count: 1, Wait: time.Millisecond}
	bodies(topic, durable, once)
	news := dial(t, topic, client.Options{})
	if err := news.Send(client.Message{Body: []byte("news"), Persistent: true, Confirm: true}); err != nil {
		t.Fatal(err)
	}
	if err := news.Close(); err != nil {
		t.Fatal(err)
	}
	gone(t, b, "amqp")
	once.Wait = patience
	if list, _ := bodies(topic, durable, once); !slices.Equal(list, []string{"news"}) {
		t.Errorf("kept %q", list)
	}
	bad := dial(t, queue, client.Options{})
	if err := bad.Receive(t.Context(), client.Subscription{Selector: "a = ("}, nil); sysexit.Of(err) != sysexit.Data {
		t.Errorf("a selector that is none: %v", err)
	}
}
