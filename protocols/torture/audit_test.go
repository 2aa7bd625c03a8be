package torture

import (
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// story plays a run into a ledger, event by event, as clients would note it.
type story struct {
	t *testing.T
	l *Ledger
	p uint32
	a *Attachment
}

const place = "/queue/q"

func newStory(t *testing.T) *story {
	l := NewLedger(7)
	return &story{t: t, l: l, p: l.Producer(), a: l.Attach(place, 1)}
}

func (s *story) send(life uint64, tx *Transaction) Key {
	return s.l.Attempt(s.p, life, Target{Destination: place, Places: []string{place}}, 100, true, tx)
}

// sent sends and confirms.
func (s *story) sent() Key {
	k := s.send(1, nil)
	s.l.Confirm(k, 1)
	return k
}

// life lets a new consumer come in another life of the broker.
func (s *story) life(n uint64) { s.a = s.l.Attach(place, n) }

func (s *story) body(k Key, redelivered bool) client.Delivery {
	return client.Delivery{Label: k.String(), Redelivered: redelivered, Body: appendBody(nil, s.l.run, k, 100)}
}

func (s *story) came(k Key, redelivered bool) Copy {
	s.t.Helper()
	c, ok := s.l.Deliver(s.a, s.body(k, redelivered))
	if !ok {
		s.t.Fatal("the delivery was not accepted")
	}
	return c
}

// settle settles, with confirmation if sure.
func (s *story) settle(tx *Transaction, sure bool, copies ...Copy) {
	x := s.l.Settle(s.a.life, copies, tx)
	if sure {
		s.l.SettleConfirmed(x, s.a.life)
	}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		play func(s *story)
		want []Kind
	}{
		{"nothing", func(*story) {}, nil},
		{"delivered and settled", func(s *story) { s.settle(nil, true, s.came(s.sent(), false)) }, nil},
		{"unconfirmed and gone", func(s *story) { s.send(1, nil) }, nil},
		{"refused and gone", func(s *story) { s.l.Refuse(s.send(1, nil)) }, nil},
		{"refused and delivered", func(s *story) {
			k := s.send(1, nil)
			s.l.Refuse(k)
			s.settle(nil, true, s.came(k, false))
		}, []Kind{Uncommitted}},
		{"lost", func(s *story) { s.sent() }, []Kind{Lost}},
		{"seen, then vanished", func(s *story) { s.came(s.send(1, nil), false); s.life(2) }, []Kind{Lost}},
		{"confirmed, seen, then vanished", func(s *story) { s.came(s.sent(), false) }, []Kind{Lost}},
		{"settled in an aborted transaction, then vanished", func(s *story) {
			tx := s.l.Begin("a")
			s.settle(tx, false, s.came(s.sent(), false))
			s.l.Aborted(tx)
		}, []Kind{Lost}},
		{"settlement unconfirmed, then gone", func(s *story) { s.settle(nil, false, s.came(s.sent(), false)) }, nil},
		{"settlement unconfirmed, then back", func(s *story) {
			k := s.sent()
			s.settle(nil, false, s.came(k, false))
			s.life(2)
			s.settle(nil, true, s.came(k, true))
		}, nil},
		{"settlement confirmed, then back", func(s *story) {
			k := s.sent()
			s.settle(nil, true, s.came(k, false))
			s.life(2)
			s.settle(nil, true, s.came(k, true))
		}, []Kind{Returned}},
		{"settlement committed, then back", func(s *story) {
			k, tx := s.sent(), s.l.Begin("a")
			s.settle(tx, false, s.came(k, false))
			s.l.Committing(tx, 1)
			s.l.Committed(tx, 1)
			s.life(2)
			s.settle(nil, true, s.came(k, true))
		}, []Kind{Returned}},
		{"read late from a broker that was dead", func(s *story) {
			k, old := s.sent(), s.a
			s.life(2)
			s.settle(nil, true, s.came(k, true))
			s.a = old
			s.came(k, false)
		}, nil},
		{"back without the flag", func(s *story) {
			k := s.sent()
			s.came(k, false)
			s.life(2)
			s.settle(nil, true, s.came(k, false))
		}, []Kind{Unflagged}},
		{"flagged without having been seen", func(s *story) { s.life(2); s.settle(nil, true, s.came(s.sent(), true)) }, nil},
		{"committed and all there", func(s *story) {
			tx := s.l.Begin("a")
			k := s.send(1, tx)
			s.l.Committing(tx, 1)
			s.l.Committed(tx, 1)
			s.settle(nil, true, s.came(k, false))
		}, nil},
		{"committed and lost", func(s *story) {
			tx := s.l.Begin("a")
			s.send(1, tx)
			s.l.Committing(tx, 1)
			s.l.Committed(tx, 1)
		}, []Kind{Lost}},
		{"never committed, but delivered", func(s *story) { s.settle(nil, true, s.came(s.send(1, s.l.Begin("a")), false)) }, []Kind{Uncommitted}},
		{"aborted, but delivered", func(s *story) {
			tx := s.l.Begin("a")
			k := s.send(1, tx)
			s.l.Aborted(tx)
			s.settle(nil, true, s.came(k, false))
		}, []Kind{Uncommitted}},
		{"commit unconfirmed, nothing there", func(s *story) {
			k, tx := s.sent(), s.l.Begin("a")
			s.settle(tx, false, s.came(k, false))
			s.send(1, tx)
			s.send(1, tx)
			s.l.Committing(tx, 1)
			s.life(2)
			s.settle(nil, true, s.came(k, true))
		}, nil},
		{"commit unconfirmed, all there", func(s *story) {
			k, tx := s.sent(), s.l.Begin("a")
			s.settle(tx, false, s.came(k, false))
			k2 := s.send(1, tx)
			s.l.Committing(tx, 1)
			s.life(2)
			s.settle(nil, true, s.came(k2, false))
		}, nil},
		{"half of the messages", func(s *story) {
			tx := s.l.Begin("a")
			k := s.send(1, tx)
			s.send(1, tx)
			s.l.Committing(tx, 1)
			s.life(2)
			s.settle(nil, true, s.came(k, false))
		}, []Kind{HalfApplied}},
		{"messages without settlements", func(s *story) {
			k, tx := s.sent(), s.l.Begin("a")
			s.settle(tx, false, s.came(k, false))
			k2 := s.send(1, tx)
			s.l.Committing(tx, 1)
			s.life(2)
			s.settle(nil, true, s.came(k, true), s.came(k2, false))
		}, []Kind{HalfApplied}},
		{"settlements without messages", func(s *story) {
			k, tx := s.sent(), s.l.Begin("a")
			s.settle(tx, false, s.came(k, false))
			s.send(1, tx)
			s.l.Committing(tx, 1)
			s.life(2)
		}, []Kind{HalfApplied}},
		{"half of the settlements", func(s *story) {
			k, k2, tx := s.sent(), s.sent(), s.l.Begin("a")
			s.settle(tx, false, s.came(k, false), s.came(k2, false))
			s.l.Committing(tx, 1)
			s.life(2)
			s.settle(nil, true, s.came(k2, true))
		}, []Kind{HalfApplied}},
		{"refused in part", func(s *story) {
			tx := s.l.Begin("a")
			k := s.send(1, tx)
			s.send(1, tx)
			s.l.Committing(tx, 1)
			s.l.Doubt(tx)
			s.settle(nil, true, s.came(k, false))
		}, nil},
		{"out of order", func(s *story) {
			k, k2 := s.sent(), s.sent()
			s.settle(nil, true, s.came(k2, false), s.came(k, false))
		}, []Kind{OutOfOrder}},
		{"out of order as redelivered", func(s *story) {
			k, k2 := s.sent(), s.sent()
			s.settle(nil, true, s.came(k2, false), s.came(k, true))
		}, nil},
		{"out of order after another consumer left", func(s *story) {
			k, k2, other := s.sent(), s.sent(), s.l.Attach(place, 1)
			s.settle(nil, true, s.came(k2, false))
			s.l.Detach(other)
			s.settle(nil, true, s.came(k, false))
		}, nil},
		{"out of order, another consumer left before the crash", func(s *story) {
			k, k2 := s.sent(), s.sent()
			s.l.Detach(s.l.Attach(place, 1))
			s.life(2)
			s.settle(nil, true, s.came(k2, false), s.came(k, false))
		}, []Kind{OutOfOrder}},
		{"a bit flipped", func(s *story) {
			k := s.send(1, nil)
			d := s.body(k, false)
			d.Body[60] ^= 1
			s.l.Deliver(s.a, d)
		}, []Kind{Damaged}},
		{"cut short", func(s *story) {
			d := s.body(s.send(1, nil), false)
			d.Body = d.Body[:50]
			s.l.Deliver(s.a, d)
		}, []Kind{Damaged}},
		{"emptied", func(s *story) { s.send(1, nil); s.l.Deliver(s.a, client.Delivery{}) }, []Kind{Damaged}},
		{"the head of one with the body of another", func(s *story) {
			k, k2 := s.send(1, nil), s.send(1, nil)
			d := s.body(k, false)
			d.Label = k2.String()
			s.l.Deliver(s.a, d)
		}, []Kind{Damaged}},
		{"a size that was not sent", func(s *story) {
			k := s.send(1, nil)
			s.l.Deliver(s.a, client.Delivery{Body: appendBody(nil, s.l.run, k, 200)})
		}, []Kind{Damaged}},
		{"never sent", func(s *story) { s.l.Deliver(s.a, s.body(Key{s.p, 1}, false)) }, []Kind{Unknown}},
		{"of another run", func(s *story) {
			k := s.send(1, nil)
			s.l.Deliver(s.a, client.Delivery{Body: appendBody(nil, 8, k, 100)})
		}, []Kind{Unknown}},
		{"at the wrong place", func(s *story) {
			k := s.send(1, nil)
			s.l.Deliver(s.l.Attach("/queue/other", 1), s.body(k, false))
		}, []Kind{Unknown}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			c.play(s)
			r := s.l.Audit()
			var want [kinds]int
			for _, k := range c.want {
				want[k]++
			}
			if r.Totals != want {
				t.Errorf("got %s\nwant %v", r.String(), c.want)
			}
			if err := r.Err(); (err != nil) != (len(c.want) > 0) {
				t.Errorf("error: %v", err)
			}
			for _, k := range c.want {
				if text := r.String(); !strings.Contains(text, k.String()) || !strings.HasPrefix(text, "seed 7: ") {
					t.Errorf("report without %q: %s", k, text)
				}
			}
		})
	}
}

// TestAtMostOnce: what is settled when it leaves the broker may be lost on the way; but it must not
// come again unmarked, nor out of an aborted transaction.
func TestAtMostOnce(t *testing.T) {
	t.Parallel()
	target := Target{Destination: place, Places: []string{place}, AtMostOnce: true}
	s := newStory(t)
	lost := s.l.Attempt(s.p, 1, target, 100, true, nil)
	s.l.Confirm(lost, 1)
	tx := s.l.Begin("a")
	s.l.Attempt(s.p, 1, target, 100, true, tx)
	taken := s.l.Attempt(s.p, 1, target, 100, true, tx)
	s.l.Committing(tx, 1)
	s.l.Committed(tx, 1)
	s.settle(nil, false, s.came(taken, false))
	s.life(2)
	s.settle(nil, false, s.came(taken, true))
	if r := s.l.Audit(); r.Err() != nil {
		t.Error(r.String())
	}
	if n := s.l.Backlog(); n != 0 {
		t.Errorf("%d copies are waited for", n)
	}
	s.settle(nil, false, s.came(taken, false))
	aborted := s.l.Begin("b")
	k := s.l.Attempt(s.p, 1, target, 100, true, aborted)
	s.l.Aborted(aborted)
	s.settle(nil, false, s.came(k, false))
	if r := s.l.Audit(); r.Totals[Unflagged] != 1 || r.Totals[Uncommitted] != 1 {
		t.Error(r.String())
	}
}

// TestVolatile: what is not persistent may vanish with a life, and only then.
func TestVolatile(t *testing.T) {
	t.Parallel()
	for _, crash := range []bool{true, false} {
		s := newStory(t)
		k := s.l.Attempt(s.p, 1, Target{Destination: place, Places: []string{place}}, 100, false, nil)
		s.l.Confirm(k, 1)
		if crash {
			s.life(2)
			s.settle(nil, true, s.came(s.sent(), false))
		}
		r := s.l.Audit()
		if lost := r.Totals[Lost]; (lost == 0) != crash {
			t.Errorf("crash %v: %s", crash, r.String())
		}
	}
}

// TestFork: against a copy of the data, what happened after the copying began counts as
// attempted only, and what happened before it counts in full.
func TestFork(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	settled, kept := s.sent(), s.sent()
	s.settle(nil, true, s.came(settled, false))
	mark := s.l.Mark()
	later := s.sent()
	s.settle(nil, true, s.came(kept, false))
	s.settle(nil, true, s.came(later, false))
	if r := s.l.Audit(); r.Err() != nil {
		t.Fatal(r.String())
	}

	f := s.l.Fork(mark)
	restored := &story{t: t, l: f, p: s.p, a: f.Attach(place, 2)}
	restored.settle(nil, true, restored.came(kept, false)) // settled after the copy was taken
	if r := f.Audit(); r.Err() != nil {
		t.Error(r.String())
	}
	restored.settle(nil, true, restored.came(settled, true)) // settled before
	if r := f.Audit(); r.Totals[Returned] != 1 || len(r.First) != 1 {
		t.Error(r.String())
	}
	if r := s.l.Audit(); r.Err() != nil {
		t.Error("the fork changed the ledger: " + r.String())
	}
	lost := s.l.Fork(mark)
	if r := lost.Audit(); r.Err() != nil {
		t.Error(r.String()) // kept may have been settled before the copy was taken
	}
	// Sent, received and settled in a transaction, all after the copy was taken: no trace of it.
	mark = s.l.Mark()
	tx := s.l.Begin("a")
	s.settle(tx, false, s.came(s.sent(), false))
	answer := s.send(1, tx)
	s.l.Committing(tx, 1)
	s.l.Committed(tx, 1)
	s.settle(nil, true, s.came(answer, false))
	if r := s.l.Fork(mark).Audit(); r.Err() != nil {
		t.Error(r.String())
	}
	unsettled := s.sent()
	if r := s.l.Fork(s.l.Mark()).Audit(); r.Totals[Lost] != 1 || r.First[0].Key != unsettled {
		t.Error(r.String())
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, smallestBody, smallestBody + 1, 1000, 2 << 20} {
		k := Key{3, 1 << 40}
		body := appendBody([]byte("before"), 9, k, size)[len("before"):]
		if len(body) != max(size, smallestBody) {
			t.Errorf("size %d: %d octets", size, len(body))
		}
		if run, got, err := parseBody(body); run != 9 || got != k || err != nil {
			t.Errorf("size %d: %d, %v, %v", size, run, got, err)
		}
		for _, at := range []int{0, 9, 13, 21, 25, len(body) - 1} {
			body[at] ^= 0x10
			if _, _, err := parseBody(body); err == nil {
				t.Errorf("size %d: damage at %d was not seen", size, at)
			}
			body[at] ^= 0x10
		}
	}
}

func FuzzParseBody(f *testing.F) {
	f.Add([]byte{})
	f.Add(appendBody(nil, 1, Key{2, 3}, 100))
	f.Fuzz(func(t *testing.T, body []byte) {
		run, k, err := parseBody(body)
		if err == nil && (len(body) < smallestBody || k.String() == "") {
			t.Errorf("accepted %x as %d of %x", body, k, run)
		}
	})
}
