package pebble

import (
	"context"
	"errors"
	"fmt"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/manifoldmq/manifold/store"
)

// ReadPage implements store.Store.
func (s *Store) ReadPage(ctx context.Context, list store.ListID, prio uint8, after, upTo store.ID, lim store.Limit, p *store.Page) error {
	p.Reset()
	prio = min(prio, store.MaxPrio)
	after = max(after, s.cuts.cut(laneOf(list, prio)))
	if err := s.begin(ctx); err != nil || after >= upTo {
		if err == nil {
			s.end()
		}
		return err
	}
	defer s.end()
	it, err := s.db.NewIterWithContext(ctx, &lsm.IterOptions{
		LowerBound: afterID(list, prio, after), UpperBound: afterID(list, prio, upTo),
	})
	if err != nil {
		return asCorrupt(err)
	}
	r := pageReader{s: s, it: it, lim: lim, p: p}
	err = guard(r.read)
	return s.readError(entryAt{list: list, prio: prio, id: r.at}, errors.Join(err, r.close()))
}

// readError makes an error of reading an entry what it is for the core, and reports corruption.
func (s *Store) readError(at entryAt, err error) error {
	if err = asCorrupt(err); err == nil {
		return nil
	}
	if errors.Is(err, store.ErrCorrupt) {
		err = &store.CorruptError{List: at.list, Prio: at.prio, ID: at.id, Err: err}
		s.corrupt(at.list, err)
	}
	return fmt.Errorf("read: %w", err)
}

// pageReader fills one page from one lane.
type pageReader struct {
	s        *Store
	it       *lsm.Iterator
	messages *lsm.Iterator // of shared messages, at the same moment as it; made when needed
	lim      store.Limit
	p        *store.Page
	size     int
	at       store.ID // entry under way, or 0
}

func (r *pageReader) read() error {
	for r.it.First(); r.it.Valid(); r.it.Next() {
		at, ok := parseEntryKey(r.it.Key())
		if !ok {
			return fmt.Errorf("%w: key %x", store.ErrCorrupt, r.it.Key())
		}
		if r.at = at.id; at.tail == stateTail {
			if err := r.state(at); err != nil {
				return err
			}
			r.at = 0
			continue
		}
		if !r.s.lives(at) {
			r.at = 0
			continue
		}
		if r.lim.Reached(len(r.p.Entries), r.size) {
			r.p.More = true
			return nil
		}
		if err := r.entry(at); err != nil {
			return err
		}
		r.at = 0
	}
	return r.it.Error()
}

// state goes with the entry just read, or with one that is gone.
func (r *pageReader) state(at entryAt) error {
	n := len(r.p.Entries)
	if n == 0 || r.p.Entries[n-1].ID != at.id {
		return nil
	}
	e := &r.p.Entries[n-1]
	v, err := r.it.ValueAndErr()
	if err == nil {
		e.Flag |= store.HasState
		err = e.State.Decode(v)
	}
	if err != nil {
		r.p.Entries = r.p.Entries[:n-1]
	}
	return err
}

func (r *pageReader) entry(at entryAt) error {
	v, err := r.it.ValueAndErr()
	if err != nil {
		return err
	}
	e := at.entry()
	if e.Flag&store.Shared == 0 {
		err = getEntry(v, &e)
	} else if err = getShared(v, &e); err == nil {
		var m []byte
		if m, err = r.message(at.id); err == nil {
			err = getMessage(m, &e.Msg)
		}
	}
	if err == nil {
		r.size += addEntry(r.p, &e, r.lim.HeadsOnly)
	}
	return err
}

// message returns the value of a shared message, valid until the next call.
func (r *pageReader) message(id store.ID) ([]byte, error) {
	if r.messages == nil {
		var err error
		r.messages, err = r.it.Clone(lsm.CloneOptions{IterOptions: &lsm.IterOptions{
			LowerBound: []byte{messageFamily}, UpperBound: []byte{messageFamily + 1},
		}})
		if err != nil {
			return nil, err
		}
	}
	key := messageKey(id)
	if !r.messages.SeekGE(key) || string(r.messages.Key()) != string(key) {
		if err := r.messages.Error(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: the message of an entry is missing", store.ErrCorrupt)
	}
	return r.messages.ValueAndErr()
}

func (r *pageReader) close() error {
	err := r.it.Close()
	if r.messages != nil {
		err = errors.Join(err, r.messages.Close())
	}
	return err
}

// entry is what an entry's key says of it.
func (at entryAt) entry() store.Entry {
	return store.Entry{Ref: store.Ref{ID: at.id, List: at.list, Prio: at.prio, Flag: store.Flag(at.tail)}}
}

// addEntry copies an entry to the page and returns the bytes it took.
func addEntry(p *store.Page, e *store.Entry, headsOnly bool) int {
	if headsOnly {
		e.Body = nil
	}
	n := len(e.Note) + len(e.Head) + len(e.Body)
	buf := p.Grab(n)
	for _, b := range []*[]byte{&e.Note, &e.Head, &e.Body} {
		k := copy(buf, *b)
		*b, buf = buf[:k:k], buf[k:]
	}
	p.Entries = append(p.Entries, *e)
	return n
}

// ReadMessages implements store.Store.
func (s *Store) ReadMessages(ctx context.Context, refs []store.Ref, lim store.Limit, p *store.Page) error {
	p.Reset()
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	size := 0
	for _, ref := range refs {
		if lim.Reached(len(p.Entries), size) {
			p.More = true
			return nil
		}
		at := entryAt{ref.List, min(ref.Prio, store.MaxPrio), ref.ID, byte(ref.Flag & keyFlags)}
		if !s.lives(at) {
			continue
		}
		n := 0
		err := guard(func() (err error) {
			n, err = s.readMessage(at, ref.Flag&store.HasState != 0, lim.HeadsOnly, p)
			return err
		})
		if err != nil {
			return s.readError(at, err)
		}
		size += n
	}
	return nil
}

// readMessage adds one entry to the page, if it is there.
func (s *Store) readMessage(at entryAt, state, headsOnly bool, p *store.Page) (size int, err error) {
	key := entryKey(at.list, at.prio, at.id, at.tail)
	v, closer, err := s.db.Get(key)
	if errors.Is(err, lsm.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer closer.Close()
	e := at.entry()
	if e.Flag&store.Shared == 0 {
		err = getEntry(v, &e)
	} else if err = getShared(v, &e); err == nil {
		m, closeMessage, err := s.db.Get(messageKey(at.id))
		if errors.Is(err, lsm.ErrNotFound) && !s.has(key) {
			return 0, nil // acknowledged since
		}
		if err != nil {
			return 0, err
		}
		defer closeMessage.Close()
		if err := getMessage(m, &e.Msg); err != nil {
			return 0, err
		}
	}
	if err != nil {
		return 0, err
	}
	if state {
		if err := s.readState(at, &e); err != nil {
			return 0, err
		}
	}
	return addEntry(p, &e, headsOnly), nil
}

func (s *Store) has(key []byte) bool {
	_, closer, err := s.db.Get(key)
	return err == nil && closer.Close() == nil
}

func (s *Store) readState(at entryAt, e *store.Entry) error {
	v, closer, err := s.db.Get(entryKey(at.list, at.prio, at.id, stateTail))
	if errors.Is(err, lsm.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer closer.Close()
	e.Flag |= store.HasState
	return e.State.Decode(v)
}

// ReadPart implements store.Store.
func (s *Store) ReadPart(ctx context.Context, id store.ID, part uint32, dst []byte) ([]byte, error) {
	if err := s.begin(ctx); err != nil {
		return dst, err
	}
	defer s.end()
	err := guard(func() error {
		v, closer, err := s.db.Get(partKey(id, part))
		if err != nil {
			return asCorrupt(err)
		}
		defer closer.Close()
		data, err := getPart(v)
		if err == nil {
			dst = append(dst, data...)
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("part %d of %d: %w", part, id, err)
		if errors.Is(err, store.ErrCorrupt) {
			s.corrupt(0, err)
		}
	}
	return dst, err
}

// guard runs a read. The engine panics for some damaged files instead of returning an error.
func guard(read func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: engine: %v", store.ErrCorrupt, r)
		}
	}()
	return read()
}
