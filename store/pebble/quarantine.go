package pebble

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	lsm "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
)

// quarantineDir is the directory, below the store's, for what can't be trusted but is kept.
const quarantineDir = "quarantine"

// quarantine keeps damaged data for people to look into. What it holds is never read.
type quarantine struct {
	fs  vfs.FS
	dir string
}

// value keeps the bytes of one key, and its problem beside it.
func (q *quarantine) value(name string, value []byte, p store.Problem) error {
	if err := makeDir(q.fs, q.dir); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	text, err := json.Marshal(p)
	if err == nil {
		err = writeFile(q.fs, q.dir, name+".json", append(text, '\n'))
	}
	if err == nil && value != nil {
		err = writeFile(q.fs, q.dir, name+".value", bytes.Clone(value)) // a file system may change what it writes
	}
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	return nil
}

// file keeps a file as a whole, once.
func (q *quarantine) file(from string) error {
	if err := makeDir(q.fs, q.dir); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	to := q.fs.PathJoin(q.dir, q.fs.PathBase(from))
	if _, err := q.fs.Stat(to); err == nil {
		return nil
	}
	if err := vfs.LinkOrCopy(q.fs, from, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("quarantine: %w", err)
	}
	return nil
}

var _ store.Quarantiner = (*Store)(nil)

// Quarantine implements store.Quarantiner. The bytes go to quarantine/ in the store's directory.
// What can't be read of them, in a damaged block, is not there, and its size stays counted.
func (s *Store) Quarantine(ctx context.Context, r store.Ref) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	at, size, err := s.quarantine(r)
	if err != nil {
		return fmt.Errorf("quarantine message %d of list %d: %w", r.ID, r.List, asCorrupt(err))
	}
	gone := false
	err = s.onCommitter(func(w *lsm.Batch) {
		if gone = s.cuts.cut(at.lane()) >= at.id || !s.exists(entryKey(at.list, at.prio, at.id, at.tail)); gone {
			return
		}
		f := store.Flag(at.tail)
		s.deleteEntry(w, at.list, at.prio, at.id, f|store.HasState)
		s.lanes.get(at.lane()).add(-1, size, f)
	})
	switch {
	case err != nil:
		return err
	case gone:
		return store.ErrNotFound
	}
	s.log.Warn("store: entry put into quarantine", "list", at.list, "message", at.id)
	return s.c.Sync(ctx)
}

// quarantine keeps what can be read of an entry, its state, and the message it shares.
func (s *Store) quarantine(r store.Ref) (at entryAt, size uint32, err error) {
	q := quarantine{s.fs, s.fs.PathJoin(s.o.Path, quarantineDir)}
	prio := min(r.Prio, store.MaxPrio)
	found := false
	keep := func(what string, it *lsm.Iterator) error {
		p := store.Problem{Fatal: true, What: fmt.Sprintf("%s, key %x, priority %d", what, it.Key(), prio), List: r.List, ID: r.ID}
		var v []byte
		err := guard(func() (err error) { v, err = it.ValueAndErr(); return err })
		if err != nil {
			p.What, v = fmt.Sprintf("%s: %v", p.What, err), nil
		}
		return q.value(fmt.Sprintf("list-%d-message-%d-%s", r.List, r.ID, what), v, p)
	}
	err = readRange(s.db, afterID(r.List, prio, r.ID-1), afterID(r.List, prio, r.ID), func(it *lsm.Iterator) error {
		for it.First(); it.Valid(); it.Next() {
			e, ok := parseEntryKey(it.Key())
			what := "entry"
			switch {
			case !ok || e.tail != stateTail && !s.lives(e):
				continue
			case e.tail == stateTail:
				what = "state"
			default:
				at, found = e, true
				size, _, _ = entrySize(it, store.Flag(e.tail)) // as it was counted
			}
			if err := keep(what, it); err != nil {
				return err
			}
		}
		return it.Error()
	})
	if err == nil && !found {
		err = store.ErrNotFound
	}
	if err == nil && store.Flag(at.tail)&store.Shared != 0 {
		k := messageKey(at.id)
		err = readRange(s.db, k, append(k[:len(k):len(k)], 0), func(it *lsm.Iterator) error {
			if it.First() {
				return keep("message", it)
			}
			return nil // its block can't be read: then there is nothing to keep
		})
		if errors.Is(asCorrupt(err), store.ErrCorrupt) {
			err = nil
		}
	}
	return at, size, err
}

// exists reports whether a key is there, without reading its value.
func (s *Store) exists(key []byte) (found bool) {
	err := readRange(s.db, key, append(key[:len(key):len(key)], 0), func(it *lsm.Iterator) error {
		found = it.First()
		return it.Error()
	})
	return found && err == nil
}
