package pebble

import (
	"context"
	"errors"
	"math"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/manifoldmq/manifold/store"
)

// deadSteps is how many dead entries Lists steps over before it takes a lane as it is.
const deadSteps = 4096

// Lists implements store.Store.
func (s *Store) Lists(ctx context.Context, fn func(store.ListInfo) error) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	it, err := s.db.NewIterWithContext(ctx, &lsm.IterOptions{LowerBound: []byte{entryFamily}, UpperBound: []byte{entryFamily + 1}})
	if err != nil {
		return asCorrupt(err)
	}
	defer it.Close()
	var info store.ListInfo
	for ok := it.First(); ok; {
		at, valid := parseEntryKey(it.Key())
		if !valid {
			ok = it.Next()
			continue
		}
		if at.list != info.List && info.Last != 0 {
			if err := fn(info); err != nil {
				return err
			}
			info = store.ListInfo{}
		}
		if first, last := s.span(it, at.lane()); last != 0 {
			if info.First == 0 || first < info.First {
				info.First = first
			}
			info.List, info.Last = at.list, max(info.Last, last)
		}
		if at.list == math.MaxUint32 && at.prio == 0 {
			break
		}
		ok = it.SeekGE(laneEnd(at.list, at.prio))
	}
	if err := it.Error(); err != nil {
		return asCorrupt(err)
	}
	if info.Last != 0 {
		return fn(info)
	}
	return nil
}

// span returns the first and last living entry of a lane, or zeros. Where many dead ones
// stand at an end, one of them may be returned.
func (s *Store) span(it *lsm.Iterator, id laneID) (first, last store.ID) {
	start := afterID(id.list(), id.prio(), s.cuts.cut(id))
	end := laneEnd(id.list(), id.prio())
	first = s.living(it, id, it.SeekGE(start), it.Next)
	if first == 0 {
		return 0, 0
	}
	return first, s.living(it, id, it.SeekLT(end), it.Prev)
}

func (s *Store) living(it *lsm.Iterator, id laneID, ok bool, step func() bool) store.ID {
	for n := 0; ok; ok = step() {
		at, valid := parseEntryKey(it.Key())
		if !valid || at.lane() != id {
			return 0
		}
		if n++; n > deadSteps || at.tail != stateTail && s.lives(at) {
			return at.id
		}
	}
	return 0
}

// entryInfo is an entry as a walk ends it.
type entryInfo struct {
	id   store.ID
	flag store.Flag
	size uint32
}

// entriesBelow returns the first entries of a lane, at most n, up to and including upTo.
func (s *Store) entriesBelow(id laneID, upTo store.ID, n int) (found []entryInfo, err error) {
	it, err := s.db.NewIter(&lsm.IterOptions{
		LowerBound: laneStart(id.list(), id.prio()), UpperBound: afterID(id.list(), id.prio(), upTo),
	})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	for it.First(); it.Valid() && len(found) < n; it.Next() {
		at, ok := parseEntryKey(it.Key())
		switch {
		case !ok:
		case at.tail == stateTail:
			if k := len(found); k > 0 && found[k-1].id == at.id {
				found[k-1].flag |= store.HasState
			}
		case store.Flag(at.tail)&store.Volatile != 0 && at.id < s.first: // nobody counts it
		default:
			size, _, err := entrySize(it, store.Flag(at.tail))
			if err != nil && !errors.Is(err, store.ErrCorrupt) {
				return nil, err
			}
			found = append(found, entryInfo{at.id, store.Flag(at.tail), size})
		}
	}
	return found, it.Error()
}
