package broker_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/memory"
)

// void is a client that does nothing with what it gets, but count it.
type void struct{ delivered uint64 }

func (v *void) Confirmed(broker.Token, error) {}
func (v *void) Blocked(string)                {}
func (v *void) Closed(error)                  {}
func (v *void) Wake()                         {}

type voidSink struct{ *void }

func (s voidSink) Deliver(ds []broker.Delivery) bool      { s.delivered += uint64(len(ds)); return true }
func (s voidSink) Drained(*queue.Consumer)                {}
func (s voidSink) Closed(_ *queue.Consumer, reason error) {}

// bench is a producer with one subscription, or several, on a broker in memory.
type bench struct {
	*broker.Connection
	v    *void
	p    *broker.Producer
	subs []*broker.Subscription
	msg  *message.Message
	seen uint64
}

func newBench(tb testing.TB, a address.Address, consumers int) *bench {
	tb.Helper()
	b := broker.New(broker.Options{OpenStore: func(_ context.Context, h store.Hooks) (store.Store, error) {
		return memory.Open(memory.Options{Hooks: h})
	}})
	if err := b.Activate(context.Background()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = b.Deactivate(context.Background(), nil) })
	x := &bench{v: new(void), msg: text("body", false)}
	x.msg.Address = a
	var err error
	if x.Connection, err = b.Connect(context.Background(), broker.Login{}, x.v); err != nil {
		tb.Fatal(err)
	}
	for range consumers {
		s, err := x.Subscribe(broker.SubscribeOptions{Addresses: []address.Address{a}}, voidSink{x.v}, 0)
		if err != nil {
			tb.Fatal(err)
		}
		s.Limit(1000)
		x.subs = append(x.subs, s)
	}
	if x.p, err = x.Producer(a); err != nil {
		tb.Fatal(err)
	}
	return x
}

// round sends n messages, and settles them all in ranges.
func (x *bench) round(tb testing.TB, n int) {
	for range n {
		if err := x.p.Send(x.msg, nil, 1); err != nil {
			tb.Fatal(err)
		}
	}
	x.Flush()
	x.seen += uint64(n)
	for _, s := range x.subs {
		_, last := s.Credit()
		if k, err := s.Settle(1, last, broker.Outcome{}, nil, 0); err != nil || k == 0 {
			tb.Fatal(k, err)
		}
		s.Extend(uint64(n))
	}
}

// TestCostOfAMessage holds the core to its rule: nothing is allocated per delivery,
// confirmation or settlement of a message that needs no disk.
func TestCostOfAMessage(t *testing.T) {
	if raceDetector {
		t.Skip("pools are not reliable with the race detector")
	}
	for _, c := range []struct {
		name      string
		a         address.Address
		consumers int
	}{{"queue", q("Q"), 1}, {"two consumers", q("Q"), 2}, {"fan-out", topic("T"), 10}} {
		x := newBench(t, c.a, c.consumers)
		const n = 64
		x.round(t, n) // buffers grow to their size
		x.round(t, n)
		if got := testing.AllocsPerRun(100, func() { x.round(t, n) }); got > n/16 {
			t.Errorf("%s: %v allocations for %d messages", c.name, got, n)
		}
	}
}

func BenchmarkQueue(b *testing.B) {
	for _, consumers := range []int{1, 8} {
		b.Run(fmt.Sprint(consumers, " consumers"), func(b *testing.B) { benchmark(b, q("Q"), consumers) })
	}
}

func BenchmarkFanOut(b *testing.B) { benchmark(b, topic("T"), 10) }

func benchmark(b *testing.B, a address.Address, consumers int) {
	x := newBench(b, a, consumers)
	b.ReportAllocs()
	for left := b.N; left > 0; left -= 64 {
		x.round(b, max(min(left, 64), consumers))
	}
}
