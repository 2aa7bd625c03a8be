package torture

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// settleDown is how long a drain looks for what comes after all should have come.
const settleDown = 100 * time.Millisecond

// Drain takes out all that waits in the workload's places and settles it, with confirmation. It
// is for a broker without other clients, and with nothing to break its connections: any error of
// one is an error. Each place's end is known by a last message, sent through the front door.
func Drain(ctx context.Context, w Workload, l *Ledger, broker Endpoint) error {
	last, err := sendLast(ctx, &w, l, broker)
	if err != nil {
		return fmt.Errorf("before draining: %w", err)
	}
	outlets := w.outlets()
	errs := make([]error, len(outlets))
	var all sync.WaitGroup
	for i, o := range outlets {
		all.Go(func() {
			if err := drain(ctx, l, broker, o, last[o.from.Destination]); err != nil {
				errs[i] = fmt.Errorf("draining %s: %w", o.place, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// sendLast sends one message to each target, and returns their keys by destination.
func sendLast(ctx context.Context, w *Workload, l *Ledger, broker Endpoint) (map[string]Key, error) {
	c, err := broker.dial(ctx, "")
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, c.Abandon)()
	defer c.Abandon()
	waiting := newTokens(l, broker.Life)
	producer := l.Producer()
	last := make(map[string]Key)
	for _, o := range w.outlets() {
		if _, sent := last[o.from.Destination]; sent {
			continue
		}
		k := l.Attempt(producer, broker.Life, o.from, smallestBody, true, nil)
		last[o.from.Destination] = k
		m := client.Message{Destination: o.from.Destination, Persistent: true, Label: k.String(), Body: appendBody(nil, l.run, k, 0)}
		if err := c.Send(m, waiting.expect(expected{key: k})); err != nil {
			return nil, err
		}
	}
	if err := waiting.await(c, func(*client.Delivery) {}); err != nil {
		return nil, err
	}
	return last, c.Close()
}

// drain takes out one place, up to its last message and what comes after that.
func drain(ctx context.Context, l *Ledger, broker Endpoint, o outlet, last Key) error {
	c, err := broker.dial(ctx, o.durable)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, c.Abandon)()
	defer c.Abandon()
	attachment := l.Attach(o.place, broker.Life)
	defer l.Detach(attachment)
	if err := c.Subscribe("d", o.subscription(client.Individual, 100)); err != nil {
		return err
	}
	waiting := newTokens(l, broker.Life)
	empty := false // the last message is here
	for {
		wait := patience
		if empty && len(waiting.waiting) == 0 {
			wait = settleDown
		}
		e, err := c.Next(wait)
		switch {
		case errors.Is(err, client.ErrIdle) && wait == settleDown:
			l.Detach(attachment) // what it leaves may be with another before Close returns
			return c.Close()
		case errors.Is(err, client.ErrIdle) && empty:
			return fmt.Errorf("%d settlements were not confirmed", len(waiting.waiting))
		case errors.Is(err, client.ErrIdle):
			return fmt.Errorf("the last message, %v, did not come", last)
		case err != nil:
			return err
		case e.Delivery == nil:
			if err := waiting.handle(e); err != nil {
				return err
			}
			continue
		}
		copied, ok := l.Deliver(attachment, *e.Delivery)
		empty = empty || ok && copied.Key() == last
		if ok {
			err = acknowledge(c, waiting, *e.Delivery, []Copy{copied}, nil, true)
		} else {
			err = c.Ack(*e.Delivery, "", 0) // noted as a violation; out of the way
		}
		if err != nil {
			return err
		}
	}
}
