package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/manifoldmq/manifold/store"
)

var _ store.Checker = (*Store)(nil)

// Check implements store.Checker. It may run beside commits; it reads all there is. Findings
// that are not fatal are space that nothing refers to.
func (s *Store) Check(ctx context.Context, report func(store.Problem)) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if err := s.settle(ctx); err != nil && !errors.Is(err, store.ErrClosed) {
		return err // a background that gave up leaves findings, and is no reason not to look
	}
	if err := guard(func() error { return s.db.CheckLevels(nil) }); err != nil {
		report(store.Problem{Fatal: true, What: fmt.Sprintf("engine: %v", err)})
	}
	snap := s.db.NewSnapshot()
	c := checker{s: s, ctx: ctx, r: snap, report: report, refs: newBodies(), parts: map[store.ID]uint32{}}
	reserved, err := number(snap, reserveKey)
	if c.reserved = store.ID(reserved); err == nil {
		err = c.all()
	}
	return errors.Join(err, snap.Close())
}

// checker reads one family of keys after the other.
type checker struct {
	s        *Store
	ctx      context.Context
	r        lsm.Reader
	report   func(store.Problem)
	refs     bodies              // what entries refer to
	parts    map[store.ID]uint32 // how many parts entries expect
	reserved store.ID
	last     entryAt             // entry before a state
	found    map[store.ID]uint32 // parts there are
	used     map[store.ID]bool   // parts of prepared batches
}

func (c *checker) all() error {
	for _, family := range []struct {
		first byte
		check func(k []byte, value func() ([]byte, error)) error
	}{
		{entryFamily, c.entry}, {messageFamily, c.message}, {partFamily, c.part},
		{recordFamily, c.record}, {truncateFamily, c.truncation},
	} {
		if err := c.family(family.first, family.check); err != nil {
			return err
		}
	}
	return c.missing()
}

// family calls check for each key of a family. An error of check is a fatal finding.
func (c *checker) family(first byte, check func(k []byte, value func() ([]byte, error)) error) error {
	it, err := c.r.NewIter(&lsm.IterOptions{LowerBound: []byte{first}, UpperBound: []byte{first + 1}})
	if err != nil {
		return err
	}
	defer it.Close()
	n := 0
	for it.First(); it.Valid(); it.Next() {
		if n++; n%1024 == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		if err := guard(func() error { return check(it.Key(), it.ValueAndErr) }); err != nil {
			p := store.Problem{Fatal: true, What: fmt.Sprintf("key %x: %v", it.Key(), err)}
			if at, ok := parseEntryKey(it.Key()); ok && first == entryFamily {
				p.List, p.ID = at.list, at.id
			}
			c.report(p)
		}
	}
	if err := it.Error(); err != nil {
		c.report(store.Problem{Fatal: true, What: fmt.Sprintf("keys from %x on can't be read: %v", it.Key(), err)})
	}
	return nil
}

func (c *checker) entry(k []byte, value func() ([]byte, error)) error {
	at, ok := parseEntryKey(k)
	if !ok {
		return fmt.Errorf("malformed key of an entry")
	}
	v, err := value()
	if err != nil {
		return err
	}
	if at.tail == stateTail {
		var s store.State
		if c.last.lane() != at.lane() || c.last.id != at.id {
			c.report(store.Problem{What: "a state without its entry", List: at.list, ID: at.id})
		}
		return s.Decode(v)
	}
	c.last = at
	e := at.entry()
	if e.Flag&store.Shared != 0 {
		err = getShared(v, &e)
		c.refs.share(at.id, 1)
	} else {
		err = getEntry(v, &e)
	}
	if err == nil && e.Flag&store.HasParts != 0 {
		c.parts[e.PartsID] = e.Parts
	}
	if err == nil && at.id >= c.reserved {
		err = fmt.Errorf("its id is not below %d, up to which ids are reserved", c.reserved)
	}
	return err
}

func (c *checker) message(k []byte, value func() ([]byte, error)) error {
	if len(k) != messageKeySize {
		return fmt.Errorf("malformed key of a message")
	}
	v, err := value()
	if err != nil {
		return err
	}
	id := store.ID(binary.BigEndian.Uint64(k[1:]))
	if !c.refs.refers(id) {
		c.report(store.Problem{What: "a message without an entry", ID: id})
	}
	c.refs.forget(id)
	var m store.Msg
	return getMessage(v, &m)
}

func (c *checker) part(k []byte, value func() ([]byte, error)) error {
	if len(k) != partKeySize {
		return fmt.Errorf("malformed key of a part")
	}
	v, err := value()
	if err != nil {
		return err
	}
	if c.found == nil {
		c.found = map[store.ID]uint32{}
		if c.used, err = preparedParts(c.r); err != nil {
			return fmt.Errorf("prepared branches: %w", err)
		}
	}
	id := store.ID(binary.BigEndian.Uint64(k[1:]))
	if n := binary.BigEndian.Uint32(k[9:]); n == c.found[id] {
		c.found[id] = n + 1
	}
	if _, named := c.parts[id]; !named && !c.used[id] && id < c.s.first {
		c.report(store.Problem{What: "parts that no entry names", ID: id})
	}
	_, err = getPart(v)
	return err
}

func (c *checker) record(k []byte, value func() ([]byte, error)) error {
	if len(k) < 2 || k[1] == 0 || int(k[1]) >= store.Buckets {
		return fmt.Errorf("malformed key of a record")
	}
	_, err := value()
	return err
}

func (c *checker) truncation(k []byte, value func() ([]byte, error)) error {
	v, err := value()
	if err == nil && (len(k) != lanePrefix || len(v) != 8) {
		err = fmt.Errorf("malformed truncation")
	}
	return err
}

// missing reports what entries refer to and is not there.
func (c *checker) missing() error {
	for at, chunk := range c.refs.shared {
		for i, n := range chunk.count {
			if n > 0 {
				c.report(store.Problem{Fatal: true, What: "entries without their message", ID: at*chunkSize + store.ID(i)})
			}
		}
	}
	for id, n := range c.parts {
		if c.found[id] < n {
			c.report(store.Problem{Fatal: true, What: fmt.Sprintf("%d of %d parts", c.found[id], n), ID: id})
		}
	}
	return nil
}

// forget drops the count of a message.
func (b *bodies) forget(id store.ID) {
	if c := b.shared[id/chunkSize]; c != nil && c.count[id%chunkSize] != 0 {
		c.count[id%chunkSize] = 0
		if c.used--; c.used == 0 {
			delete(b.shared, id/chunkSize)
		}
	}
}
