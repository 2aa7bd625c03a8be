package dump

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/manifoldmq/manifold/store"
)

// Writer writes a dump. It is a Sink.
type Writer struct {
	w     *bufio.Writer
	sum   uint32
	buf   []byte // of the frame under way, behind room for its kind and length
	count [end]uint64
}

var _ Sink = (*Writer)(nil)

// frameHead is a frame's kind and length.
const frameHead = 1 + 4

// NewWriter begins a dump on w.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	d := &Writer{w: bufio.NewWriterSize(w, 64<<10)}
	if _, err := d.w.WriteString(magic + string(rune(version))); err != nil {
		return nil, err
	}
	d.start()
	d.buf = append(d.buf, h.Store[:]...)
	d.number(uint64(h.Next))
	return d, d.frame(header, []byte(h.Backend))
}

// start begins a frame in buf.
func (d *Writer) start() { d.buf = append(d.buf[:0], make([]byte, frameHead)...) }

func (d *Writer) number(n uint64) { d.buf = binary.AppendUvarint(d.buf, n) }

func (d *Writer) bytes(p []byte) {
	d.number(uint64(len(p)))
	d.buf = append(d.buf, p...)
}

// frame writes what is in buf and rest, which is not copied, as one frame.
func (d *Writer) frame(k Kind, rest []byte) error {
	n := len(d.buf) - frameHead + len(rest)
	if n > maxFrame {
		return fmt.Errorf("dump: %w", store.ErrTooLarge)
	}
	d.buf[0] = byte(k)
	binary.BigEndian.PutUint32(d.buf[1:], uint32(n))
	d.sum = store.MsgSum(store.MsgSum(d.sum, d.buf), rest)
	d.count[k-1]++
	d.w.Write(d.buf) // what fails is told by the last write
	d.w.Write(rest)
	_, err := d.w.Write(binary.BigEndian.AppendUint32(d.buf[:0], d.sum))
	return err
}

// Record writes a record.
func (d *Writer) Record(k store.Bucket, key, value []byte) error {
	d.start()
	d.buf = append(d.buf, byte(k))
	d.bytes(key)
	return d.frame(Record, value)
}

// Part writes a part of a large body.
func (d *Writer) Part(id store.ID, part uint32, data []byte) error {
	d.start()
	d.number(uint64(id))
	d.number(uint64(part))
	return d.frame(Part, data)
}

// Message writes a message that refs entries share.
func (d *Writer) Message(id store.ID, refs uint32, m *store.Msg) error {
	d.start()
	d.number(uint64(id))
	d.number(uint64(refs))
	d.message(m)
	return d.frame(Message, m.Body)
}

// Entry writes an entry; its head and body only when they are its own.
func (d *Writer) Entry(e *store.Entry) error {
	d.start()
	d.number(uint64(e.List))
	d.buf = append(d.buf, store.MaxPrio-e.Prio)
	d.number(uint64(e.ID))
	d.buf = append(d.buf, byte(e.Flag))
	if e.Flag&store.HasState != 0 {
		d.buf = e.State.AppendBinary(d.buf)
	}
	if e.Flag&store.Shared != 0 {
		return d.frame(Entry, e.Note)
	}
	d.bytes(e.Note)
	d.message(&e.Msg)
	return d.frame(Entry, e.Body)
}

func (d *Writer) message(m *store.Msg) {
	d.number(uint64(m.Parts))
	if m.Parts > 0 {
		d.number(uint64(m.PartsID))
		d.number(m.PartsSize)
	}
	d.bytes(m.Head)
}

// Close ends the dump. Without it a reader finds it incomplete. It does not close what is
// written to.
func (d *Writer) Close() error {
	d.start()
	for k := Record; k < end; k++ {
		d.number(d.count[k-1])
	}
	if err := d.frame(end, nil); err != nil {
		return err
	}
	return d.w.Flush()
}
