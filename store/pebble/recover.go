package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/manifoldmq/manifold/store"
)

// recover reads what an open needs before the first commit, reserves ids, and returns the
// snapshot that the background scan works on. Its cost doesn't grow with the messages.
func (s *Store) recover() (*lsm.Snapshot, error) {
	group, err := number(s.db, groupKey)
	if err != nil {
		return nil, err
	}
	if group < s.mark.group {
		return nil, fmt.Errorf("%w: the write-ahead log ends with group %d, but group %d was confirmed: %d groups are missing",
			store.ErrCorrupt, group, s.mark.group, s.mark.group-group)
	}
	s.group = group
	reserved, err := number(s.db, reserveKey)
	if err != nil {
		return nil, err
	}
	s.first = store.ID(max(reserved, 1))
	forget, err := s.skipIDs()
	if err != nil {
		return nil, err
	}
	s.applied.Store(uint64(s.first - 1))
	if err := s.loadCuts(); err != nil {
		return nil, err
	}
	if err := s.loadCounters(group == 0); err != nil {
		return nil, err
	}
	snap := s.db.NewSnapshot()
	s.reserved = s.first + idBlock
	w := s.db.NewBatch()
	s.set(w, reserveKey, uint64(s.reserved))
	s.note(w.Delete([]byte(counterKey), nil))
	if err := s.commit(w, s.o.Sync != SyncNever); err != nil {
		return nil, errors.Join(err, snap.Close())
	}
	if err := forget(); err != nil {
		return nil, errors.Join(err, snap.Close())
	}
	return snap, nil
}

// number reads a key that holds a number; a missing one is zero.
func number(r lsm.Reader, key string) (uint64, error) {
	v, closer, err := r.Get([]byte(key))
	if errors.Is(err, lsm.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer closer.Close()
	if len(v) != 8 {
		return 0, fmt.Errorf("%w: key %q", store.ErrCorrupt, key)
	}
	return binary.BigEndian.Uint64(v), nil
}

// loadCuts takes up the truncations that the last run did not finish.
func (s *Store) loadCuts() error {
	it, err := s.db.NewIter(&lsm.IterOptions{LowerBound: []byte{truncateFamily}, UpperBound: []byte{truncateFamily + 1}})
	if err != nil {
		return err
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		k, v := it.Key(), it.Value()
		if len(k) != lanePrefix || len(v) != 8 || k[5] > store.MaxPrio {
			return fmt.Errorf("%w: truncation %x", store.ErrCorrupt, k)
		}
		id := laneOf(store.ListID(binary.BigEndian.Uint32(k[1:])), store.MaxPrio-k[5])
		s.cuts.raise(id, store.ID(binary.BigEndian.Uint64(v)))
		s.walking[id]++
		s.jobs.push(job{lane: id, walk: true})
	}
	return it.Error()
}

// scan is what the background scan of all entries finds.
type scan struct {
	lanes  map[laneID]*lane
	bodies bodies
	dead   []entryAt // volatile entries of earlier runs
	states []entryAt // states without an entry
}

// rebuild counts entries and references, gives them to the committer's goroutine, and deletes
// what nothing refers to.
func (s *Store) rebuild(snap *lsm.Snapshot) error {
	found := scan{lanes: map[laneID]*lane{}, bodies: newBodies()}
	if err := s.scanEntries(snap, &found); err != nil {
		return err
	}
	counted := s.counted.Load()
	err := s.onCommitter(func(*lsm.Batch) {
		if !counted {
			for id, l := range found.lanes {
				to := s.lanes.get(id)
				to.entries += l.entries
				to.bytes += l.bytes
				to.special += l.special
				to.last = max(to.last, l.last)
			}
		}
		s.bodies.merge(&found.bodies)
		s.scanned = true
		for _, h := range s.held {
			s.bodies.release(h.id, h.flag)
		}
		s.held = nil
	})
	if err != nil {
		return err
	}
	s.counted.Store(true)
	for _, stale := range [][]entryAt{found.dead, found.states} {
		if err := s.deleteStale(stale); err != nil {
			return err
		}
	}
	if err := s.deleteMessages(snap, &found.bodies); err != nil {
		return err
	}
	return s.deleteParts(snap, &found.bodies)
}

// scanEntries reads the keys of all entries; of their values only those of entries in parts.
func (s *Store) scanEntries(snap *lsm.Snapshot, found *scan) error {
	it, err := snap.NewIter(&lsm.IterOptions{LowerBound: []byte{entryFamily}, UpperBound: []byte{entryFamily + 1}})
	if err != nil {
		return err
	}
	defer it.Close()
	ls := lanes{all: found.lanes}
	var last entryAt
	n := 0
	for it.First(); it.Valid(); it.Next() {
		if n++; n%4096 == 0 && s.closingDown() {
			return store.ErrClosed
		}
		e, ok := parseEntryKey(it.Key())
		switch {
		case !ok:
			s.corrupt(0, fmt.Errorf("%w: key %x", store.ErrCorrupt, it.Key()))
		case e.tail == stateTail:
			if last.lane() != e.lane() || last.id != e.id {
				found.states = append(found.states, e)
			}
		default:
			last = e
			if err := s.scanEntry(it, e, &ls, found); err != nil {
				return err
			}
		}
	}
	return it.Error()
}

func (s *Store) scanEntry(it *lsm.Iterator, e entryAt, ls *lanes, found *scan) error {
	f := store.Flag(e.tail)
	if f&store.Volatile != 0 {
		found.dead = append(found.dead, e)
		return nil
	}
	size, parts, err := entrySize(it, f)
	if err != nil {
		if !errors.Is(err, store.ErrCorrupt) {
			return err
		}
		s.corrupt(e.list, err) // counted all the same: its page read will say so
	}
	l := ls.get(e.lane())
	l.add(1, size, f)
	l.last = max(l.last, e.id)
	if f&store.Shared != 0 {
		found.bodies.share(e.id, 1)
	}
	if f&store.HasParts != 0 {
		found.bodies.name(e.id, parts)
	}
	return nil
}

// entrySize returns the size of the entry that it stands on, and the parts it names. The
// value of a plain entry is not read.
func entrySize(it *lsm.Iterator, f store.Flag) (size uint32, parts store.ID, err error) {
	if f&(store.Shared|store.HasParts) == 0 {
		lv := it.LazyValue()
		return uint32(max(lv.Len()-entryOverhead, 0)), 0, nil
	}
	var v []byte
	if err := guard(func() (err error) { v, err = it.ValueAndErr(); return err }); err != nil {
		return 0, 0, asCorrupt(err)
	}
	e := store.Entry{Ref: store.Ref{Flag: f}}
	if f&store.Shared != 0 {
		err = getShared(v, &e)
	} else {
		err = getEntry(v, &e)
	}
	return e.Size, e.PartsID, err
}

// merge adds o's references.
func (b *bodies) merge(o *bodies) {
	for at, c := range o.shared {
		for i, n := range c.count {
			if n > 0 {
				b.share(at*chunkSize+store.ID(i), n)
			}
		}
	}
	for id, parts := range o.partsOf {
		b.partsOf[id] = parts
	}
	for parts, n := range o.named {
		b.named[parts] += n
	}
}

// deleteStale deletes keys that mean nothing any more.
func (s *Store) deleteStale(stale []entryAt) error {
	for len(stale) > 0 {
		n := min(len(stale), walkChunk)
		err := s.onCommitter(func(w *lsm.Batch) {
			for _, e := range stale[:n] {
				if e.tail != stateTail {
					d := w.SingleDeleteDeferred(entryKeySize)
					putEntryKey(d.Key, e.list, e.prio, e.id, e.tail)
					s.note(d.Finish())
				}
				s.deleteState(w, e.list, e.prio, e.id)
			}
		})
		if err != nil {
			return err
		}
		stale = stale[n:]
	}
	return nil
}

// deleteMessages deletes shared messages of earlier runs to which no entry refers. What
// lost its last reference in this run is deleted with that.
func (s *Store) deleteMessages(snap *lsm.Snapshot, found *bodies) error {
	it, err := snap.NewIter(&lsm.IterOptions{LowerBound: []byte{messageFamily}, UpperBound: []byte{messageFamily + 1}})
	if err != nil {
		return err
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		if k := it.Key(); len(k) == messageKeySize && !found.refers(store.ID(binary.BigEndian.Uint64(k[1:]))) {
			key := append([]byte(nil), k...)
			if err := s.onCommitter(func(w *lsm.Batch) { s.note(w.SingleDelete(key, nil)) }); err != nil {
				return err
			}
		}
	}
	return it.Error()
}

// deleteParts deletes parts of earlier runs that neither an entry nor a prepared batch names.
func (s *Store) deleteParts(snap *lsm.Snapshot, found *bodies) error {
	prepared, err := preparedParts(snap)
	if err != nil {
		s.log.Warn("store: parts of large bodies are kept, since a prepared branch can't be read", "err", err)
		return nil
	}
	it, err := snap.NewIter(&lsm.IterOptions{LowerBound: []byte{partFamily}, UpperBound: []byte{partFamily + 1}})
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok && len(it.Key()) == partKeySize; {
		id := store.ID(binary.BigEndian.Uint64(it.Key()[1:]))
		if found.named[id] == 0 && !prepared[id] {
			err := s.onCommitter(func(w *lsm.Batch) {
				if s.bodies.named[id] == 0 {
					s.note(w.DeleteRange(partKey(id, 0), partsEnd(id), nil))
				}
			})
			if err != nil {
				return err
			}
		}
		ok = it.SeekGE(partsEnd(id))
	}
	return it.Error()
}

// preparedParts returns the ids of the parts that prepared batches name or hold.
func preparedParts(r lsm.Reader) (map[store.ID]bool, error) {
	it, err := r.NewIter(&lsm.IterOptions{
		LowerBound: recordKey(store.Prepared, nil), UpperBound: recordKey(store.Prepared+1, nil),
	})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	named := map[store.ID]bool{}
	var b store.Batch
	for it.First(); it.Valid(); it.Next() {
		if err := b.Unmarshal(it.Value()); err != nil {
			return nil, err
		}
		for _, o := range b.Ops() {
			named[o.PartsID] = true
		}
	}
	return named, it.Error()
}
