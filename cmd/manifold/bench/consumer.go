package bench

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/protocols/stomp/frame"
)

// subscribed is the receipt of SUBSCRIBE.
const subscribed = "sub"

var errNoAck = errors.New("the broker sent a message without an ack header")

// consumer receives messages and tallies them.
type consumer struct {
	*conn
	*tally
	acks     bool
	arrivals *arrivals
	clock    func() int64
	stall    time.Duration
	stopping atomic.Bool
	ready    chan struct{} // closed when the subscription stands
}

// newConsumer connects the i-th consumer.
func (r *run) newConsumer(ctx context.Context, i int) (*consumer, error) {
	c, err := r.dial(ctx, bufferSize)
	if err != nil {
		return nil, err
	}
	k := &consumer{
		conn: c, tally: newTally(&r.Config, r.id, i), acks: r.Ack == AckIndividual,
		arrivals: &r.arrivals, clock: r.clock, stall: r.Stall, ready: make(chan struct{}),
	}
	mode := "auto"
	if k.acks {
		mode = "client-individual"
	}
	out := frame.AppendCommand(k.out, frame.Subscribe)
	out = frame.AppendKnown(out, frame.V12, frame.ID, "0")
	out = frame.AppendKnown(out, frame.V12, frame.Destination, r.destination(r.id, i))
	out = frame.AppendKnown(out, frame.V12, frame.AckHeader, mode)
	out = frame.AppendKnown(out, frame.V12, frame.ReceiptHeader, subscribed)
	if r.Prefetch > 0 {
		out = frame.AppendHeaderInt(out, frame.PrefetchSize, int64(r.Prefetch))
	}
	k.out = frame.AppendBody(out, "")
	return k, k.flush()
}

// consume receives until stop is called, and then what is still under way.
func (c *consumer) consume() error {
	for {
		f, err := c.next()
		if errors.Is(err, os.ErrDeadlineExceeded) && c.stopping.Load() {
			return c.finish()
		}
		if err != nil {
			return err
		}
		if err := c.burst(f); err != nil {
			return err
		}
	}
}

// burst handles f and the frames that came with it, all at one time.
func (c *consumer) burst(f *incoming) error {
	now, fresh := c.clock(), uint64(0)
	for {
		missed, err := c.handle(f, now)
		if err != nil {
			return err
		}
		if missed {
			fresh++
		}
		if !c.in.more() {
			break
		}
		if f, err = c.next(); err != nil {
			return err
		}
	}
	if fresh > 0 {
		c.arrivals.add(fresh, now)
	}
	return c.flush()
}

// handle reports whether f is a message that had been missing.
func (c *consumer) handle(f *incoming, now int64) (fresh bool, err error) {
	switch string(f.command) {
	case "RECEIPT":
		if string(f.receipt) == subscribed {
			close(c.ready)
		}
	case "MESSAGE":
		fresh = c.record(f.body, now)
		if !c.acks {
			return fresh, nil
		}
		if f.ack == nil {
			return fresh, sysexit.With(sysexit.Data, errNoAck)
		}
		// The value goes back as it came, escapes included.
		c.out = append(append(append(c.out, "ACK\nid:"...), f.ack...), "\n\n\x00"...)
	}
	return fresh, nil
}

// stop makes consume end. It may be called from any goroutine.
func (c *consumer) stop() error {
	c.stopping.Store(true)
	return c.SetReadDeadline(time.Unix(1, 0))
}

// finish says goodbye, and tallies what the broker had sent before it knew.
func (c *consumer) finish() error {
	if err := c.SetDeadline(time.Now().Add(c.stall)); err != nil {
		return broken(err)
	}
	return c.disconnect(func(f *incoming) {
		if string(f.command) == "MESSAGE" && c.record(f.body, c.clock()) {
			c.arrivals.add(1, c.clock())
		}
	})
}
