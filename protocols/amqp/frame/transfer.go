package frame

import (
	"encoding/binary"

	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Transfer is the transfer performative (AMQP 2.7.5). Its slices are views of the frame.
type Transfer struct {
	Handle     uint32
	DeliveryID uint32
	HasID      bool
	Tag        []byte // nil: absent
	Format     uint32
	HasFormat  bool
	Settled    bool
	HasSettled bool
	More       bool
	Mode       ReceiverMode
	HasMode    bool
	State      []byte // encoded
	Resume     bool
	Aborted    bool
	Batchable  bool
}

// ParseTransfer reads the fields of transfer. It allocates nothing.
func ParseTransfer(f wire.Fields) (t Transfer, err error) {
	t.Handle = f.MustUint()
	t.DeliveryID, t.HasID = f.Uint()
	t.Tag = f.Binary()
	t.Format, t.HasFormat = f.Uint()
	t.Settled, t.HasSettled = f.Boolean()
	t.More = f.Bool()
	if v, ok := f.Ubyte(); ok {
		if t.Mode, t.HasMode = ReceiverMode(v), true; t.Mode > Second {
			f.Fail(wire.ErrValue)
		}
	}
	t.State = f.Raw()
	t.Resume = f.Bool()
	t.Aborted = f.Bool()
	t.Batchable = f.Bool()
	if err := f.Err(); err != nil {
		return t, malformed(err)
	}
	return t, nil
}

// Append appends the frame's header and the performative. The payload follows; the caller then
// calls End with the place that is returned.
func (t *Transfer) Append(dst []byte, channel uint16) ([]byte, int) {
	dst, at := Begin(dst, TypeAMQP, channel)
	c := wire.Open(append(dst, wire.Described, wire.SmallUlong, CodeTransfer), wire.List8)
	c.Uint(t.Handle)
	if t.HasID {
		c.Uint(t.DeliveryID)
	} else {
		c.Null()
	}
	c.Binary(t.Tag)
	if t.HasFormat {
		c.Uint(t.Format)
	} else {
		c.Null()
	}
	if t.HasSettled {
		c.Bool(t.Settled)
	} else {
		c.Null()
	}
	c.True(t.More)
	if t.HasMode {
		c.Ubyte(uint8(t.Mode))
	} else {
		c.Null()
	}
	c.Raw(t.State)
	c.True(t.Resume)
	c.True(t.Aborted)
	c.True(t.Batchable)
	return c.Close(), at
}

// AppendFirst appends header and performative of the first frame of a delivery of ours, which
// has a tag of eight octets: what Append does, in one go. The place of the more field is where it
// says.
func AppendFirst(dst []byte, channel uint16, handle, id uint32, tag uint64, format uint32, settled bool) (out []byte, at, more int) {
	dst, at = Begin(dst, TypeAMQP, channel)
	dst = append(dst, wire.Described, wire.SmallUlong, CodeTransfer, wire.List8, 0, 6)
	list := len(dst) - 2
	dst = wire.AppendUint(dst, handle)
	dst = wire.AppendUint(dst, id)
	dst = binary.BigEndian.AppendUint64(append(dst, wire.Binary8, 8), tag)
	dst = wire.AppendUint(dst, format)
	dst = wire.AppendBool(dst, settled)
	more = len(dst)
	dst = append(dst, wire.False)
	dst[list] = byte(len(dst) - list - 1)
	return dst, at, more
}

// SetMore says that another frame of the same delivery follows; more is what AppendFirst
// returned.
func SetMore(dst []byte, more int) { dst[more] = wire.True }

// AppendNext appends header and performative of a further frame of a delivery.
func AppendNext(dst []byte, channel uint16, handle uint32, more bool) (out []byte, at int) {
	t := Transfer{Handle: handle, More: more}
	return t.Append(dst, channel)
}

// Disposition is the disposition performative (AMQP 2.7.6).
type Disposition struct {
	Role    Role
	First   uint32
	Last    uint32
	Settled bool
	State   []byte // encoded, a view of the frame
}

// ParseDisposition reads the fields of disposition. It allocates nothing.
func ParseDisposition(f wire.Fields) (d Disposition, err error) {
	role, ok := f.Boolean()
	if !ok {
		f.Fail(wire.ErrAbsent)
	}
	d.Role = Role(role)
	d.First = f.MustUint()
	d.Last = f.UintOr(d.First)
	d.Settled = f.Bool()
	d.State = f.Raw()
	if err := f.Err(); err != nil {
		return d, malformed(err)
	}
	return d, nil
}

// Append appends a frame with the performative. A range that wraps around is split, as some peers
// count from first to last without regard for that.
func (d *Disposition) Append(dst []byte, channel uint16) []byte {
	if d.First > d.Last {
		low := *d
		d.Last = ^uint32(0)
		low.First = 0
		return low.Append(d.Append(dst, channel), channel)
	}
	dst, at := Begin(dst, TypeAMQP, channel)
	c := wire.Open(append(dst, wire.Described, wire.SmallUlong, CodeDisposition), wire.List8)
	c.Bool(bool(d.Role))
	c.Uint(d.First)
	if d.Last != d.First {
		c.Uint(d.Last)
	} else {
		c.Null()
	}
	c.True(d.Settled)
	c.Raw(d.State)
	return End(c.Close(), at)
}
