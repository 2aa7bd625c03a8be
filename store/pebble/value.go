package pebble

import (
	"encoding/binary"
	"fmt"

	"github.com/manifoldmq/manifold/store"
)

// Values begin with a version and the CRC-32C that was computed when the batch was made:
//
//	entry            version(1) sum(4) noteLen(4) headLen(4) note head body
//	entry in parts   version(1) sum(4) noteLen(4) headLen(4) parts(4) partsID(8) partsSize(8) note head body
//	shared entry     version(1) sum(4) size(4) parts(4) partsID(8) note
//	message          version(1) sum(4) headLen(4) parts(4) partsID(8) partsSize(8) head body
//	part             version(1) sum(4) data
//
// The first has a fixed overhead, so its entry's size follows from its length alone.
const (
	valueVersion = 1

	entryOverhead   = 1 + 4 + 4 + 4
	partsOverhead   = 4 + 8 + 8
	sharedOverhead  = 1 + 4 + 4 + 4 + 8
	messageOverhead = 1 + 4 + 4 + partsOverhead
	partOverhead    = 1 + 4
)

func putHeader(dst []byte, sum uint32) []byte {
	dst[0] = valueVersion
	binary.BigEndian.PutUint32(dst[1:], sum)
	return dst[5:]
}

func putParts(dst []byte, parts uint32, id store.ID, size uint64) []byte {
	binary.BigEndian.PutUint32(dst, parts)
	binary.BigEndian.PutUint64(dst[4:], uint64(id))
	binary.BigEndian.PutUint64(dst[12:], size)
	return dst[partsOverhead:]
}

func entryValueSize(o *store.Op) int {
	n := entryOverhead + o.Note.Len() + o.Head.Len() + o.Body.Len()
	if o.Flag&store.HasParts != 0 {
		n += partsOverhead
	}
	return n
}

func putEntryValue(dst []byte, b *store.Batch, o *store.Op) {
	dst = putHeader(dst, o.Sum)
	binary.BigEndian.PutUint32(dst, uint32(o.Note.Len()))
	binary.BigEndian.PutUint32(dst[4:], uint32(o.Head.Len()))
	dst = dst[8:]
	if o.Flag&store.HasParts != 0 {
		dst = putParts(dst, o.Parts, o.PartsID, o.PartsSize)
	}
	copy(dst, b.Message(o))
}

func putSharedValue(dst []byte, b *store.Batch, o *store.Op) {
	dst = putHeader(dst, o.Sum)
	binary.BigEndian.PutUint32(dst, o.Size)
	binary.BigEndian.PutUint32(dst[4:], o.Parts)
	binary.BigEndian.PutUint64(dst[8:], uint64(o.PartsID))
	copy(dst[16:], b.Bytes(o.Note))
}

func putMessageValue(dst []byte, b *store.Batch, o *store.Op) {
	dst = putHeader(dst, o.Sum)
	binary.BigEndian.PutUint32(dst, uint32(o.Head.Len()))
	copy(putParts(dst[4:], o.Parts, o.PartsID, o.PartsSize), b.Message(o))
}

// getHeader checks the version and the length, and returns what follows the sum.
func getHeader(what string, v []byte, overhead int) (sum uint32, rest []byte, err error) {
	if len(v) < overhead {
		return 0, nil, fmt.Errorf("%w: %s of %d bytes", store.ErrCorrupt, what, len(v))
	}
	if v[0] != valueVersion {
		return 0, nil, fmt.Errorf("%w: %s of version %d", store.ErrFormat, what, v[0])
	}
	return binary.BigEndian.Uint32(v[1:]), v[5:], nil
}

func getParts(p []byte, m *store.Msg) (rest []byte) {
	m.Parts = binary.BigEndian.Uint32(p)
	m.PartsID = store.ID(binary.BigEndian.Uint64(p[4:]))
	m.PartsSize = binary.BigEndian.Uint64(p[12:])
	return p[partsOverhead:]
}

func errSum(what string) error {
	return fmt.Errorf("%w: check value of %s", store.ErrCorrupt, what)
}

// getEntry decodes an entry that is not shared. Slices point into v.
func getEntry(v []byte, e *store.Entry) error {
	overhead := entryOverhead
	if e.Flag&store.HasParts != 0 {
		overhead += partsOverhead
	}
	sum, p, err := getHeader("entry", v, overhead)
	if err != nil {
		return err
	}
	note, head := binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:])
	p = p[8:]
	if e.Flag&store.HasParts != 0 {
		p = getParts(p, &e.Msg)
	}
	if uint64(note)+uint64(head) > uint64(len(p)) {
		return fmt.Errorf("%w: lengths of an entry", store.ErrCorrupt)
	}
	if store.MsgSum(0, p) != sum {
		return errSum("an entry")
	}
	e.Note, e.Head, e.Body = p[:note:note], p[note:note+head:note+head], p[note+head:]
	e.Size = msgSize(len(p), e.Msg)
	return nil
}

// msgSize is the size of an entry for accounting, as the batch computes it.
func msgSize(n int, m store.Msg) uint32 {
	const limit = 1<<32 - 1
	size := min(uint64(n), limit)
	if m.Parts > 0 {
		size += min(m.PartsSize, limit)
	}
	return uint32(min(size, limit))
}

// getShared decodes the entry's own part of a shared message.
func getShared(v []byte, e *store.Entry) error {
	sum, p, err := getHeader("entry", v, sharedOverhead)
	if err != nil {
		return err
	}
	e.Size, e.Parts = binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:])
	e.PartsID, e.Note = store.ID(binary.BigEndian.Uint64(p[8:])), p[16:]
	if store.MsgSum(0, e.Note) != sum {
		return errSum("a note")
	}
	return nil
}

// getMessage decodes a shared message into m. Slices point into v.
func getMessage(v []byte, m *store.Msg) error {
	sum, p, err := getHeader("message", v, messageOverhead)
	if err != nil {
		return err
	}
	head := binary.BigEndian.Uint32(p)
	p = getParts(p[4:], m)
	if uint64(head) > uint64(len(p)) {
		return fmt.Errorf("%w: lengths of a message", store.ErrCorrupt)
	}
	if store.MsgSum(0, p) != sum {
		return errSum("a message")
	}
	m.Head, m.Body = p[:head:head], p[head:]
	return nil
}

func getPart(v []byte) ([]byte, error) {
	sum, data, err := getHeader("part", v, partOverhead)
	if err == nil && store.MsgSum(0, data) != sum {
		err = errSum("a part")
	}
	return data, err
}

// putEntry, putShared and putMessage write the values that getEntry, getShared and getMessage
// read, from what a dump holds.
func putEntry(dst []byte, e *store.Entry) {
	dst = putHeader(dst, store.MsgSum(store.MsgSum(store.MsgSum(0, e.Note), e.Head), e.Body))
	binary.BigEndian.PutUint32(dst, uint32(len(e.Note)))
	binary.BigEndian.PutUint32(dst[4:], uint32(len(e.Head)))
	dst = dst[8:]
	if e.Flag&store.HasParts != 0 {
		dst = putParts(dst, e.Parts, e.PartsID, e.PartsSize)
	}
	dst = dst[copy(dst, e.Note):]
	copy(dst[copy(dst, e.Head):], e.Body)
}

func putShared(dst []byte, e *store.Entry) {
	dst = putHeader(dst, store.MsgSum(0, e.Note))
	binary.BigEndian.PutUint32(dst, e.Size)
	binary.BigEndian.PutUint32(dst[4:], e.Parts)
	binary.BigEndian.PutUint64(dst[8:], uint64(e.PartsID))
	copy(dst[16:], e.Note)
}

func putMessage(dst []byte, m *store.Msg) {
	dst = putHeader(dst, store.MsgSum(store.MsgSum(0, m.Head), m.Body))
	binary.BigEndian.PutUint32(dst, uint32(len(m.Head)))
	dst = putParts(dst[4:], m.Parts, m.PartsID, m.PartsSize)
	copy(dst[copy(dst, m.Head):], m.Body)
}
