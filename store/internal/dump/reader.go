package dump

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/manifoldmq/manifold/store"
)

// Reader reads a dump and verifies all of it: check values, order, counts, and that what entries
// refer to is there. It never allocates what a length merely claims.
type Reader struct {
	Header Header

	r     *bufio.Reader
	sum   uint32
	buf   []byte
	kind  Kind // of the last frame
	count [end]uint64
	item  Item
	last  []byte // of items that ascend: the last one's order

	parts  map[store.ID]uint32 // how many parts of a body there are without a gap
	shared map[store.ID]*sharing
	owed   uint64 // references of messages that no entry has taken up
}

type sharing struct {
	Shared
	refs uint32
}

// NewReader reads the header. It fails with store.ErrCorrupt or store.ErrFormat, or as r does.
func NewReader(r io.Reader) (*Reader, error) {
	d := &Reader{
		r: bufio.NewReaderSize(r, 64<<10), parts: map[store.ID]uint32{}, shared: map[store.ID]*sharing{},
	}
	var begin [len(magic) + 1]byte
	if _, err := io.ReadFull(d.r, begin[:]); err != nil {
		return nil, incomplete(err)
	}
	if string(begin[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: not a dump", store.ErrCorrupt)
	}
	if v := begin[len(magic)]; v != version {
		return nil, fmt.Errorf("%w: dump of version %d, known is %d", store.ErrFormat, v, version)
	}
	p, err := d.frame()
	if err != nil {
		return nil, err
	}
	f := fields{p: p}
	copy(d.Header.Store[:], f.take(len(d.Header.Store)))
	d.Header.Next = store.ID(f.number(uint64(maxNext)))
	d.Header.Backend = string(f.p)
	if f.bad || d.kind != header || d.Header.Next == 0 {
		return nil, malformed("header")
	}
	return d, nil
}

func malformed(what string) error {
	return fmt.Errorf("%w: dump: malformed %s", store.ErrCorrupt, what)
}

// incomplete tells a dump that ends too early from one that can't be read.
func incomplete(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the dump is incomplete", store.ErrCorrupt)
	}
	return err
}

// frame reads a frame and returns its payload, which is valid until the next call.
func (d *Reader) frame() ([]byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(d.r, head[:]); err != nil {
		return nil, incomplete(err)
	}
	n := int(binary.BigEndian.Uint32(head[1:]))
	if n > maxFrame {
		return nil, malformed("length")
	}
	d.buf = d.buf[:0]
	for len(d.buf) < n {
		from := len(d.buf)
		if from == cap(d.buf) {
			grown := make([]byte, from, min(max(2*from, 64<<10), max(n, from+1)))
			copy(grown, d.buf)
			d.buf = grown
		}
		d.buf = d.buf[:min(n, cap(d.buf))]
		if _, err := io.ReadFull(d.r, d.buf[from:]); err != nil {
			return nil, incomplete(err)
		}
	}
	var check [4]byte
	if _, err := io.ReadFull(d.r, check[:]); err != nil {
		return nil, incomplete(err)
	}
	d.sum = store.MsgSum(store.MsgSum(d.sum, head[:]), d.buf)
	if d.sum != binary.BigEndian.Uint32(check[:]) {
		return nil, fmt.Errorf("%w: dump: check value", store.ErrCorrupt)
	}
	k := Kind(head[0])
	if k < d.kind || k < header || k > end {
		return nil, malformed("order of kinds")
	}
	if k != d.kind {
		d.last = d.last[:0]
	}
	d.kind = k
	d.count[k-1]++
	return d.buf, nil
}

// Next returns the next item, which is valid until the call after. At the end of a complete dump
// it returns io.EOF; each other error means that the dump is not to be trusted.
func (d *Reader) Next() (*Item, error) {
	p, err := d.frame()
	if err != nil {
		return nil, err
	}
	f := fields{p: p}
	d.item = Item{Kind: d.kind}
	switch d.kind {
	case Record:
		err = d.record(&f)
	case Part:
		err = d.part(&f)
	case Message:
		err = d.message(&f)
	case Entry:
		err = d.entry(&f)
	case end:
		err = d.end(&f)
	default:
		err = malformed("order of kinds")
	}
	if err != nil {
		return nil, err
	}
	return &d.item, nil
}

// ascends checks that a frame's order, of which key is the encoded form, is above the last's.
func (d *Reader) ascends(key []byte) bool {
	if len(d.last) > 0 && bytes.Compare(key, d.last) <= 0 {
		return false
	}
	d.last = append(d.last[:0], key...)
	return true
}

func (d *Reader) record(f *fields) error {
	i := &d.item
	order := f.p
	i.Bucket = store.Bucket(f.byte())
	i.Key = f.bytes()
	i.Value = f.p
	if f.bad || i.Bucket <= store.Meta || int(i.Bucket) >= store.Buckets {
		return malformed("record")
	}
	if !d.ascends(append(append(make([]byte, 0, 64), order[0]), i.Key...)) {
		return malformed("order of records")
	}
	return nil
}

func (d *Reader) part(f *fields) error {
	i := &d.item
	i.ID, i.Part = d.id(f), uint32(f.number(math.MaxUint32))
	i.Value = f.p
	var order [12]byte
	binary.BigEndian.PutUint64(order[:], uint64(i.ID))
	binary.BigEndian.PutUint32(order[8:], i.Part)
	if f.bad || !d.ascends(order[:]) {
		return malformed("part")
	}
	if d.parts[i.ID] == i.Part {
		d.parts[i.ID]++
	}
	return nil
}

func (d *Reader) message(f *fields) error {
	i := &d.item
	i.ID, i.Refs = d.id(f), uint32(f.number(math.MaxInt32))
	m := &i.Entry.Msg
	d.msg(f, m)
	var order [8]byte
	binary.BigEndian.PutUint64(order[:], uint64(i.ID))
	if f.bad || i.Refs == 0 || !d.ascends(order[:]) {
		return malformed("message")
	}
	d.shared[i.ID] = &sharing{Shared: SharedBy(m), refs: i.Refs}
	d.owed += uint64(i.Refs)
	return d.complete(m)
}

func (d *Reader) entry(f *fields) error {
	e := &d.item.Entry
	e.List = store.ListID(f.number(math.MaxUint32))
	falling := f.byte()
	e.ID = d.id(f)
	e.Flag = store.Flag(f.byte())
	if f.bad || falling > store.MaxPrio || e.Flag&^known != 0 {
		return malformed("entry")
	}
	e.Prio = store.MaxPrio - falling
	if e.Flag&store.HasState != 0 {
		if err := e.State.Decode(f.take(stateSize)); err != nil {
			return err
		}
	}
	var order [13]byte
	binary.BigEndian.PutUint32(order[:], uint32(e.List))
	order[4] = falling
	binary.BigEndian.PutUint64(order[5:], uint64(e.ID))
	if !d.ascends(order[:]) {
		return malformed("order of entries")
	}
	if e.Flag&store.Shared != 0 {
		return d.reference(f, e)
	}
	e.Note = f.bytes()
	d.msg(f, &e.Msg)
	if f.bad || (e.Parts > 0) != (e.Flag&store.HasParts != 0) {
		return malformed("entry")
	}
	e.Size = EntrySize(len(e.Note)+len(e.Head)+len(e.Body), &e.Msg)
	return d.complete(&e.Msg)
}

// stateSize is the length of a state's stored form.
var stateSize = len(store.State{}.AppendBinary(nil))

// reference reads the rest of an entry that shares its message.
func (d *Reader) reference(f *fields, e *store.Entry) error {
	s := d.shared[e.ID]
	if f.bad || s == nil || s.refs == 0 || (s.Parts > 0) != (e.Flag&store.HasParts != 0) {
		return malformed("reference to a message")
	}
	s.refs--
	d.owed--
	e.Note = f.p
	s.Complete(e)
	return nil
}

// msg reads head and body, and what is in parts.
func (d *Reader) msg(f *fields, m *store.Msg) {
	if m.Parts = uint32(f.number(math.MaxUint32)); m.Parts > 0 {
		m.PartsID = d.id(f)
		m.PartsSize = f.number(math.MaxUint64)
	}
	m.Head = f.bytes()
	m.Body = f.p
}

// complete checks that all parts of a message are there.
func (d *Reader) complete(m *store.Msg) error {
	if d.parts[m.PartsID] < m.Parts {
		return malformed("message: parts are missing")
	}
	return nil
}

func (d *Reader) id(f *fields) store.ID {
	id := store.ID(f.number(math.MaxUint64))
	if id == 0 || id >= d.Header.Next {
		f.bad = true
	}
	return id
}

// end verifies the counts, and that nothing follows.
func (d *Reader) end(f *fields) error {
	for k := Record; k < end; k++ {
		if f.number(math.MaxUint64) != d.count[k-1] {
			return malformed("end: counts differ")
		}
	}
	if f.bad || len(f.p) > 0 || d.owed > 0 {
		return malformed("end")
	}
	switch _, err := d.r.ReadByte(); {
	case err == nil:
		return malformed("end: data follows")
	case errors.Is(err, io.EOF):
		return io.EOF
	default:
		return err
	}
}

// fields takes a payload apart. After the first fault bad is set and all else is zero.
type fields struct {
	p   []byte
	bad bool
}

func (f *fields) take(n int) []byte {
	if f.bad || n > len(f.p) {
		f.bad, f.p = true, nil
		return nil
	}
	p := f.p[:n:n]
	f.p = f.p[n:]
	return p
}

func (f *fields) byte() byte {
	if p := f.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (f *fields) number(limit uint64) uint64 {
	v, n := binary.Uvarint(f.p)
	if f.bad || n <= 0 || v > limit {
		f.bad, f.p = true, nil
		return 0
	}
	f.p = f.p[n:]
	return v
}

func (f *fields) bytes() []byte { return f.take(int(f.number(maxFrame))) }

// Copy gives all that is left in d to s.
func Copy(s Sink, d *Reader) error {
	for {
		i, err := d.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		switch i.Kind {
		case Record:
			err = s.Record(i.Bucket, i.Key, i.Value)
		case Part:
			err = s.Part(i.ID, i.Part, i.Value)
		case Message:
			err = s.Message(i.ID, i.Refs, &i.Entry.Msg)
		case Entry:
			err = s.Entry(&i.Entry)
		}
		if err != nil {
			return err
		}
	}
}
