package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
)

// The marshalled form of a batch:
//
//	version(1)  operations(uvarint)  operation ...  CRC-32C of all before(4, little endian)
//
// An operation is its kind (1) and the fields of that kind, numbers as varints, byte strings
// behind their length. Ids that Commit stamps are left out, so an unmarshalled batch gets new
// ones: a prepared branch that is committed late is still the youngest on every list.
const batchVersion = 1

// Marshal appends the batch's operations to dst. Durability, Done and User are not part of it.
func (b *Batch) Marshal(dst []byte) []byte {
	start := len(dst)
	dst = slices.Grow(dst, b.Size()+16)
	dst = append(dst, batchVersion)
	ops := len(b.ops)
	for i := range b.ops {
		if b.ops[i].Kind == OpTakeID {
			ops--
		}
	}
	dst = binary.AppendUvarint(dst, uint64(ops))
	for i := range b.ops {
		if b.ops[i].Kind != OpTakeID {
			dst = b.marshalOp(dst, &b.ops[i])
		}
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

func (b *Batch) marshalOp(dst []byte, o *Op) []byte {
	dst = append(dst, byte(o.Kind))
	switch o.Kind {
	case OpAppend:
		dst = append(dst, o.Prio, byte(o.Flag))
		dst = binary.AppendUvarint(dst, uint64(o.List))
		dst = b.marshalBytes(dst, o.Note)
		dst = b.marshalMessage(dst, o)
		dst = marshalState(dst, o)
	case OpFanout:
		dst = append(dst, o.Prio, byte(o.Flag))
		dst = binary.AppendUvarint(dst, uint64(o.Count))
		dst = b.marshalMessage(dst, o)
	case OpTarget:
		dst = append(dst, byte(o.Flag))
		dst = binary.AppendUvarint(dst, uint64(o.List))
		dst = b.marshalBytes(dst, o.Note)
		dst = binary.LittleEndian.AppendUint32(dst, o.Sum)
		dst = marshalState(dst, o)
	case OpAck:
		dst = append(dst, o.Prio, byte(o.Flag))
		dst = binary.AppendUvarint(dst, uint64(o.List))
		dst = binary.AppendUvarint(dst, uint64(o.ID))
		dst = binary.AppendUvarint(dst, uint64(o.Size))
	case OpUpdate:
		dst = append(dst, o.Prio, byte(o.Flag))
		dst = binary.AppendUvarint(dst, uint64(o.List))
		dst = binary.AppendUvarint(dst, uint64(o.ID))
		dst = marshalState(dst, o)
	case OpTruncate:
		dst = append(dst, o.Prio)
		dst = binary.AppendUvarint(dst, uint64(o.List))
		dst = binary.AppendUvarint(dst, uint64(o.ID))
	case OpDropList:
		dst = binary.AppendUvarint(dst, uint64(o.List))
	case OpPutPart:
		dst = binary.AppendUvarint(dst, uint64(o.ID))
		dst = binary.AppendUvarint(dst, uint64(o.Parts))
		dst = b.marshalBytes(dst, o.Body)
		dst = binary.LittleEndian.AppendUint32(dst, o.Sum)
	case OpDropParts:
		dst = binary.AppendUvarint(dst, uint64(o.ID))
	case OpPutRecord:
		dst = append(dst, byte(o.Bucket))
		dst = b.marshalBytes(dst, o.Head)
		dst = b.marshalBytes(dst, o.Body)
	case OpDeleteRecord:
		dst = append(dst, byte(o.Bucket))
		dst = b.marshalBytes(dst, o.Head)
	}
	return dst
}

func (b *Batch) marshalBytes(dst []byte, s Span) []byte {
	dst = binary.AppendUvarint(dst, uint64(s.n))
	return append(dst, b.Bytes(s)...)
}

func (b *Batch) marshalMessage(dst []byte, o *Op) []byte {
	dst = b.marshalBytes(dst, o.Head)
	dst = b.marshalBytes(dst, o.Body)
	dst = binary.LittleEndian.AppendUint32(dst, o.Sum)
	if o.Flag&HasParts != 0 {
		dst = binary.AppendUvarint(dst, uint64(o.Parts))
		dst = binary.AppendUvarint(dst, uint64(o.PartsID))
		dst = binary.AppendUvarint(dst, o.PartsSize)
	}
	return dst
}

// marshalState writes the state, when the flags say that there is one.
func marshalState(dst []byte, o *Op) []byte {
	if o.Flag&HasState == 0 {
		return dst
	}
	return o.State.AppendBinary(dst)
}

// Unmarshal replaces the batch's operations by those of src, which it copies. On an error,
// which is ErrCorrupt or ErrFormat, the batch is empty. Durability, Done and User stay.
func (b *Batch) Unmarshal(src []byte) error {
	b.Reset()
	if len(src) < 1+1+4 {
		return fmt.Errorf("%w: batch of %d bytes", ErrCorrupt, len(src))
	}
	if src[0] != batchVersion {
		return fmt.Errorf("%w: batch version %d, known is %d", ErrFormat, src[0], batchVersion)
	}
	payload, sum := src[:len(src)-4], binary.LittleEndian.Uint32(src[len(src)-4:])
	if crc32.Checksum(payload, castagnoli) != sum {
		return fmt.Errorf("%w: check value of a batch", ErrCorrupt)
	}
	d := decoder{p: payload[1:]}
	n := d.uvarint(uint64(len(d.p))) // each operation takes at least a byte
	for i := uint64(0); i < n && !d.bad; i++ {
		b.unmarshalOp(&d)
	}
	if d.targets != 0 || len(d.p) != 0 {
		d.bad = true
	}
	if d.bad {
		b.Reset()
		return fmt.Errorf("%w: malformed batch", ErrCorrupt)
	}
	return nil
}

func (b *Batch) unmarshalOp(d *decoder) {
	o := Op{Kind: OpKind(d.byte())}
	if (o.Kind == OpTarget) != (d.targets > 0) {
		d.bad = true
		return
	}
	switch o.Kind {
	case OpAppend:
		o.Prio, o.Flag = d.prio(), d.flag(Volatile|HasState|HasParts)
		o.List = d.list()
		o.Note = b.put(d.bytes())
		b.unmarshalMessage(d, &o, o.Note.Len())
		o.State = d.state(o.Flag)
		o.ref = int32(b.addRef(o))
	case OpFanout:
		o.Prio, o.Flag = d.prio(), d.flag(Shared|HasParts)
		o.Count = uint32(d.uvarint(uint64(len(d.p))))
		if o.Count < 2 || o.Flag&Shared == 0 {
			d.bad = true
		}
		b.unmarshalMessage(d, &o, 0)
		d.targets, d.fanout = o.Count, o
	case OpTarget:
		f := &d.fanout
		o.Prio, o.Flag = f.Prio, d.flag(Shared|Volatile|HasState|HasParts)
		if o.Flag&(Shared|HasParts) != f.Flag {
			d.bad = true
		}
		o.List = d.list()
		o.Note, o.Sum = b.put(d.bytes()), d.sum()
		o.Parts, o.PartsID = f.Parts, f.PartsID
		o.Size = addSize(f.Size, o.Note.Len())
		o.State = d.state(o.Flag)
		o.ref = int32(b.addRef(o))
		d.targets--
	case OpAck:
		o.Prio, o.Flag, o.List, o.ID = d.prio(), d.flag(allFlags), d.list(), d.id()
		o.Size = d.uint32()
	case OpUpdate:
		o.Prio, o.Flag, o.List, o.ID = d.prio(), d.flag(allFlags), d.list(), d.id()
		o.State = d.state(o.Flag)
	case OpTruncate:
		o.Prio, o.List, o.ID = d.prio(), d.list(), d.id()
	case OpDropList:
		o.List = d.list()
	case OpPutPart:
		o.ID, o.Parts = d.id(), d.uint32()
		o.Body, o.Sum = b.put(d.bytes()), d.sum()
	case OpDropParts:
		o.ID = d.id()
	case OpPutRecord:
		o.Bucket = d.bucket()
		o.Head, o.Body = b.put(d.bytes()), b.put(d.bytes())
	case OpDeleteRecord:
		o.Bucket, o.Head = d.bucket(), b.put(d.bytes())
	default:
		d.bad = true
	}
	b.ops = append(b.ops, o)
}

func (b *Batch) unmarshalMessage(d *decoder, o *Op, note int) {
	o.Head, o.Body = b.put(d.bytes()), b.put(d.bytes())
	o.Sum = d.sum()
	m := Msg{}
	if o.Flag&HasParts != 0 {
		m.Parts, m.PartsID, m.PartsSize = d.uint32(), d.id(), d.uint64()
		if m.Parts == 0 {
			d.bad = true
		}
	}
	o.Parts, o.PartsID, o.PartsSize = m.Parts, m.PartsID, m.PartsSize
	o.Size = clampSize(note+o.Head.Len()+o.Body.Len(), m)
}
