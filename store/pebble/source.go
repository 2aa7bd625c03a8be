package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/internal/dump"
)

// source gives all that an engine holds to a sink, as a dump has it.
type source struct {
	ctx  context.Context
	r    lsm.Reader
	cuts map[laneID]store.ID // truncations
	out  dump.Sink

	// lost is told what can't be read or trusted and is left out. Without it the first such
	// thing ends the walk.
	lost func(damage)

	refs   bodies                   // how many entries share a message
	shared map[store.ID]dump.Shared // messages that were given out
	parts  map[store.ID]uint32      // parts of a body without a gap
	next   store.ID                 // above all ids

	entry   store.Entry // waits for its state
	value   []byte      // of entry
	waiting bool
}

// damage is what a walk met: one key, or with end all keys from key up to, not including, end.
type damage struct {
	key, end []byte
	value    []byte // when it could be read
	err      error
}

// failure is an error of a sink or of the context, which ends a walk at once.
type failure struct{ err error }

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

// run gives everything to out.
func (x *source) run() error {
	x.refs, x.shared, x.parts = newBodies(), map[store.ID]dump.Shared{}, map[store.ID]uint32{}
	report := x.lost
	if report != nil {
		x.lost = func(damage) {} // what can't be read is met again
	}
	err := x.walk(entryFamily, x.count)
	x.lost = report
	for _, f := range []struct {
		first byte
		visit visitor
	}{
		{recordFamily, x.visitRecord}, {partFamily, x.visitPart}, {messageFamily, x.visitMessage}, {entryFamily, x.visitEntry},
	} {
		if err == nil {
			err = x.walk(f.first, f.visit)
		}
	}
	if err == nil {
		err = x.flush()
	}
	var f failure
	if errors.As(err, &f) {
		return f.err
	}
	return err
}

// visitor takes a key and reads its value when it needs it, which may fail. Its error is of the
// kind failure, or says that the key is damaged. The value is valid until the next key.
type visitor func(k []byte, value func() ([]byte, error)) error

// walk visits all keys of a family.
func (x *source) walk(first byte, visit visitor) error {
	from, end := []byte{first}, []byte{first + 1}
	for {
		at, err := x.walkFrom(from, end, visit)
		var f failure
		if err == nil || errors.As(err, &f) {
			return err
		}
		if x.lost == nil {
			return fmt.Errorf("read from key %x on: %w", at, asCorrupt(err))
		}
		if from = resume(x.r, at, end); from == nil {
			x.lost(damage{key: at, end: end, err: err})
			return nil
		}
		x.lost(damage{key: at, end: from, err: err})
	}
}

// walkFrom visits keys until one can't be read; at is then where the unknown begins.
func (x *source) walkFrom(from, end []byte, visit visitor) (at []byte, err error) {
	at = append(at, from...)
	for again := true; again; {
		again = false
		err = readRange(x.r, at, end, func(it *lsm.Iterator) error {
			for it.First(); it.Valid(); it.Next() {
				if err := x.ctx.Err(); err != nil {
					return failure{err}
				}
				var v []byte
				var unread error
				err := visit(it.Key(), func() ([]byte, error) {
					unread = guard(func() (err error) { v, err = it.ValueAndErr(); return err })
					return v, unread
				})
				at = append(append(at[:0], it.Key()...), 0)
				if err = x.damaged(it.Key(), v, err); err != nil {
					return err
				}
				if unread != nil { // an iterator that has failed is not used any further
					again = true
					return nil
				}
			}
			return it.Error()
		})
	}
	return at, err
}

// damaged reports what a visitor said of a key. What it returns ends the walk.
func (x *source) damaged(key, value []byte, err error) error {
	var f failure
	switch {
	case err == nil || errors.As(err, &f):
		return err
	case x.lost == nil:
		return failure{fmt.Errorf("%s: %w", describeKey(key), asCorrupt(err))}
	}
	x.lost(damage{key: key, value: value, err: err})
	return nil
}

// readRange runs read with an iterator over keys, also one that panics.
func readRange(r lsm.Reader, from, end []byte, read func(*lsm.Iterator) error) error {
	var it *lsm.Iterator
	err := guard(func() (err error) {
		if it, err = r.NewIter(&lsm.IterOptions{LowerBound: from, UpperBound: end}); err != nil {
			return err
		}
		return read(it)
	})
	if it != nil {
		// Close repeats the error of the read.
		if e := guard(it.Close); err == nil {
			err = e
		}
	}
	return err
}

// describeKey names a key for people.
func describeKey(k []byte) string {
	if at, ok := parseEntryKey(k); ok && k[0] == entryFamily {
		what := "message"
		if at.tail == stateTail {
			what = "state of message"
		}
		return fmt.Sprintf("list %d, %s %d", at.list, what, at.id)
	}
	switch {
	case len(k) == messageKeySize && k[0] == messageFamily:
		return fmt.Sprintf("shared message %d", binary.BigEndian.Uint64(k[1:]))
	case len(k) == partKeySize && k[0] == partFamily:
		return fmt.Sprintf("part %d of body %d", binary.BigEndian.Uint32(k[9:]), binary.BigEndian.Uint64(k[1:]))
	case len(k) >= 2 && k[0] == recordFamily:
		return fmt.Sprintf("record %q of bucket %d", k[2:], k[1])
	}
	return fmt.Sprintf("key %x", k)
}

func malformed(k []byte) error { return fmt.Errorf("%w: malformed key %x", store.ErrCorrupt, k) }

// lives returns the entry of a key, if the dump is to have it.
func (x *source) lives(at entryAt) bool {
	return store.Flag(at.tail)&store.Volatile == 0 && x.cuts[at.lane()] < at.id
}

// count counts the references of messages.
func (x *source) count(k []byte, _ func() ([]byte, error)) error {
	if at, ok := parseEntryKey(k); ok && at.tail != stateTail && store.Flag(at.tail)&store.Shared != 0 && x.lives(at) {
		x.refs.share(at.id, 1)
	}
	return nil
}

// give marks an error of the sink.
func give(err error) error {
	if err != nil {
		return failure{err}
	}
	return nil
}

func (x *source) visitRecord(k []byte, value func() ([]byte, error)) error {
	if len(k) < 2 || store.Bucket(k[1]) <= store.Meta || int(k[1]) >= store.Buckets {
		return malformed(k)
	}
	v, err := value()
	if err != nil {
		return err
	}
	return give(x.out.Record(store.Bucket(k[1]), k[2:], v))
}

func (x *source) visitPart(k []byte, value func() ([]byte, error)) error {
	if len(k) != partKeySize {
		return malformed(k)
	}
	v, err := value()
	if err == nil {
		v, err = getPart(v)
	}
	if err != nil {
		return err
	}
	id, part := store.ID(binary.BigEndian.Uint64(k[1:])), binary.BigEndian.Uint32(k[9:])
	if x.parts[id] == part {
		x.parts[id]++
	}
	x.next = max(x.next, id+1)
	return give(x.out.Part(id, part, v))
}

func (x *source) visitMessage(k []byte, value func() ([]byte, error)) error {
	if len(k) != messageKeySize {
		return malformed(k)
	}
	id := store.ID(binary.BigEndian.Uint64(k[1:]))
	refs := x.refs.references(id)
	if refs == 0 {
		return nil
	}
	v, err := value()
	if err != nil {
		return err
	}
	var m store.Msg
	if err := getMessage(v, &m); err != nil {
		return err
	}
	if err := x.complete(&m); err != nil {
		return err
	}
	x.shared[id] = dump.SharedBy(&m)
	return give(x.out.Message(id, uint32(refs), &m))
}

// complete checks that the parts of a message are there.
func (x *source) complete(m *store.Msg) error {
	if n := x.parts[m.PartsID]; n < m.Parts {
		return fmt.Errorf("%w: of %d parts %d are there", store.ErrCorrupt, m.Parts, n)
	}
	return nil
}

func (x *source) visitEntry(k []byte, value func() ([]byte, error)) error {
	at, ok := parseEntryKey(k)
	if !ok {
		return malformed(k)
	}
	if at.tail == stateTail {
		if !x.waiting || x.entry.List != at.list || x.entry.Prio != at.prio || x.entry.ID != at.id {
			return nil
		}
		v, err := value()
		if err == nil {
			err = x.entry.State.Decode(v)
		}
		if err == nil {
			x.entry.Flag |= store.HasState
		}
		return err
	}
	if err := x.flush(); err != nil || !x.lives(at) {
		return err
	}
	if store.Flag(at.tail)&^keyFlags != 0 || at.id == 0 {
		return malformed(k)
	}
	v, err := value()
	if err != nil {
		return err
	}
	x.value = append(x.value[:0], v...)
	x.entry = at.entry()
	if e := &x.entry; e.Flag&store.Shared == 0 {
		if err = getEntry(x.value, e); err == nil {
			err = x.complete(&e.Msg)
		}
	} else if err = getShared(x.value, e); err == nil {
		m, ok := x.shared[at.id]
		if !ok {
			return fmt.Errorf("%w: its message is missing", store.ErrCorrupt)
		}
		m.Complete(e)
	}
	x.waiting = err == nil
	x.next = max(x.next, at.id+1)
	return err
}

// flush gives out the entry that waited for its state.
func (x *source) flush() error {
	if !x.waiting {
		return nil
	}
	x.waiting = false
	return give(x.out.Entry(&x.entry))
}

// references returns how many entries refer to a shared message.
func (b *bodies) references(id store.ID) int32 {
	if c := b.shared[id/chunkSize]; c != nil {
		return max(c.count[id%chunkSize], 0)
	}
	return 0
}
