package client

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

func (c *amqpClient) prelude() error {
	b, err := c.in.Peek(frame.PreludeSize)
	if err != nil {
		return err
	}
	if _, ok := frame.ParsePrelude(b); !ok {
		return fmt.Errorf("not a header of AMQP 1.0: %q", b)
	}
	_, err = c.in.Discard(frame.PreludeSize)
	return err
}

// frame reads a frame. Its fields and payload are views of the reader's buffer until the next.
func (c *amqpClient) frame() (code uint64, f wire.Fields, payload []byte, err error) {
	b, err := c.in.Peek(frame.HeaderSize)
	if err != nil {
		return 0, f, nil, err
	}
	h, err := frame.ParseHeader(b, amqpFrame)
	if err != nil {
		return 0, f, nil, err
	}
	if b, err = c.in.Peek(int(h.Size)); err != nil {
		return 0, f, nil, err
	}
	body := b[h.Body():]
	if len(body) > 0 {
		var n int
		if code, f, n, err = frame.Performative(body); err != nil {
			return 0, f, nil, err
		}
		payload = body[n:]
	}
	_, err = c.in.Discard(int(h.Size)) // the buffer's content stays as it is until the next read
	return code, f, payload, err
}

// write buffers frames. An error shows at the next flush.
func (c *amqpClient) write(b []byte) {
	c.buf = b[:0]
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err == nil {
		_, _ = c.out.Write(b)
	}
}

func (c *amqpClient) Flush() error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return c.out.Flush()
}

// await reads until something has happened, and keeps the events that come meanwhile.
func (c *amqpClient) await(what string, happened func() bool) error {
	if err := c.Flush(); err != nil {
		return err
	}
	for !happened() {
		if err := c.read(confirmTimeout); err != nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
	}
	return nil
}

// read handles one frame, which may queue events.
func (c *amqpClient) read(wait time.Duration) error {
	if c.in.Buffered() < frame.HeaderSize {
		if err := c.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return err
		}
		_, err := c.in.Peek(1)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return ErrIdle
		}
		if err != nil {
			return err
		}
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(confirmTimeout)); err != nil {
		return err
	}
	code, f, payload, err := c.frame()
	if err != nil {
		return err
	}
	switch code {
	case frame.CodeAttach:
		return c.attached(f)
	case frame.CodeFlow:
		return c.flow(f)
	case frame.CodeTransfer:
		return c.transfer(f, payload)
	case frame.CodeDisposition:
		return c.disposition(f)
	case frame.CodeDetach:
		d, err := frame.ParseDetach(f)
		if l := c.links[d.Handle]; l != nil && l.leaving && d.Error == nil && err == nil {
			l.attached = false
			return nil
		}
		return errors.Join(fmt.Errorf("the broker detached a link: %w", d.Error), err)
	case frame.CodeEnd:
		e, err := frame.ParseEnd(f)
		return errors.Join(fmt.Errorf("the broker ended the session: %w", e.Error), err)
	case frame.CodeClose:
		k, err := frame.ParseClose(f)
		if c.closed && k.Error == nil && err == nil {
			return errGoodbye
		}
		return errors.Join(fmt.Errorf("the broker closed: %w", k.Error), err)
	}
	return nil
}

// errGoodbye is the answer to our own close.
var errGoodbye = errors.New("closed")
