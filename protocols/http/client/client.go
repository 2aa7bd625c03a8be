// Package client is how the management surface sends messages and keeps durable subscriptions: by
// a connection of its own inside the process, with the rights of the caller, so that all that holds
// for clients holds here too: permissions, limits, policies, the disk before the confirmation.
package client

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/schedule"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/http/access"
)

// Protocol is what connections of the management surface have as their protocol.
const Protocol = "management"

// patience is how long a message waits for space before it is given up.
const patience = 20 * time.Second

// Client is a connection of a caller. It is for one goroutine.
type Client struct {
	conn *broker.Connection
	sent uint64

	mu      sync.Mutex
	next    broker.Token
	waiting map[broker.Token]chan error
}

// Open connects for a caller. Close must follow.
func Open(ctx context.Context, b *broker.Broker, who *access.Caller) (*Client, error) {
	c := &Client{waiting: make(map[broker.Token]chan error)}
	l := broker.Login{Protocol: Protocol, Listener: "http", User: who.Name, HasUser: true, Principal: who.Principal()}
	if l.Principal == nil {
		l.Principal, l.Unrestricted = &security.Principal{Name: who.Name}, true
	}
	var err error
	c.conn, err = b.Connect(ctx, l, handler{c})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Close ends the connection. A send that still waits for space is given up.
func (c *Client) Close() { c.conn.Close() }

// expect returns a token, and what waits for its outcome.
func (c *Client) expect() (broker.Token, chan error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	ch := make(chan error, 1)
	c.waiting[c.next] = ch
	return c.next, ch
}

func (c *Client) wait(ctx context.Context, op, object string, outcome <-chan error) error {
	c.conn.Flush()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case err := <-outcome:
		return err
	case <-ctx.Done():
		if x := c.conn.Blockage(); x.Limit != "" {
			return fault.New(fault.StoreFull, op, object, "there is no space: %s; %s", x.Reason, x.WayOut)
		}
		return fault.Wrap(fault.Timeout, op, object, ctx.Err())
	}
}

// inFlight is how many sends are under way at once.
const inFlight = 100

// Send sends messages to where their addresses say, and returns when all are confirmed, with how
// many were. It gives each an identifier, and a timestamp if it has none.
func (c *Client) Send(ctx context.Context, list ...*message.Message) (confirmed int, err error) {
	for chunk := range slices.Chunk(list, inFlight) {
		var outcomes []chan error
		for _, m := range chunk {
			var outcome chan error
			if outcome, err = c.send(m); err != nil {
				break
			}
			outcomes = append(outcomes, outcome)
		}
		for _, outcome := range outcomes {
			failed := c.wait(ctx, "send", chunk[0].Address.String(), outcome)
			if failed != nil {
				return confirmed, failed
			}
			confirmed++
		}
		if err != nil {
			return confirmed, err
		}
	}
	return confirmed, nil
}

func (c *Client) send(m *message.Message) (outcome chan error, err error) {
	p, err := c.conn.Producer(m.Address)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	c.sent++
	m.ID = message.ID{Origin: c.conn.ID() + ":-1:1", Seq: c.sent}
	if m.Timestamp == 0 {
		m.Timestamp = time.Now().UnixMilli()
	}
	if _, ok, err := schedule.PlanOf(m, schedule.MaxRepeat); ok || err != nil {
		m.Flags |= message.Scheduled
	}
	t, outcome := c.expect()
	return outcome, p.Send(m, nil, t)
}

// CreateDurable makes a durable subscription that nobody consumes from yet. It returns when that
// is on disk.
func (c *Client) CreateDurable(ctx context.Context, client, name, topic, selector string) error {
	if client == "" || name == "" {
		return fault.New(fault.InvalidName, "subscribe", name, "a durable subscription needs a client identifier and a name")
	}
	t, outcome := c.expect()
	sub, err := c.conn.Subscribe(broker.SubscribeOptions{
		Addresses: []address.Address{{Kind: address.Topic, Name: topic}}, Selector: selector, Name: name, Client: client,
	}, sink{}, t)
	if err != nil {
		return err
	}
	err = c.wait(ctx, "subscribe", name, outcome)
	sub.Close(0, 0)
	return err
}

// DeleteDurable deletes a durable subscription that nobody consumes from; an empty client stands
// for a shared one. It returns when that is on disk.
func (c *Client) DeleteDurable(ctx context.Context, client, name string) error {
	t, outcome := c.expect()
	if err := c.conn.UnsubscribeClient(client, name, t); err != nil {
		return err
	}
	return c.wait(ctx, "unsubscribe", name, outcome)
}

// handler hears confirmations.
type handler struct{ c *Client }

// Confirmed implements broker.Handler.
func (h handler) Confirmed(t broker.Token, err error) {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	if ch := h.c.waiting[t]; ch != nil {
		delete(h.c.waiting, t)
		ch <- err // it has room for one
	}
}

// Blocked implements broker.Handler.
func (handler) Blocked(string) {}

// Closed implements broker.Handler.
func (h handler) Closed(reason error) {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	for t, ch := range h.c.waiting {
		delete(h.c.waiting, t)
		ch <- reason
	}
}

// Wake implements broker.Handler.
func (handler) Wake() {}

// sink is that of subscriptions without credit.
type sink struct{}

// Deliver implements broker.Sink.
func (sink) Deliver([]broker.Delivery) bool { return true }

// Drained implements broker.Sink.
func (sink) Drained(*queue.Consumer) {}

// Closed implements broker.Sink.
func (sink) Closed(*queue.Consumer, error) {}

// Wake implements broker.Sink.
func (sink) Wake() {}
