package broker_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/message"
)

// TestBacklogOfASessionIsOnDisk: what waits for a client that is away takes memory up to a bound
// only, and comes in order, also if the broker was restarted and the client comes and goes.
func TestBacklogOfASessionIsOnDisk(t *testing.T) {
	t.Parallel()
	const count, memory = 4000, 2 << 20
	n := startNode(t, broker.Options{Limits: broker.Limits{Memory: memory}})
	o := broker.SessionOptions{Expiry: time.Hour}
	m := n.open("c", o)
	m.bind(to("t", message.ExactlyOnce))
	m.hangUp()
	p := n.connect("p")
	send, err := p.Producer(topic("t"))
	if err != nil {
		t.Fatal(err)
	}
	pad := strings.Repeat(".", 1000)
	for i := range count {
		x := text(fmt.Sprintf("%05d%s", i, pad), true)
		x.Address = topic("t")
		if i%2 == 0 {
			x.Flags |= message.OnceOnly
		}
		if err := send.Send(x, nil, p.token()); err != nil {
			t.Fatal(err)
		}
		if i%100 == 99 {
			p.Flush()
			if err := p.confirm(p.next); err != nil {
				t.Fatal(err)
			}
		}
	}
	if u := n.Usage(); u.Memory > memory {
		t.Errorf("%d bytes in memory for %d", u.Memory, count*len(pad))
	}
	at := 0
	for round := 0; at < count; round++ {
		m = n.open("c", o)
		m.Subscription().Limit(1000)
		want := min(1000, count-at)
		got := m.receive(want)
		for i, s := range got {
			if s[:5] != fmt.Sprintf("%05d", at+i) {
				t.Fatalf("round %d: %s instead of %05d", round, s[:5], at+i)
			}
		}
		settled := max(want-7, min(want, 1)) // the others come again
		m.settle(1, uint64(settled))
		at += settled
		m.hangUp()
		if round == 1 {
			n.restart()
		}
	}
}

// BenchmarkSleepers measures what a session costs whose client is away, with three bindings.
func BenchmarkSleepers(b *testing.B) {
	x := newBench(b, topic("T"), 0)
	br := x.Connection.Broker()
	sleep := func(i int) {
		c, err := br.Connect(b.Context(), broker.Login{ClientID: fmt.Sprint("device-", i)}, x.v)
		if err != nil {
			b.Fatal(err)
		}
		s, err := c.OpenSession(broker.SessionOptions{Expiry: time.Hour}, voidSink{x.v}, 0)
		if err != nil {
			b.Fatal(err)
		}
		for _, err := range s.Bind([]broker.Binding{
			to(fmt.Sprintf("devices.%d.>", i), message.AtLeastOnce), to("all.*", message.AtLeastOnce), to(fmt.Sprintf("answers.%d", i), message.ExactlyOnce),
		}, 0) {
			if err != nil {
				b.Fatal(err)
			}
		}
		s.Close(false)
		c.Close()
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	sleep(-1)
	before := heap()
	b.ResetTimer()
	for i := range b.N {
		sleep(i)
	}
	b.StopTimer()
	b.ReportMetric(float64(heap()-before)/float64(b.N), "B/session")
}

// BenchmarkSessions publishes to sessions that are connected.
func BenchmarkSessions(b *testing.B) {
	for _, a := range []message.Assurance{message.AtMostOnce, message.AtLeastOnce} {
		b.Run(fmt.Sprint("assurance ", a), func(b *testing.B) {
			x := newBench(b, topic("T"), 0)
			for i := range 10 {
				c, err := x.Connection.Broker().Connect(b.Context(), broker.Login{ClientID: fmt.Sprint(i)}, x.v)
				if err != nil {
					b.Fatal(err)
				}
				tag := uint32(0)
				s, err := c.OpenSession(broker.SessionOptions{Tag: func(uint32) uint32 { tag = tag&0xffff + 1; return tag }}, voidSink{x.v}, 0)
				if err != nil {
					b.Fatal(err)
				}
				if errs := s.Bind([]broker.Binding{to("T", a)}, 0); errs[0] != nil {
					b.Fatal(errs[0])
				}
				if err := x.Connection.Broker().Store().Sync(b.Context()); err != nil {
					b.Fatal(err)
				}
				s.Subscription().Limit(1000)
				x.subs = append(x.subs, s.Subscription())
			}
			x.msg.Durable = a != message.AtMostOnce
			b.ReportAllocs()
			for left := b.N; left > 0; left -= 64 {
				x.round(b, min(left, 64))
			}
		})
	}
}
