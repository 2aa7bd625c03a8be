package amqp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/server"
)

// errCut is the end of a connection that the test has cut.
var errCut = errors.New("the connection was cut")

// cutter is a client whose connection is cut after a number of frames, sent or received.
type cutter struct {
	t    *testing.T
	conn net.Conn
	left int
	log  []string
}

func dialCutter(t *testing.T, addr string, frames int) *cutter {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	c := &cutter{t: t, conn: conn, left: frames}
	c.prelude(frame.AMQP)
	return c
}

// dialAs is dialCutter for a user.
func dialAs(t *testing.T, addr string, frames int, user string) *cutter {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	c := &cutter{t: t, conn: conn, left: frames + 3}
	c.prelude(frame.SASL)
	if _, _, _, err := c.read(); err != nil {
		t.Fatal(err)
	}
	init := wire.Open(wire.AppendDescriptor(nil, 0x41), wire.List8)
	init.Symbol("PLAIN")
	init.Binary([]byte("\x00" + user + "\x00" + user))
	body := init.Close()
	if err := c.write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+8)), append([]byte{2, 1, 0, 0}, body...)...)); err != nil {
		t.Fatal(err)
	}
	if _, f, _, err := c.read(); err != nil || f.MustUint() > 0 {
		t.Fatalf("the login failed: %v", err)
	}
	c.prelude(frame.AMQP)
	return c
}

// prelude exchanges protocol headers.
func (c *cutter) prelude(p frame.Protocol) {
	c.t.Helper()
	if _, err := c.conn.Write(frame.AppendPrelude(nil, p)); err != nil {
		c.t.Fatal(err)
	}
	if _, err := io.ReadFull(c.conn, make([]byte, frame.PreludeSize)); err != nil {
		c.t.Fatal(err)
	}
}

// count counts a frame, and cuts the connection when it is time.
func (c *cutter) count() error {
	if c.left--; c.left < 0 {
		_ = c.conn.Close()
		return errCut
	}
	return nil
}

func (c *cutter) write(b []byte) error {
	if err := c.count(); err != nil {
		return err
	}
	c.log = append(c.log, fmt.Sprintf(">%x", b[8:]))
	_, err := c.conn.Write(b)
	return err
}

// read returns the next frame that is not empty.
func (c *cutter) read() (code uint64, f wire.Fields, payload []byte, err error) {
	for {
		head := make([]byte, frame.HeaderSize)
		if _, err := io.ReadFull(c.conn, head); err != nil {
			return 0, f, nil, err
		}
		body := make([]byte, binary.BigEndian.Uint32(head)-frame.HeaderSize)
		if _, err := io.ReadFull(c.conn, body); err != nil {
			return 0, f, nil, err
		}
		if len(body) == 0 {
			continue
		}
		if err := c.count(); err != nil {
			return 0, f, nil, err
		}
		code, f, n, err := frame.Performative(body)
		c.log = append(c.log, fmt.Sprintf("<%x", body))
		if err != nil {
			c.t.Fatal(err)
		}
		return code, f, body[n:], nil
	}
}

// attach opens the connection, a session and a link, and returns the broker's attach.
func (c *cutter) attach(a *frame.Attach) (reply frame.Attach, err error) {
	open := frame.Open{Container: "cutter-" + a.Name, MaxFrame: 1 << 16, ChannelMax: 1}
	begin := frame.Begun{IncomingWindow: 1000, OutgoingWindow: 1000, HandleMax: 10}
	for _, b := range [][]byte{open.Append(nil), begin.Append(nil, 0), a.Append(nil, 0)} {
		if err := c.write(b); err != nil {
			return reply, err
		}
	}
	for {
		code, f, _, err := c.read()
		if err != nil {
			return reply, err
		}
		switch code {
		case frame.CodeAttach:
			return frame.ParseAttach(f)
		case frame.CodeClose, frame.CodeEnd, frame.CodeDetach:
			c.t.Fatalf("refused: %#x", code)
		}
	}
}

// unsettledMap is what a client's attach says of its deliveries.
func unsettledMap(m map[string]bool) []byte {
	c := wire.Open(nil, wire.Map8)
	accepted := frame.State{Kind: frame.Accepted}
	for tag, done := range m {
		c.B = wire.AppendBinary(c.B, tag)
		if done {
			c.B = accepted.Append(c.B)
		} else {
			c.B = wire.AppendNull(c.B)
		}
		c.Count += 2
	}
	return c.Close()
}

func text(i int) []byte {
	b := []byte{0, 0x53, 0x70, 0xc0, 2, 1, 0x41, 0, 0x53, 0x77} // durable
	return wire.AppendString(b, fmt.Sprint("message ", i))
}

// producer sends messages of which it knows the outcome, over any number of connections.
type producer struct {
	t       *testing.T
	queue   string
	todo    int             // messages
	next    int             // not sent yet
	pending map[string]bool // tags that are not settled; true: accepted
	begun   bool
}

func tagOf(i int) string { return fmt.Sprint("tag", i) }

// run works until everything is settled, or the connection is cut.
func (p *producer) run(c *cutter) error {
	a := frame.Attach{
		Name: "link", Role: frame.Sender, SenderMode: frame.Unsettled, ReceiverMode: frame.Second, HasInitialCount: true,
		Source: new(frame.Source), Target: &frame.Target{Terminus: frame.Terminus{Address: p.queue, HasAddress: true, Expiry: frame.Never}},
	}
	a.Name += p.queue
	if p.begun {
		a.Unsettled = unsettledMap(p.pending)
	}
	reply, err := c.attach(&a)
	if err != nil {
		return err
	}
	p.begun = true
	known := make(map[string]bool)
	if err := frame.Tags(reply.Unsettled, func(tag []byte, s frame.State) bool {
		known[string(tag)] = s.Kind == frame.Accepted
		return true
	}); err != nil {
		p.t.Fatal(err)
	}
	id := uint32(0)
	ids := make(map[uint32]string)
	transfer := func(t frame.Transfer, payload []byte) error {
		t.DeliveryID, t.HasID, t.HasFormat = id, true, true
		ids[id] = string(t.Tag)
		id++
		b, at := t.Append(nil, 0)
		return c.write(frame.End(append(b, payload...), at))
	}
	for i := range p.next {
		tag := tagOf(i)
		if _, mine := p.pending[tag]; !mine {
			continue
		}
		if known[tag] {
			accepted := frame.State{Kind: frame.Accepted}
			delete(p.pending, tag) // it is settled as soon as we say so
			if err := transfer(frame.Transfer{Tag: []byte(tag), Resume: true, Settled: true, HasSettled: true, State: accepted.Append(nil)}, nil); err != nil {
				return err
			}
			continue
		}
		if err := transfer(frame.Transfer{Tag: []byte(tag)}, text(i)); err != nil {
			return err
		}
	}
	for {
		for p.next < p.todo && len(p.pending) < 4 {
			tag := tagOf(p.next)
			p.pending[tag] = false
			p.next++
			if err := transfer(frame.Transfer{Tag: []byte(tag)}, text(p.next-1)); err != nil {
				return err
			}
		}
		if len(p.pending) == 0 {
			return nil
		}
		code, f, _, err := c.read()
		if err != nil {
			return err
		}
		switch code {
		case frame.CodeFlow:
			continue
		case frame.CodeDisposition:
		default:
			p.t.Fatalf("ended with %#x", code)
		}
		d, err := frame.ParseDisposition(f)
		if err != nil {
			p.t.Fatal(err)
		}
		if s, _ := frame.ParseState(d.State); d.Settled || s.Kind != frame.Accepted {
			p.t.Fatalf("%+v is not an outcome of mode second", d)
		}
		for n := d.First; n <= d.Last; n++ {
			delete(p.pending, ids[n])
		}
		settle := frame.Disposition{Role: frame.Sender, First: d.First, Last: d.Last, Settled: true, State: d.State}
		if err := c.write(settle.Append(nil, 0)); err != nil {
			return err
		}
	}
}

// consumer takes messages exactly once, over any number of connections.
type consumer struct {
	t       *testing.T
	queue   string
	todo    int
	pending map[string]bool // tags with an outcome that is not settled
	got     map[string]int
}

func (k *consumer) run(c *cutter) error {
	a := frame.Attach{
		Name: "link" + k.queue, Role: frame.Receiver, SenderMode: frame.Unsettled, ReceiverMode: frame.Second,
		Source: &frame.Source{Terminus: frame.Terminus{Address: k.queue, HasAddress: true, Expiry: frame.Never}}, Target: new(frame.Target),
		Unsettled: unsettledMap(k.pending),
	}
	reply, err := c.attach(&a)
	if err != nil {
		return err
	}
	known := make(map[string]bool)
	if err := frame.Tags(reply.Unsettled, func(tag []byte, s frame.State) bool {
		known[string(tag)] = s.Kind == frame.Accepted
		return true
	}); err != nil {
		k.t.Fatal(err)
	}
	for tag := range k.pending {
		if !known[tag] {
			delete(k.pending, tag) // the broker has settled it
		}
	}
	flow := frame.Flow{HasNextIncoming: true, IncomingWindow: 1000, OutgoingWindow: 1000, HasHandle: true, HasCount: true, Credit: 100, HasCredit: true}
	if err := c.write(flow.Append(nil, 0)); err != nil {
		return err
	}
	ids := make(map[uint32]string)
	for len(k.got) < k.todo || len(k.pending) > 0 {
		code, f, payload, err := c.read()
		if err != nil {
			return err
		}
		switch code {
		case frame.CodeTransfer:
			t, err := frame.ParseTransfer(f)
			if err != nil {
				k.t.Fatal(err)
			}
			tag := string(t.Tag)
			ids[t.DeliveryID] = tag
			if t.Resume {
				if !t.Settled || !k.pending[tag] || len(payload) > 0 {
					k.t.Fatalf("%+v resumes nothing", t)
				}
				delete(k.pending, tag)
				continue
			}
			if k.pending[tag] {
				k.t.Fatalf("%x came again, although it has an outcome", tag)
			}
			k.got[string(payload[bytes.LastIndexByte(payload, 'm'):])]++
			k.pending[tag] = true
			accepted := frame.State{Kind: frame.Accepted}
			d := frame.Disposition{Role: frame.Receiver, First: t.DeliveryID, Last: t.DeliveryID, State: accepted.Append(nil)}
			if err := c.write(d.Append(nil, 0)); err != nil {
				return err
			}
		case frame.CodeDisposition:
			d, err := frame.ParseDisposition(f)
			if err != nil || !d.Settled {
				k.t.Fatalf("%+v, %v", d, err)
			}
			for n := d.First; n <= d.Last; n++ {
				delete(k.pending, ids[n])
			}
		case frame.CodeDetach, frame.CodeEnd, frame.CodeClose:
			k.t.Fatalf("ended with %#x", code)
		}
	}
	return nil
}

// repeat runs over new connections until it is done. The first is cut after a number of frames,
// the others a little later each, so that it ends. It reports whether there was a cut.
func repeat(t *testing.T, addr string, frames int, run func(*cutter) error) (cut bool) {
	t.Helper()
	for {
		c := dialCutter(t, addr, frames)
		err := run(c)
		_ = c.conn.Close()
		if err == nil {
			return cut
		}
		if c.left >= 0 {
			t.Log(c.log)
			t.Fatalf("after %d frames, of %d: %v", frames-c.left, frames, err)
		}
		cut = true
		frames += 7
	}
}

// Both directions of an exchange are cut at every frame, and every message arrives exactly once.
func TestLinksAreRecovered(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	for frames := 3; ; frames++ {
		queue := fmt.Sprint("recovery.", frames)
		p := &producer{t: t, queue: queue, todo: 6, pending: make(map[string]bool)}
		cut := repeat(t, b.Addr("amqp"), frames, p.run)
		if n := b.Core().Lookup(address.Address{Kind: address.Queue, Name: queue}).Queue().Counters().Entries.Load(); n != 6 {
			t.Fatalf("cut after %d frames: %d messages arrived, of 6", frames, n)
		}
		k := &consumer{t: t, queue: queue, todo: 6, pending: make(map[string]bool), got: make(map[string]int)}
		again := repeat(t, b.Addr("amqp"), frames, k.run)
		for body, n := range k.got {
			if n != 1 {
				t.Fatalf("cut after %d frames: %q came %d times", frames, body, n)
			}
		}
		if n := b.Core().Lookup(address.Address{Kind: address.Queue, Name: queue}).Queue().Counters().Entries.Load(); n != 0 {
			t.Fatalf("cut after %d frames: %d messages are left", frames, n)
		}
		if !cut && !again {
			if frames < 20 {
				t.Fatalf("the whole exchange has %d frames only", frames)
			}
			return
		}
	}
}

// The broker is stopped in the middle, and forgets all that is not on disk.
func TestLinksAreRecoveredAfterARestart(t *testing.T) {
	t.Parallel()
	for frames := 4; frames < 26; frames += 3 {
		dir := t.TempDir()
		p := &producer{t: t, queue: "q", todo: 6, pending: make(map[string]bool)}
		k := &consumer{t: t, queue: "q", todo: 6, pending: make(map[string]bool), got: make(map[string]int)}
		for _, half := range []struct {
			run  func(*cutter) error
			done func() bool
		}{{p.run, func() bool { return p.next == p.todo && len(p.pending) == 0 }}, {k.run, func() bool { return len(k.got) == k.todo && len(k.pending) == 0 }}} {
			for limit := frames; !half.done(); limit += 7 {
				t.Run("", func(t *testing.T) {
					b := brokertest.Start(t, brokertest.WithStore(dir), brokertest.With(func(o *server.Options) { o.Name = "restarted" }))
					c := dialCutter(t, b.Addr("amqp"), limit)
					if err := half.run(c); err != nil && c.left >= 0 {
						t.Fatal(err)
					}
					_ = c.conn.Close()
				})
				if t.Failed() {
					return
				}
			}
		}
		for body, n := range k.got {
			if n != 1 {
				t.Fatalf("cut after %d frames: %q came %d times", frames, body, n)
			}
		}
	}
}

// A client gets a user while its links are lost: what it has sent without one is known.
func TestLinksAreRecoveredWithAUser(t *testing.T) {
	t.Parallel()
	for frames := 5; frames < 20; frames += 3 {
		dir := t.TempDir()
		p := &producer{t: t, queue: "q", todo: 6, pending: make(map[string]bool)}
		n := int64(0)
		for limit, user := range []string{"", "somebody"} {
			t.Run(user, func(t *testing.T) {
				b := brokertest.Start(t, brokertest.WithStore(dir), brokertest.With(func(o *server.Options) { o.Name = "restarted" }))
				c := dialCutter
				if user != "" {
					c = func(t *testing.T, addr string, frames int) *cutter { return dialAs(t, addr, frames, user) }
				}
				k := c(t, b.Addr("amqp"), frames+1000*limit)
				if err := p.run(k); err != nil && k.left >= 0 {
					t.Fatal(err)
				}
				_ = k.conn.Close()
				n = b.Core().Lookup(address.Address{Kind: address.Queue, Name: "q"}).Queue().Counters().Entries.Load()
			})
			if t.Failed() {
				return
			}
		}
		if n != 6 || len(p.pending) > 0 {
			t.Fatalf("cut after %d frames: %d messages arrived, of 6; %v are unsettled", frames, n, p.pending)
		}
	}
}
