package pebble

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/internal/dump"
)

var _ store.Exporter = (*Store)(nil)

// Export implements store.Exporter.
func (s *Store) Export(ctx context.Context, w io.Writer) (err error) {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if err := s.settle(ctx); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	x := source{ctx: ctx}
	var snap *lsm.Snapshot
	taken := make(chan error, 1)
	s.c.Call(func() bool { // between two groups, so that both are of one moment
		err := s.c.Err()
		if err == nil {
			snap, x.cuts = s.db.NewSnapshot(), s.cuts.all()
		}
		taken <- err
		return false
	})
	if err := <-taken; err != nil {
		return err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	x.r = snap
	out, err := dump.NewWriter(w, dump.Header{Store: s.id.store, Next: s.c.Peek(), Backend: "pebble"})
	if err != nil {
		return err
	}
	x.out = out
	if err := x.run(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return out.Close()
}

// all returns a copy of all truncations.
func (c *cuts) all() map[laneID]store.ID {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return maps.Clone(c.upTo)
}

// clear forgets truncations, all of which are carried out.
func (c *cuts) clear() {
	c.mu.Lock()
	clear(c.upTo)
	c.mu.Unlock()
}

// Import implements store.Exporter.
func (s *Store) Import(ctx context.Context, r io.Reader) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if err := s.settle(ctx); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if empty, err := s.empty(); err != nil || !empty {
		if err == nil {
			err = store.ErrNotEmpty
		}
		return fmt.Errorf("import: %w", err)
	}
	from, err := dump.NewReader(r)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	s.cuts.clear() // of lists that were emptied; the dump may have lists with their names
	l := &loader{s: s, ctx: ctx}
	if err := dump.Copy(l, from); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return l.close(from.Header.Next)
}

// empty reports whether the engine holds nothing of the core's.
func (s *Store) empty() (bool, error) {
	for _, first := range []byte{entryFamily, messageFamily, partFamily, recordFamily, truncateFamily} {
		found := false
		err := readRange(s.db, []byte{first}, []byte{first + 1}, func(it *lsm.Iterator) error {
			found = it.First()
			return it.Error()
		})
		if err != nil || found {
			return false, asCorrupt(err)
		}
	}
	return true, nil
}

// loader writes items with the ids they have. It is a dump.Sink.
type loader struct {
	s   *Store
	ctx context.Context
	w   *lsm.Batch
	// What is to be counted with w.
	entries  []loaded
	messages map[store.ID]uint32
}

type loaded struct {
	ref   store.Ref
	parts store.ID
}

var _ dump.Sink = (*loader)(nil)

// loadChunk is how many bytes are committed at once.
const loadChunk = 4 << 20

// write adds a key whose value put fills.
func (l *loader) write(key []byte, size int, put func(dst []byte)) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	if l.w != nil && l.w.Len()+size > loadChunk {
		if err := l.flush(); err != nil {
			return err
		}
	}
	if l.w == nil {
		l.w = l.s.newWrite(loadChunk)
		l.messages = map[store.ID]uint32{}
	}
	d := l.w.SetDeferred(len(key), size)
	copy(d.Key, key)
	put(d.Value)
	return d.Finish()
}

// Record implements dump.Sink.
func (l *loader) Record(k store.Bucket, key, value []byte) error {
	return l.write(recordKey(k, key), len(value), func(dst []byte) { copy(dst, value) })
}

// Part implements dump.Sink.
func (l *loader) Part(id store.ID, part uint32, data []byte) error {
	return l.write(partKey(id, part), partOverhead+len(data), func(dst []byte) {
		copy(putHeader(dst, store.MsgSum(0, data)), data)
	})
}

// Message implements dump.Sink.
func (l *loader) Message(id store.ID, refs uint32, m *store.Msg) error {
	err := l.write(messageKey(id), messageOverhead+len(m.Head)+len(m.Body), func(dst []byte) { putMessage(dst, m) })
	if err == nil {
		l.messages[id] = refs
	}
	return err
}

// Entry implements dump.Sink.
func (l *loader) Entry(e *store.Entry) error {
	key := entryKey(e.List, e.Prio, e.ID, byte(e.Flag&keyFlags))
	size, put := sharedOverhead+len(e.Note), putShared
	if e.Flag&store.Shared == 0 {
		size, put = entryOverhead+len(e.Note)+len(e.Head)+len(e.Body), putEntry
		if e.Flag&store.HasParts != 0 {
			size += partsOverhead
		}
	}
	if err := l.write(key, size, func(dst []byte) { put(dst, e) }); err != nil {
		return err
	}
	l.entries = append(l.entries, loaded{e.Ref, e.PartsID})
	if e.Flag&store.HasState != 0 {
		l.s.putState(l.w, &store.Op{List: e.List, Prio: e.Prio, ID: e.ID, State: e.State})
	}
	return nil
}

// flush commits what was written, and counts it.
func (l *loader) flush() error {
	if l.w == nil {
		return nil
	}
	s := l.s
	err := s.onCommitter(func(w *lsm.Batch) {
		s.note(w.Apply(l.w, nil))
		for id, refs := range l.messages {
			s.bodies.share(id, int32(refs))
		}
		top := store.ID(s.applied.Load())
		for _, e := range l.entries {
			lane := s.lanes.get(laneOf(e.ref.List, e.ref.Prio))
			lane.add(1, e.ref.Size, e.ref.Flag)
			lane.last = e.ref.ID
			if e.ref.Flag&store.HasParts != 0 {
				s.bodies.name(e.ref.ID, e.parts)
			}
			top = max(top, e.ref.ID)
		}
		s.applied.Store(uint64(top))
	})
	err = errors.Join(err, l.w.Close())
	l.w, l.messages, l.entries = nil, nil, l.entries[:0]
	return err
}

// close commits the rest, and has ids go on far above next.
func (l *loader) close(next store.ID) error {
	if err := l.flush(); err != nil {
		return err
	}
	l.s.c.SkipTo(next + idSkip)
	return l.s.c.Sync(l.ctx)
}
