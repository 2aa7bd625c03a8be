package amqp

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/mapping"
	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/memory"
)

// quiet is a client that hears everything and says nothing.
type quiet struct{ got chan uint64 }

func (quiet) Confirmed(broker.Token, error)       {}
func (quiet) Blocked(string)                      {}
func (quiet) Wake()                               {}
func (quiet) Drained(*queue.Consumer)             {}
func (q quiet) Deliver(ds []broker.Delivery) bool { q.got <- ds[len(ds)-1].Number; return true }

type quietHandler struct{ quiet }

func (quietHandler) Closed(error) {}

type quietSink struct{ quiet }

func (quietSink) Closed(*queue.Consumer, error) {}

// consuming returns a session whose one link has got deliveries with the ids from 0 on, and two
// transactions that it may settle them in.
func consuming(t *testing.T, deliveries int) (s *session, one, two *transaction) {
	t.Helper()
	b := broker.New(broker.Options{OpenStore: func(_ context.Context, hooks store.Hooks) (store.Store, error) {
		return memory.Open(memory.Options{Hooks: hooks})
	}})
	if err := b.Activate(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Deactivate(context.Background(), nil) })
	q := quiet{make(chan uint64, deliveries)}
	core, err := b.Connect(t.Context(), broker.Login{}, quietHandler{q})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(core.Close)
	to := address.Address{Kind: address.Queue, Name: "q"}
	p, err := core.Producer(to)
	if err != nil {
		t.Fatal(err)
	}
	for range deliveries {
		r, err := mapping.Receive([]byte{0, 0x53, 0x77, 0x40}, 0, mapping.JMS, 0)
		if err != nil {
			t.Fatal(err)
		}
		r.Message.Address = to
		if err := p.Send(r.Message, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	core.Flush()
	c := &connection{core: core, o: &Options{Log: slog.New(slog.DiscardHandler)}, txs: make(map[string]*transaction)}
	s = &session{c: c}
	l := &sender{linkBase: linkBase{identity: identity{s: s}}}
	if l.sub, err = core.Subscribe(broker.SubscribeOptions{Addresses: []address.Address{to}}, quietSink{q}, 0); err != nil {
		t.Fatal(err)
	}
	l.sub.Limit(uint64(deliveries))
	for last := uint64(0); last < uint64(deliveries); {
		last = <-q.got
	}
	for n := range deliveries {
		s.runs.add(l, uint32(n), uint64(n)+1)
	}
	for _, tx := range []**transaction{&one, &two} {
		core, err := core.Begin()
		if err != nil {
			t.Fatal(err)
		}
		*tx = &transaction{id: []byte{byte(len(c.txs))}, core: core}
		c.txs[string((*tx).id)] = *tx
	}
	return s, one, two
}

// A client that gives the same deliveries the same outcome again and again makes nobody remember
// that.
func TestOutcomesAreRememberedOnce(t *testing.T) {
	t.Parallel()
	const deliveries = 64
	for _, kind := range []frame.StateKind{frame.Accepted, frame.Rejected, frame.Released} {
		for _, settled := range []bool{false, true} {
			s, tx, _ := consuming(t, deliveries)
			state := frame.State{InTransaction: true, Txn: tx.id, Kind: kind}
			for range 10 {
				for first := range uint32(deliveries) {
					for last := first; last < deliveries; last += 7 {
						if err := s.retire(&frame.Disposition{First: first, Last: last, Settled: settled}, &state); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			retired := 0
			for _, list := range tx.retired {
				retired += len(list)
			}
			if tx.failed != nil || len(tx.waiting) > deliveries || retired > 1 || len(tx.returned) > deliveries {
				t.Errorf("kind %d, settled %v: %d are waited for, %d retired, %d return; failed: %v",
					kind, settled, len(tx.waiting), retired, len(tx.returned), tx.failed)
			}
			if settled != (retired == 1) || settled == (len(tx.waiting) > 0) || (kind == frame.Released) != (len(tx.returned) > 0) {
				t.Errorf("kind %d, settled %v: %d are waited for, %d retired, %d return", kind, settled, len(tx.waiting), retired, len(tx.returned))
			}
		}
	}
}

// The client may settle later what it has given an outcome in the transaction: that comes again
// when it is rolled back.
func TestSettledAfterItsOutcome(t *testing.T) {
	t.Parallel()
	s, tx, _ := consuming(t, 10)
	state := frame.State{InTransaction: true, Txn: tx.id, Kind: frame.Accepted}
	for _, settled := range []bool{false, true} {
		if err := s.retire(&frame.Disposition{First: 2, Last: 4, Settled: settled}, &state); err != nil {
			t.Fatal(err)
		}
	}
	l := s.runs.list[0].link
	if got := tx.retired[l]; !slices.Equal(got, ranges{{3, 5}}) || len(tx.waiting) != 1 {
		t.Errorf("%v retired, %d are waited for", got, len(tx.waiting))
	}
	tx.rollback()
	if n := l.sub.Unsettled(); n != 7 {
		t.Errorf("%d are unsettled after the rollback", n)
	}
}

// What has an outcome in one transaction, whichever, can't have one in another.
func TestOutcomesInTwoTransactions(t *testing.T) {
	t.Parallel()
	for _, kind := range []frame.StateKind{frame.Accepted, frame.Rejected, frame.Released} {
		s, one, two := consuming(t, 10)
		l := s.runs.list[0].link
		k := &stated{span: span{l, 2, 3, 5}, o: outcomeOf(&frame.State{Kind: kind})}
		if _, e := s.enlist(one.id, k, true); e != nil {
			t.Fatal(e)
		}
		two.by = &coordinator{l: new(receiver)}
		for _, clash := range []numbers{{1, 3}, {4, 4}, {5, 9}} {
			k := &stated{span: span{l, 0, clash.first, clash.last}, o: outcomeOf(&frame.State{Kind: frame.Accepted})}
			if refused, e := s.enlist(two.id, k, true); e == nil || e.Condition != frame.IllegalState || refused != link(two.by.l) {
				t.Errorf("kind %d, %v: %v", kind, clash, e)
			}
		}
		if _, e := s.enlist(two.id, &stated{span: span{l, 5, 6, 9}, o: outcomeOf(&frame.State{Kind: frame.Accepted})}, true); e != nil {
			t.Error(e)
		}
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	var r ranges
	for _, c := range []struct {
		first, last uint64
		want        ranges
	}{
		{10, 12, ranges{{10, 12}}},
		{20, 20, ranges{{10, 12}, {20, 20}}},
		{1, 3, ranges{{1, 3}, {10, 12}, {20, 20}}},
		{4, 4, ranges{{1, 4}, {10, 12}, {20, 20}}},
		{9, 9, ranges{{1, 4}, {9, 12}, {20, 20}}},
		{2, 3, ranges{{1, 4}, {9, 12}, {20, 20}}},
		{14, 15, ranges{{1, 4}, {9, 12}, {14, 15}, {20, 20}}},
		{3, 14, ranges{{1, 15}, {20, 20}}},
		{0, 30, ranges{{0, 30}}},
	} {
		if r = r.add(c.first, c.last); !slices.Equal(r, c.want) {
			t.Fatalf("with %d to %d: %v, want %v", c.first, c.last, r, c.want)
		}
	}
}
