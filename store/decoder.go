package store

import (
	"encoding/binary"
	"math"
)

const allFlags = Shared | Volatile | HasState | HasParts

// decoder reads a marshalled batch. After the first fault all its reads give zero values and
// bad is set, so that callers check once. It never believes a length beyond what is there.
type decoder struct {
	p   []byte
	bad bool

	fanout  Op     // the last one
	targets uint32 // of it that are still to come
}

func (d *decoder) byte() byte {
	if d.bad || len(d.p) == 0 {
		d.bad = true
		return 0
	}
	v := d.p[0]
	d.p = d.p[1:]
	return v
}

func (d *decoder) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(d.p)
	if d.bad || n <= 0 || v > limit {
		d.bad = true
		return 0
	}
	d.p = d.p[n:]
	return v
}

// bytes returns a byte string, which points into the source.
func (d *decoder) bytes() []byte {
	n := d.uvarint(math.MaxInt32)
	if d.bad || n > uint64(len(d.p)) {
		d.bad = true
		return nil
	}
	v := d.p[:n]
	d.p = d.p[n:]
	return v
}

func (d *decoder) sum() uint32 {
	if d.bad || len(d.p) < 4 {
		d.bad = true
		return 0
	}
	v := binary.LittleEndian.Uint32(d.p)
	d.p = d.p[4:]
	return v
}

func (d *decoder) state(f Flag) (s State) {
	if f&HasState == 0 {
		return s
	}
	rest, err := s.decode(d.p)
	if d.bad || err != nil {
		d.bad = true
		return State{}
	}
	d.p = rest
	return s
}

func (d *decoder) flag(known Flag) Flag {
	f := Flag(d.byte())
	if f&^known != 0 {
		d.bad = true
	}
	return f
}

func (d *decoder) prio() uint8 {
	p := d.byte()
	if p > MaxPrio {
		d.bad = true
	}
	return p
}

func (d *decoder) bucket() Bucket {
	k := Bucket(d.byte())
	if k == 0 || k >= buckets {
		d.bad = true
	}
	return k
}

func (d *decoder) uint64() uint64 { return d.uvarint(math.MaxUint64) }
func (d *decoder) uint32() uint32 { return uint32(d.uvarint(math.MaxUint32)) }
func (d *decoder) list() ListID   { return ListID(d.uint32()) }
func (d *decoder) id() ID         { return ID(d.uint64()) }
