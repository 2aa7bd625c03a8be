package client_test

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// TestClients puts every client through what the load asks of it.
func TestClients(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	for _, c := range []struct {
		about, target string
		dial          client.Dialer
		transactions  bool
		modes         []client.Settlement
	}{
		{"STOMP", b.URL("stomp", "stomp"), nil, true, []client.Settlement{client.Individual, client.Cumulative, client.Unconfirmed, client.Auto}},
		{"go-stomp", b.URL("stomp+library", "stomp"), nil, true, []client.Settlement{client.Individual, client.Cumulative, client.Unconfirmed, client.Auto}},
		{"AMQP", b.URL("amqp", "amqp"), nil, true, []client.Settlement{client.Individual, client.Cumulative, client.Unconfirmed, client.Auto}},
		{"go-amqp", b.URL("amqp+library", "amqp"), nil, false, []client.Settlement{client.Individual, client.Unconfirmed, client.Auto}},
		{"OpenWire", b.URL("openwire", "auto"), nil, true, []client.Settlement{client.Individual, client.Cumulative, client.Unconfirmed}},
		{"proton", b.URL("amqp", "amqp"), proton(t), true, []client.Settlement{client.Individual, client.Unconfirmed, client.Auto}},
	} {
		t.Run(c.about, func(t *testing.T) {
			t.Parallel()
			dial := c.dial
			switch {
			case dial == nil && c.about == "proton":
				t.Skip("it is not installed")
			case dial == nil:
				dial = client.Dial
			}
			for _, mode := range c.modes {
				d := &driver{t: t, queue: fmt.Sprintf("/queue/clients.%s.%d", c.about, mode), mode: mode}
				k, err := dial(t.Context(), c.target, "")
				if err != nil {
					t.Fatal(err)
				}
				d.Client = k
				d.untransacted()
				if c.transactions && mode != client.Auto {
					d.transacted()
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// proton starts the process of a library; nil if that is not installed, unless MANIFOLD_FOREIGN_CLIENTS is "required".
func proton(t *testing.T) client.Dialer {
	t.Helper()
	p, err := client.StartProton(t.Context())
	switch {
	case errors.Is(err, client.ErrMissing) && os.Getenv("MANIFOLD_FOREIGN_CLIENTS") != "required":
		return nil
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p.Dial
}

// driver has one client send to itself.
type driver struct {
	client.Client
	t     *testing.T
	queue string
	mode  client.Settlement
	token uint64
	late  []client.Delivery // came before they were asked for
}

func (d *driver) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// confirmed waits until the last token is confirmed.
func (d *driver) confirmed() {
	d.t.Helper()
	for {
		e, err := d.Next(20 * time.Second)
		switch {
		case err != nil || e.Err != nil:
			d.t.Fatal(err, e.Err)
		case e.Delivery != nil:
			d.late = append(d.late, *e.Delivery)
		case e.Token == d.token:
			return
		}
	}
}

// send sends a message, with a token if it is to be confirmed.
func (d *driver) send(text, transaction string, confirm bool) {
	d.t.Helper()
	token := uint64(0)
	if confirm {
		d.token++
		token = d.token
	}
	d.must(d.Send(client.Message{Destination: d.queue, Persistent: true, Label: text, Body: []byte(text), Transaction: transaction}, token))
	if confirm {
		d.confirmed()
	}
}

// want receives a message.
func (d *driver) want(text string) client.Delivery {
	d.t.Helper()
	for len(d.late) == 0 {
		e, err := d.Next(20 * time.Second)
		if err != nil || e.Err != nil {
			d.t.Fatalf("waiting for %q: %v, %v", text, err, e.Err)
		}
		if e.Delivery != nil {
			d.late = append(d.late, *e.Delivery)
		}
	}
	got := d.late[0]
	d.late = d.late[1:]
	if string(got.Body) != text || got.Label != text {
		d.t.Fatalf("%v: got %q labelled %q, want %q", d.mode, got.Body, got.Label, text)
	}
	return got
}

func (d *driver) untransacted() {
	d.must(d.Subscribe("c", client.Subscription{Destination: d.queue, Mode: d.mode, Prefetch: 10}))
	d.send("one", "", true)
	d.send("two", "", false)
	for _, text := range []string{"one", "two"} {
		switch got := d.want(text); d.mode {
		case client.Auto:
		case client.Unconfirmed:
			d.must(d.Ack(got, "", 0))
		default:
			d.token++
			d.must(d.Ack(got, "", d.token))
			d.confirmed()
		}
	}
	if e, err := d.Next(50 * time.Millisecond); !errors.Is(err, client.ErrIdle) {
		d.t.Errorf("%v: it got %+v, %v", d.mode, e, err)
	}
}

// transacted sends and settles in a transaction that is aborted, and in one that is committed.
func (d *driver) transacted() {
	d.send("three", "", true)
	got := d.want("three")
	for _, tx := range []string{"a", "b"} {
		d.must(d.Begin(tx))
		d.send("four", tx, false)
		d.must(d.Ack(got, tx, 0))
		d.token++
		if tx == "a" {
			d.must(d.Abort(tx, d.token))
		} else {
			d.must(d.Commit(tx, d.token))
		}
		d.confirmed()
		if _, releases := d.Client.(client.Releasing); tx == "a" && releases {
			if got = d.want("three"); !got.Redelivered {
				d.t.Error("what was released says that nobody had it before")
			}
		}
	}
	d.want("four")
}
