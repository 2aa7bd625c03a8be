package pebble

import (
	"sync"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/manifoldmq/manifold/store"
)

// cuts remembers up to where lanes were truncated. Entries at or below are gone for readers
// and for late acknowledgments, even while their keys wait to be deleted.
type cuts struct {
	mu   sync.RWMutex
	upTo map[laneID]store.ID
}

func (c *cuts) cut(l laneID) store.ID {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.upTo[l]
}

func (c *cuts) raise(l laneID, upTo store.ID) {
	c.mu.Lock()
	c.upTo[l] = max(c.upTo[l], upTo)
	c.mu.Unlock()
}

// truncate ends all entries of a lane up to upTo. It takes effect at once, and as one range
// where nothing else follows from the entries' end. Where it does (a shared message is to be
// released, an entry to be counted) a record is written, and a walk over the entries follows
// in the background.
func (s *Store) truncate(w *lsm.Batch, id laneID, upTo store.ID) {
	l := s.lanes.all[id]
	if s.scanned && l == nil || s.cuts.cut(id) >= upTo {
		return
	}
	s.cuts.raise(id, upTo)
	if s.scanned && l.special == 0 && l.last <= upTo && s.walking[id] == 0 {
		s.note(w.DeleteRange(laneStart(id.list(), id.prio()), afterID(id.list(), id.prio(), upTo), nil))
		*l = lane{id: id, last: l.last}
		return
	}
	s.note(w.Set(truncateKey(id), be64(uint64(upTo)), nil))
	s.walking[id]++
	s.later = append(s.later, job{lane: id, walk: true})
}

// walk carries a truncation out: it ends the entries below the cut one by one, in chunks that
// don't hold up commits, and then deletes the range.
func (s *Store) walk(id laneID) error {
	for {
		upTo := s.cuts.cut(id)
		found, err := s.entriesBelow(id, upTo, walkChunk)
		if err != nil {
			return err
		}
		done := len(found) < walkChunk
		err = s.onCommitter(func(w *lsm.Batch) {
			for _, e := range found {
				s.deleteEntry(w, id.list(), id.prio(), e.id, e.flag)
				if l := s.lanes.all[id]; l != nil {
					l.add(-1, e.size, e.flag)
				}
			}
			if done {
				s.note(w.DeleteRange(laneStart(id.list(), id.prio()), afterID(id.list(), id.prio(), upTo), nil))
				if s.walking[id]--; s.walking[id] == 0 {
					delete(s.walking, id)
				}
				if upTo == s.cuts.cut(id) {
					s.note(w.Delete(truncateKey(id), nil))
				}
			}
		})
		if err != nil || done {
			return err
		}
	}
}

// walkChunk is how many entries a walk ends at once.
const walkChunk = 1024

// onCommitter runs fn on the committer's goroutine and commits what it adds to w, unsynced.
func (s *Store) onCommitter(fn func(w *lsm.Batch)) error {
	done := make(chan error, 1)
	s.c.Call(func() bool {
		if err := s.c.Err(); err != nil {
			done <- err
			return false
		}
		w := s.newWrite(0)
		fn(w)
		s.dropOrphans(w)
		done <- s.commit(w, false)
		return true
	})
	return <-done
}
