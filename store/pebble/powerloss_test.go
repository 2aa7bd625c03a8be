package pebble_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/pebble"
)

// ledger is what a producer was told, by the number that each message carries.
type ledger struct {
	mu        sync.Mutex
	next      uint64
	confirmed map[uint64]store.Ref // durable, not acknowledged
	acking    map[uint64]bool      // an acknowledgment is under way, or lazy
	acked     map[uint64]bool      // durably
	records   uint64               // number of the last confirmed record
	err       error                // of a Done
}

func newLedger() *ledger {
	return &ledger{confirmed: map[uint64]store.Ref{}, acking: map[uint64]bool{}, acked: map[uint64]bool{}}
}

// clone copies what was confirmed until now.
func (l *ledger) clone() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &ledger{
		next: l.next, confirmed: maps.Clone(l.confirmed), acking: maps.Clone(l.acking),
		acked: maps.Clone(l.acked), records: l.records,
	}
}

// body is a numbered message of random length with its own check value.
func body(n uint64, r *rand.Rand) []byte {
	p := make([]byte, 12+r.IntN(3000))
	binary.BigEndian.PutUint64(p[4:], n)
	for i := 12; i < len(p); i++ {
		p[i] = byte(r.Uint32())
	}
	binary.BigEndian.PutUint32(p, crc32.ChecksumIEEE(p[4:]))
	return p
}

// number checks a body and returns its number.
func number(p []byte) (uint64, error) {
	if len(p) < 12 || binary.BigEndian.Uint32(p) != crc32.ChecksumIEEE(p[4:]) {
		return 0, errors.New("wrong content")
	}
	return binary.BigEndian.Uint64(p[4:]), nil
}

// work sends, and acknowledges, until tokens is closed, with a bounded window. Each message
// goes to list 1, or to lists 1 and 2 as one; only entries of list 1 are acknowledged.
func (l *ledger) work(s store.Store, r *rand.Rand, tokens <-chan struct{}) {
	window := make(chan struct{}, 64)
	defer func() {
		for range cap(window) {
			window <- struct{}{}
		}
	}()
	for range tokens {
		window <- struct{}{}
		l.mu.Lock()
		l.next++
		n := l.next
		ack, ref := l.pick(r)
		l.mu.Unlock()
		durable := r.IntN(4) > 0
		b := &store.Batch{}
		if durable {
			b.Durability = store.Durable
		}
		m := store.Msg{Head: []byte("head"), Body: body(n, r)}
		if n%4 == 0 {
			b.Fanout([]store.Target{{List: 1}, {List: 2}}, 4, m)
		} else {
			b.Append(store.Target{List: 1}, 4, m)
		}
		if ack != 0 {
			b.Ack(ref)
		}
		b.PutRecord(store.Marks, []byte("n"), binary.BigEndian.AppendUint64(nil, n))
		b.Done = func(b *store.Batch, err error) {
			l.mu.Lock()
			if err != nil {
				l.err = err
			} else if durable {
				l.confirmed[n] = b.Refs[0]
				l.records = n
				if ack != 0 {
					delete(l.acking, ack)
					l.acked[ack] = true
				}
			}
			l.mu.Unlock()
			<-window
		}
		s.Commit(b)
	}
}

// pick takes a confirmed message to acknowledge, now and then. The lock is held.
func (l *ledger) pick(r *rand.Rand) (uint64, store.Ref) {
	if r.IntN(3) == 0 {
		return 0, store.Ref{}
	}
	for n, ref := range l.confirmed {
		delete(l.confirmed, n)
		l.acking[n] = true
		return n, ref
	}
	return 0, store.Ref{}
}

// verify compares a recovered store with what was confirmed before the loss. sent bounds what
// may be there besides.
func (l *ledger) verify(t *testing.T, s *pebble.Store, sent uint64) {
	t.Helper()
	found := map[uint64]bool{}
	last := uint64(0)
	for list := store.ListID(1); list <= 2; list++ {
		seen := map[uint64]bool{}
		var p store.Page
		if err := s.ReadPage(t.Context(), list, 4, 0, ^store.ID(0), store.Limit{}, &p); err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Entries {
			n, err := number(e.Body)
			if err != nil || n > sent || seen[n] {
				t.Fatalf("list %d: message %d (number %d of %d): %v", list, e.ID, n, sent, err)
			}
			seen[n] = true
			last = max(last, n)
		}
		if list == 1 {
			found = seen
			continue
		}
		for n := uint64(4); n <= l.records; n += 4 { // never acknowledged on this list
			if _, confirmed := l.confirmed[n]; (confirmed || l.acked[n]) && !seen[n] {
				t.Fatalf("list 2 has lost %d", n)
			}
		}
	}
	for n := range l.confirmed {
		if !found[n] {
			t.Fatalf("confirmed message %d is lost", n)
		}
	}
	for n := range l.acked {
		if found[n] {
			t.Fatalf("message %d is back after its durable acknowledgment", n)
		}
	}
	v, err := s.Record(t.Context(), store.Marks, []byte("n"))
	switch {
	case errors.Is(err, store.ErrNotFound) && l.records == 0:
	case err != nil:
		t.Fatal(err)
	default:
		// Batches are whole and in order: the record is that of the last batch.
		if n := binary.BigEndian.Uint64(v); n < l.records || n < last {
			t.Fatalf("record %d, confirmed %d, last message %d", n, l.records, last)
		}
	}
	mustCheck(t, s)
}

// TestPowerLoss cuts the power at random moments under load, with none, half and all of the
// unsynced blocks on the disk.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, percent := range []int{0, 50, 100} {
		t.Run(fmt.Sprint(percent), func(t *testing.T) {
			t.Parallel()
			disk := vfs.NewCrashableMem()
			s := mustOpen(t, pebble.Options{Path: "store", FS: disk, MemTableSize: 256 << 10})
			l := newLedger()
			tokens, stopped := make(chan struct{}, 300), make(chan struct{})
			r := rand.New(rand.NewPCG(seed, uint64(percent)))
			go func() {
				defer close(stopped)
				l.work(s, rand.New(rand.NewPCG(seed, 0)), tokens)
			}()
			end := sync.OnceFunc(func() {
				close(tokens)
				<-stopped
			})
			defer end()
			rounds := 25
			if testing.Short() {
				rounds = 8
			}
			for range rounds {
				for len(tokens) < cap(tokens) {
					tokens <- struct{}{}
				}
				moment := time.NewTimer(time.Duration(r.IntN(5000)) * time.Microsecond)
				<-moment.C
				before := l.clone()
				clone := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: r})
				sent := l.clone().next
				after := mustOpen(t, pebble.Options{Path: "store", FS: clone, MemTableSize: 256 << 10})
				before.verify(t, after, sent)
				mustClose(t, after)
			}
			end()
			if l.err != nil {
				t.Fatal(l.err)
			}
			l.verify(t, s, l.next)
			mustClose(t, s)
		})
	}
}
