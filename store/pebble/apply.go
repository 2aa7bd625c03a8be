package pebble

import (
	"encoding/binary"
	"fmt"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/internal/committer"
)

// retained is how much of an engine batch's memory is kept for the next one.
const retained = 8 << 20

// watchBytes is after how many committed bytes free space is looked at, at the latest: a fast
// producer fills a small disk between two ticks.
const watchBytes = 8 << 20

// Apply implements the committer's engine: a group becomes one engine batch.
func (s *Store) Apply(g *committer.Group) error {
	size := 64
	for _, b := range g.Batches {
		size += b.Size()
	}
	w := s.newWrite(size)
	top := store.ID(s.applied.Load())
	for _, b := range g.Batches {
		top = s.applyBatch(w, b, top)
	}
	s.dropOrphans(w)
	if g.Reserve > 0 {
		s.set(w, reserveKey, uint64(g.Reserve))
	}
	if err := s.commit(w, g.Sync); err != nil {
		return err
	}
	s.applied.Store(uint64(top))
	if s.unwatched += size; s.unwatched > watchBytes {
		s.unwatched = 0
		s.events.look()
	}
	for _, j := range s.later {
		s.jobs.push(j)
	}
	s.later = s.later[:0]
	if g.Reserve > 0 {
		s.reserved = g.Reserve
	}
	return nil
}

func (s *Store) newWrite(size int) *lsm.Batch {
	return s.db.NewBatch(lsm.WithInitialSizeBytes(min(size, retained)), lsm.WithMaxRetainedSizeBytes(retained))
}

func (s *Store) set(w *lsm.Batch, key string, v uint64) {
	var value [8]byte
	binary.BigEndian.PutUint64(value[:], v)
	s.note(w.Set([]byte(key), value[:], nil))
}

// note stops the store for an error of an engine batch, which only memory holds: it would
// have to be out of bounds.
func (s *Store) note(err error) {
	if err != nil {
		s.fail(fmt.Errorf("engine batch: %w", err))
	}
}

// commit writes w under the next group number and frees it. The engine calls Fatalf for most
// failures and panics for some, on this goroutine: both stop the store.
func (s *Store) commit(w *lsm.Batch, sync bool) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("engine: %v", r)
			s.fail(err)
		}
	}()
	s.group++
	s.set(w, groupKey, s.group)
	if err := s.stopped(); err != nil {
		return err
	}
	how := lsm.NoSync
	if sync {
		how = lsm.Sync
	}
	if err := w.Commit(how); err != nil {
		s.fail(err)
		return err
	}
	if err := s.stopped(); err != nil {
		return err
	}
	if sync {
		if err := s.mark.raise(s.group, s.files.last()); err != nil {
			s.fail(err)
			return err
		}
	}
	return w.Close()
}

// applyBatch adds b's operations to w. top is the highest id so far; the new one is returned.
func (s *Store) applyBatch(w *lsm.Batch, b *store.Batch, top store.ID) store.ID {
	ops := b.Ops()
	for i := range ops {
		o := &ops[i]
		switch o.Kind {
		case store.OpAppend:
			s.putEntry(w, b, o, entryValueSize(o))
			top = o.ID
		case store.OpFanout:
			d := w.SetDeferred(messageKeySize, messageOverhead+o.Head.Len()+o.Body.Len())
			d.Key[0] = messageFamily
			binary.BigEndian.PutUint64(d.Key[1:], uint64(o.ID))
			putMessageValue(d.Value, b, o)
			s.note(d.Finish())
			s.bodies.share(o.ID, int32(o.Count))
			top = o.ID
		case store.OpTarget:
			s.putEntry(w, b, o, sharedOverhead+o.Note.Len())
		case store.OpAck:
			s.ack(w, o)
		case store.OpUpdate:
			s.update(w, o)
		case store.OpTruncate:
			s.truncate(w, laneOf(o.List, o.Prio), min(o.ID, top))
		case store.OpDropList:
			for p := range uint8(store.MaxPrio + 1) {
				s.truncate(w, laneOf(o.List, p), top)
				s.lanes.drop(laneOf(o.List, p))
			}
		case store.OpPutPart:
			d := w.SetDeferred(partKeySize, partOverhead+o.Body.Len())
			d.Key[0] = partFamily
			binary.BigEndian.PutUint64(d.Key[1:], uint64(o.ID))
			binary.BigEndian.PutUint32(d.Key[9:], o.Parts)
			copy(putHeader(d.Value, o.Sum), b.Bytes(o.Body))
			s.note(d.Finish())
			top = max(top, o.ID)
		case store.OpDropParts:
			s.note(w.DeleteRange(partKey(o.ID, 0), partsEnd(o.ID), nil))
		case store.OpPutRecord:
			key := b.Bytes(o.Head)
			d := w.SetDeferred(2+len(key), o.Body.Len())
			d.Key[0], d.Key[1] = recordFamily, byte(o.Bucket)
			copy(d.Key[2:], key)
			copy(d.Value, b.Bytes(o.Body))
			s.note(d.Finish())
		case store.OpDeleteRecord:
			s.note(w.Delete(recordKey(o.Bucket, b.Bytes(o.Head)), nil))
		}
	}
	return top
}

// putEntry adds an entry, its state, and what is counted of it.
func (s *Store) putEntry(w *lsm.Batch, b *store.Batch, o *store.Op, size int) {
	d := w.SetDeferred(entryKeySize, size)
	putEntryKey(d.Key, o.List, o.Prio, o.ID, byte(o.Flag&keyFlags))
	if o.Flag&store.Shared != 0 {
		putSharedValue(d.Value, b, o)
	} else {
		putEntryValue(d.Value, b, o)
	}
	s.note(d.Finish())
	if o.Flag&store.HasState != 0 {
		s.putState(w, o)
	}
	if o.Flag&store.HasParts != 0 {
		s.bodies.name(o.ID, o.PartsID)
	}
	l := s.lanes.get(laneOf(o.List, o.Prio))
	l.add(1, o.Size, o.Flag)
	l.last = o.ID
}

func (s *Store) putState(w *lsm.Batch, o *store.Op) {
	var key [entryKeySize]byte
	var value [32]byte
	putEntryKey(key[:], o.List, o.Prio, o.ID, stateTail)
	s.note(w.Set(key[:], o.State.AppendBinary(value[:0]), nil))
}

func (s *Store) update(w *lsm.Batch, o *store.Op) {
	if s.cuts.cut(laneOf(o.List, o.Prio)) >= o.ID {
		return
	}
	if o.Flag&store.HasState != 0 {
		s.putState(w, o)
		return
	}
	s.deleteState(w, o.List, o.Prio, o.ID)
}

func (s *Store) deleteState(w *lsm.Batch, list store.ListID, prio uint8, id store.ID) {
	d := w.DeleteDeferred(entryKeySize)
	putEntryKey(d.Key, list, prio, id, stateTail)
	s.note(d.Finish())
}

// ack ends one entry, unless a truncation has.
func (s *Store) ack(w *lsm.Batch, o *store.Op) {
	id := laneOf(o.List, o.Prio)
	if s.cuts.cut(id) >= o.ID {
		return
	}
	s.deleteEntry(w, o.List, o.Prio, o.ID, o.Flag)
	l := s.lanes.get(id)
	l.add(-1, o.Size, o.Flag)
	if l.acked++; l.acked >= trimEvery {
		l.acked = 0
		s.later = append(s.later, job{lane: id})
	}
}

// deleteEntry deletes an entry's keys and gives its references back.
func (s *Store) deleteEntry(w *lsm.Batch, list store.ListID, prio uint8, id store.ID, f store.Flag) {
	d := w.SingleDeleteDeferred(entryKeySize)
	putEntryKey(d.Key, list, prio, id, byte(f&keyFlags))
	s.note(d.Finish())
	if f&store.HasState != 0 {
		s.deleteState(w, list, prio, id)
	}
	if f&(store.Shared|store.HasParts) == 0 {
		return
	}
	if !s.scanned && id < s.first {
		s.held = append(s.held, heldID{id, f})
		return
	}
	s.bodies.release(id, f)
}

// dropOrphans deletes shared messages and parts that nothing refers to since this group. It
// looks at the end of it, since a move acknowledges an entry and appends the same parts.
func (s *Store) dropOrphans(w *lsm.Batch) {
	b := &s.bodies
	for _, id := range b.dead {
		d := w.SingleDeleteDeferred(messageKeySize)
		d.Key[0] = messageFamily
		binary.BigEndian.PutUint64(d.Key[1:], uint64(id))
		s.note(d.Finish())
	}
	b.dead = b.dead[:0]
	for _, id := range b.orphans {
		if n, ok := b.named[id]; !ok || n != 0 {
			continue
		}
		delete(b.named, id)
		s.note(w.DeleteRange(partKey(id, 0), partsEnd(id), nil))
	}
	b.orphans = b.orphans[:0]
}
