package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/manifoldmq/manifold/store"
)

// The value of counterKey, written at a clean stop and deleted at the next open:
// version(1) complete(1), then per lane list(4) prio(1) entries(8) bytes(8) special(8)
// last(8), then the check value of all before(4). An incomplete one still says that the stop
// was clean.
const (
	counterVersion = 1
	counterHead    = 2
	counterSize    = 4 + 1 + 4*8
)

// keepCounters writes the counters, as the last thing before the engine is closed.
func (s *Store) keepCounters() {
	v := []byte{counterVersion, 0}
	if s.scanned && len(s.walking) == 0 {
		v[1] = 1
		for id, l := range s.lanes.all {
			if l.entries == l.volatile {
				continue
			}
			v = binary.BigEndian.AppendUint32(v, uint32(id.list()))
			v = append(v, id.prio())
			v = binary.BigEndian.AppendUint64(v, uint64(l.entries-l.volatile))
			v = binary.BigEndian.AppendUint64(v, uint64(l.bytes-l.volatileBytes))
			v = binary.BigEndian.AppendUint64(v, uint64(l.special))
			v = binary.BigEndian.AppendUint64(v, uint64(l.last))
		}
	}
	v = binary.BigEndian.AppendUint32(v, store.MsgSum(0, v))
	w := s.db.NewBatch()
	s.note(w.Set([]byte(counterKey), v, nil))
	s.set(w, reserveKey, uint64(s.c.Peek()))
	if err := s.commit(w, true); err != nil {
		s.log.Error("store: counters are not kept", "err", err)
	}
}

// loadCounters reads them, and with them whether the last run ended cleanly.
func (s *Store) loadCounters(fresh bool) error {
	v, closer, err := s.db.Get([]byte(counterKey))
	if errors.Is(err, lsm.ErrNotFound) {
		s.clean = fresh
		s.counted.Store(fresh)
		return nil
	}
	if err != nil {
		return err
	}
	defer closer.Close()
	if len(v) < counterHead+4 || store.MsgSum(0, v[:len(v)-4]) != binary.BigEndian.Uint32(v[len(v)-4:]) {
		return fmt.Errorf("%w: counters of the last stop", store.ErrCorrupt)
	}
	if v[0] != counterVersion {
		return fmt.Errorf("%w: counters of version %d", store.ErrFormat, v[0])
	}
	s.clean = true
	if v[1] == 0 {
		return nil
	}
	s.counted.Store(true)
	for p := v[counterHead : len(v)-4]; len(p) >= counterSize; p = p[counterSize:] {
		id := laneOf(store.ListID(binary.BigEndian.Uint32(p)), p[4])
		s.lanes.all[id] = &lane{
			id:      id,
			entries: int64(binary.BigEndian.Uint64(p[5:])),
			bytes:   int64(binary.BigEndian.Uint64(p[13:])),
			special: int64(binary.BigEndian.Uint64(p[21:])),
			last:    store.ID(binary.BigEndian.Uint64(p[29:])),
		}
	}
	return nil
}

// Count implements store.Store.
func (s *Store) Count(ctx context.Context, list store.ListID) (entries, bytes uint64, err error) {
	if err := s.begin(ctx); err != nil {
		return 0, 0, err
	}
	defer s.end()
	if s.counted.Load() {
		if a, err := s.lookUp(ctx, list); err != nil || a.known {
			return uint64(max(a.entries, 0)), uint64(max(a.bytes, 0)), err
		}
	}
	it, err := s.db.NewIterWithContext(ctx, &lsm.IterOptions{
		LowerBound: laneStart(list, store.MaxPrio), UpperBound: laneEnd(list, 0),
	})
	if err != nil {
		return 0, 0, asCorrupt(err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		e, ok := parseEntryKey(it.Key())
		if !ok || e.tail == stateTail || !s.lives(e) {
			continue
		}
		size, _, err := entrySize(it, store.Flag(e.tail))
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			return 0, 0, err
		}
		entries++
		bytes += uint64(size)
	}
	return entries, bytes, asCorrupt(it.Error())
}

// counts is what the counters say of a list; known is false while a truncation is carried out.
type counts struct {
	entries, bytes int64
	known          bool
}

// lookUp asks the committer's goroutine, which owns the counters.
func (s *Store) lookUp(ctx context.Context, list store.ListID) (counts, error) {
	got := make(chan counts, 1)
	s.c.Call(func() bool {
		c := counts{known: true}
		for p := range uint8(store.MaxPrio + 1) {
			id := laneOf(list, p)
			c.known = c.known && s.walking[id] == 0
			if l := s.lanes.all[id]; l != nil {
				c.entries += l.entries
				c.bytes += l.bytes
			}
		}
		got <- c
		return false
	})
	select {
	case c := <-got:
		return c, nil
	case <-ctx.Done():
		return counts{}, ctx.Err()
	}
}

// lives reports whether an entry is there for readers: not truncated, and not a volatile one
// of an earlier run.
func (s *Store) lives(e entryAt) bool {
	return s.cuts.cut(e.lane()) < e.id && (store.Flag(e.tail)&store.Volatile == 0 || e.id >= s.first)
}
