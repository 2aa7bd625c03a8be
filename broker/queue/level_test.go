package queue

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// TestLevelAtRandom holds a window, with its holes, against a plain slice.
func TestLevelAtRandom(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	m := new(message.Message)
	for range 60 {
		l := &level{tail: true}
		var want []store.ID
		next, bytes := store.ID(0), int64(0)
		entry := func() Entry {
			next += 2
			return Entry{Msg: m, Ref: store.Ref{ID: next, Size: uint32(next % 100)}}
		}
		burst := 1 + rng.IntN(3000) // some are long, so that the ring is dropped, or mostly holes
		for range 300 {
			switch rng.IntN(6) {
			case 0:
				for range rng.IntN(burst) {
					e := entry()
					l.push(e)
					want = append(want, e.Ref.ID)
				}
			case 1: // out of its order
				e := entry()
				e.Ref.ID -= store.ID(1 + 2*rng.IntN(int(min(next/2, 20))))
				if slices.Contains(want, e.Ref.ID) {
					continue
				}
				l.insert(e)
				at, _ := slices.BinarySearch(want, e.Ref.ID)
				want = slices.Insert(want, at, e.Ref.ID)
			case 2, 3: // some of it, as a consumer with a selector
				keep := rng.IntN(4)
				want = want[:0]
				for seq := l.head; seq < l.end; seq = l.next(seq) {
					e := l.at(seq)
					switch {
					case e.Msg == nil:
					case rng.IntN(4) >= keep:
						l.take(seq)
					default:
						want = append(want, e.Ref.ID)
					}
				}
			case 4: // from the head
				for range min(len(want), rng.IntN(burst)) {
					l.take(l.head)
					want = want[1:]
				}
			case 5:
				if rng.IntN(20) == 0 {
					l.clear()
					want = nil
				}
			}
			var got []store.ID
			bytes = 0
			last := l.head
			for seq := l.head; seq < l.end; seq++ {
				if e := l.at(seq); e.Msg != nil {
					got = append(got, e.Ref.ID)
					bytes += e.size()
					last = seq + 1
				}
			}
			if !slices.Equal(got, want) || l.live != len(want) || l.bytes != bytes || l.last != last {
				t.Fatalf("seed %d: %d entries instead of %d, live %d, bytes %d instead of %d, last %d instead of %d",
					seed, len(got), len(want), l.live, l.bytes, bytes, l.last, last)
			}
		}
	}
}

// Late entries join the window in their places, and only up to where the cursor is.
func TestLateEntries(t *testing.T) {
	t.Parallel()
	l := &level{tail: true, cursor: 10}
	for _, id := range []store.ID{14, 12, 9, 20} {
		l.addLate(Entry{Msg: new(message.Message), Ref: store.Ref{ID: id}})
	}
	ids := func() (list []store.ID) {
		for seq := l.head; seq < l.end; seq++ {
			list = append(list, l.at(seq).Ref.ID)
		}
		return list
	}
	if got := ids(); !slices.Equal(got, []store.ID{9}) {
		t.Errorf("window %v", got)
	}
	l.pushLate(14)
	if got := ids(); !slices.Equal(got, []store.ID{9, 12, 14}) || len(l.late) != 1 {
		t.Errorf("window %v, %d late ones", got, len(l.late))
	}
}

// An allowance that is used up says once when a tenth of it is free again.
func TestAllowance(t *testing.T) {
	t.Parallel()
	room := make(chan struct{}, 10)
	a := NewAllowance(20, func() { room <- struct{}{} })
	for i := range 20 {
		if a.spent() || !a.take() {
			t.Fatalf("spent after %d", i)
		}
	}
	if !a.spent() || a.take() || a.Used() != 20 {
		t.Fatalf("not spent: %d used", a.Used())
	}
	a.give(1)
	if len(room) != 0 || a.spent() {
		t.Fatal("called too early, or still spent")
	}
	a.give(1)
	<-room
	a.give(18)
	if len(room) != 0 || a.Used() != 0 {
		t.Fatalf("called again; %d used", a.Used())
	}
	var none *Allowance
	if none.spent() || !none.take() {
		t.Error("no allowance is spent")
	}
	none.give(1)
}

func TestRedeliveryDelay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		r        Redelivery
		failures uint16
		want     int64
	}{
		{Redelivery{Delay: time.Second}, 1, 1000},
		{Redelivery{Delay: time.Second}, 9, 1000},
		{Redelivery{Delay: time.Second, Multiplier: 2}, 1, 1000},
		{Redelivery{Delay: time.Second, Multiplier: 2}, 4, 8000},
		{Redelivery{Delay: time.Second, Multiplier: 2, MaxDelay: 5 * time.Second}, 4, 5000},
		{Redelivery{Delay: time.Second, Multiplier: 10}, 65535, 1 << 52},
	} {
		if got := c.r.after(c.failures); got != c.want {
			t.Errorf("%+v after %d failures: %d ms instead of %d", c.r, c.failures, got, c.want)
		}
	}
	r := Redelivery{Delay: time.Second, Multiplier: 2, Spread: 0.15}
	low, high := int64(1<<52), int64(0)
	for range 1000 {
		got := r.after(2)
		low, high = min(low, got), max(high, got)
	}
	if low < 1700 || low > 1800 || high < 2200 || high > 2300 {
		t.Errorf("two seconds and up to 15%% more or less are %d to %d ms", low, high)
	}
}
