package torture

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/section"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Sizes of the AMQP client: the frames that it takes and sends, and the transfers that it takes.
const (
	amqpFrame  = 64 << 10
	amqpWindow = 1<<31 - 1
)

// amqpClient speaks AMQP 1.0 with any number of unsettled deliveries, in one session. What is sent
// with a token, and in transactions, is unsettled; the rest is settled.
type amqpClient struct {
	conn   net.Conn
	in     *bufio.Reader
	out    *bufio.Writer
	buf    []byte
	queued []Event

	maxFrame     int
	window       uint32 // transfers that the broker takes
	nextOutgoing uint32
	nextIncoming uint32
	nextDelivery uint32

	senders  map[string]*amqpLink // by destination; the coordinator's is ""
	links    map[uint32]*amqpLink // by the broker's handle
	handles  uint32
	sent     map[uint32]uint64       // tokens of what was sent, by delivery-id
	settling map[uint32]uint64       // and of what was settled
	declared map[uint32]*[]byte      // where transaction ids are awaited
	ids      map[string][]byte       // of transactions, by name
	retired  map[string][]retirement // of open transactions, by name
	closed   bool
}

// retirement is what a transaction's commit takes from what a subscription holds.
type retirement struct {
	link    *amqpLink
	last    uint32
	settled uint32
}

// amqpLink is one end of a link.
type amqpLink struct {
	name     string
	handle   uint32
	receiver bool
	attached bool
	credit   uint32
	count    uint32

	id       string // of the subscription
	prefetch uint32
	held     uint32 // unsettled
	mode     Settlement
	oldest   uint32 // of what a cumulative subscription has not settled
	partial  []byte
	first    frame.Transfer
}

func dialAMQP(ctx context.Context, u *url.URL, clientID string) (Client, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	c := &amqpClient{
		conn: conn, in: bufio.NewReaderSize(conn, 2*amqpFrame), out: bufio.NewWriterSize(conn, 64<<10),
		senders: make(map[string]*amqpLink), links: make(map[uint32]*amqpLink), sent: make(map[uint32]uint64),
		settling: make(map[uint32]uint64), declared: make(map[uint32]*[]byte), ids: make(map[string][]byte),
		retired: make(map[string][]retirement),
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err = c.login(u, clientID)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("login: %w", err)
	}
	return c, nil
}

func (c *amqpClient) login(u *url.URL, clientID string) error {
	init := frame.Init{Mechanism: "ANONYMOUS", Response: []byte("torture"), Hostname: u.Hostname()}
	if u.User != nil {
		password, _ := u.User.Password()
		init.Mechanism, init.Response = "PLAIN", []byte("\x00"+u.User.Username()+"\x00"+password)
	}
	if clientID == "" {
		clientID = "torture-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	}
	open := frame.Open{Container: clientID, Hostname: u.Hostname(), MaxFrame: amqpFrame, ChannelMax: 1}
	begin := frame.Begun{IncomingWindow: amqpWindow, OutgoingWindow: amqpWindow, HandleMax: 1000}
	b := frame.AppendPrelude(nil, frame.SASL)
	b = init.Append(b)
	b = frame.AppendPrelude(b, frame.AMQP)
	b = open.Append(b)
	c.write(begin.Append(b, 0))
	if err := c.Flush(); err != nil {
		return err
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(confirmTimeout)); err != nil {
		return err
	}
	if err := c.prelude(); err != nil {
		return err
	}
	for {
		code, f, _, err := c.frame()
		if err != nil {
			return err
		}
		if code != frame.CodeOutcome {
			continue
		}
		if o, err := frame.ParseOutcome(f); err != nil || o.Code != 0 {
			return errors.Join(fmt.Errorf("outcome %d", o.Code), err)
		}
		break
	}
	if err := c.prelude(); err != nil {
		return err
	}
	for {
		code, f, _, err := c.frame()
		switch {
		case err != nil:
			return err
		case code == frame.CodeOpen:
			o, err := frame.ParseOpen(f)
			if err != nil {
				return err
			}
			c.maxFrame = int(min(o.MaxFrame, amqpFrame))
		case code == frame.CodeBegin:
			b, err := frame.ParseBegin(f)
			c.window, c.nextIncoming = b.IncomingWindow, b.NextOutgoing
			return err
		case code == frame.CodeClose:
			k, err := frame.ParseClose(f)
			return errors.Join(fmt.Errorf("the broker closed: %w", k.Error), err)
		}
	}
}

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

func (c *amqpClient) attached(f wire.Fields) error {
	a, err := frame.ParseAttach(f)
	if err != nil {
		return err
	}
	for _, l := range c.all() {
		if l.name == a.Name && bool(a.Role) != l.receiver {
			if a.Role == frame.Sender && a.Source == nil || a.Role == frame.Receiver && a.Target == nil && a.Coordinator == nil {
				return nil // refused: the detach is behind it
			}
			l.attached = true
			l.count = a.InitialCount
			c.links[a.Handle] = l
		}
	}
	return nil
}

func (c *amqpClient) all() []*amqpLink {
	var list []*amqpLink
	for _, l := range c.senders {
		list = append(list, l)
	}
	return list
}

func (c *amqpClient) flow(f wire.Fields) error {
	w, err := frame.ParseFlow(f)
	if err != nil {
		return err
	}
	c.window = w.NextIncoming + w.IncomingWindow - c.nextOutgoing
	if l := c.links[w.Handle]; w.HasHandle && l != nil && !l.receiver {
		l.credit = w.DeliveryCount + w.Credit - l.count
	}
	return nil
}

func (c *amqpClient) disposition(f wire.Fields) error {
	d, err := frame.ParseDisposition(f)
	if err != nil {
		return err
	}
	s, err := frame.ParseState(d.State)
	if err != nil {
		return err
	}
	waiting := c.sent
	if d.Role == frame.Sender {
		waiting = c.settling
	}
	for id := d.First; int32(d.Last-id) >= 0; id++ {
		if place := c.declared[id]; place != nil && d.Role == frame.Receiver {
			delete(c.declared, id)
			*place = append([]byte{}, s.Txn...)
		}
		token, ok := waiting[id]
		if !ok {
			continue
		}
		delete(waiting, id)
		e := Event{Token: token}
		if s.Kind != frame.Accepted {
			e.Err = fmt.Errorf("the broker answered %d: %w", s.Kind, s.Rejection())
		}
		if token != 0 || e.Err != nil {
			c.queued = append(c.queued, e)
		}
	}
	return nil
}

func (c *amqpClient) transfer(f wire.Fields, payload []byte) error {
	t, err := frame.ParseTransfer(f)
	if err != nil {
		return err
	}
	c.nextIncoming++
	l := c.links[t.Handle]
	if l == nil || !l.receiver {
		return fmt.Errorf("a transfer on handle %d", t.Handle)
	}
	if l.partial == nil {
		l.first = frame.Transfer{DeliveryID: t.DeliveryID}
	}
	l.partial = append(l.partial, payload...)
	if t.More {
		return nil
	}
	octets := l.partial
	l.partial = nil
	layout, err := section.Scan(octets)
	if err != nil {
		return fmt.Errorf("delivery %d: %w", l.first.DeliveryID, err)
	}
	header, err := section.ParseHeader(layout.Header.Of(octets))
	if err != nil {
		return err
	}
	d := &Delivery{Subscription: l.id, Handle: strconv.FormatUint(uint64(l.first.DeliveryID), 10), Redelivered: !header.FirstAcquirer || header.DeliveryCount > 0}
	if v, ok := section.Find(layout.Application.Of(octets), "torture"); ok {
		d.Label = string(v.Data)
	}
	err = section.Parts(layout.Body.Of(octets), func(_ uint8, value []byte) bool {
		v, _, _ := wire.Parse(value)
		d.Body = append(d.Body, v.Data...)
		return true
	})
	l.count++
	l.credit--
	l.held++
	if l.mode == Cumulative && l.held == 1 {
		l.oldest = l.first.DeliveryID
	}
	c.queued = append(c.queued, Event{Delivery: d})
	return err
}

// address turns the name of a destination into an address.
func address(destination string) string {
	if name, ok := strings.CutPrefix(destination, "/topic/"); ok {
		return "topic://" + name
	}
	return "queue://" + strings.TrimPrefix(destination, "/queue/")
}

// sender returns the link to a destination, or the coordinator's, and attaches it first.
func (c *amqpClient) sender(destination string) (*amqpLink, error) {
	l := c.senders[destination]
	if l == nil {
		l = &amqpLink{name: "to " + destination, handle: c.handles}
		c.handles++
		c.senders[destination] = l
		a := frame.Attach{Name: l.name, Handle: l.handle, Role: frame.Sender, SenderMode: frame.Mixed, HasInitialCount: true, Source: &frame.Source{}}
		if destination == "" {
			a.SenderMode, a.Coordinator = frame.Unsettled, &frame.Coordinator{Capabilities: []string{"amqp:local-transactions"}}
		} else {
			a.Target = &frame.Target{Terminus: frame.Terminus{Address: address(destination), HasAddress: true}}
		}
		c.write(a.Append(c.buf, 0))
	}
	return l, nil
}

// post sends a message and returns its delivery-id.
func (c *amqpClient) post(l *amqpLink, octets []byte, settled bool, state []byte) (uint32, error) {
	if l.credit == 0 || int32(c.window) <= 0 {
		if err := c.await("credit", func() bool { return l.credit > 0 && int32(c.window) > 0 }); err != nil {
			return 0, err
		}
	}
	id := c.nextDelivery
	c.nextDelivery++
	l.count++
	l.credit--
	room := c.maxFrame - 128 - len(state)
	t := frame.Transfer{
		Handle: l.handle, DeliveryID: id, HasID: true, Tag: binary.BigEndian.AppendUint32(nil, id), HasFormat: true, Settled: settled, HasSettled: true, State: state,
	}
	for {
		n := min(room, len(octets))
		t.More = n < len(octets)
		b, at := t.Append(c.buf, 0)
		c.write(frame.End(append(b, octets[:n]...), at))
		c.nextOutgoing++
		c.window--
		octets = octets[n:]
		if !t.More {
			return id, nil
		}
		t = frame.Transfer{Handle: l.handle, State: state}
		if int32(c.window) <= 0 {
			if err := c.await("room in the window", func() bool { return int32(c.window) > 0 }); err != nil {
				return 0, err
			}
		}
	}
}

func (c *amqpClient) Send(m Message, token uint64) error {
	l, err := c.sender(m.Destination)
	if err != nil {
		return err
	}
	h := section.Header{Durable: m.Persistent, Priority: section.DefaultPriority}
	b := h.Append(nil)
	if m.Label != "" {
		k := section.OpenMap(b, section.ApplicationCode)
		k.String("torture")
		k.String(m.Label)
		b = k.Close()
	}
	b = wire.AppendBinary(wire.AppendDescriptor(b, section.DataCode), m.Body)
	id, err := c.post(l, b, token == 0 && m.Transaction == "", c.state(m.Transaction, frame.NoState))
	if err == nil && (token != 0 || m.Transaction != "") {
		c.sent[id] = token
	}
	return err
}

// state returns the encoded state of a delivery in a transaction, or outside of one.
func (c *amqpClient) state(transaction string, kind frame.StateKind) []byte {
	s := frame.State{Kind: kind}
	switch {
	case transaction != "":
		s.InTransaction, s.Txn = true, c.ids[transaction]
	case kind == frame.NoState:
		return nil
	}
	return s.Append(nil)
}

func (c *amqpClient) Subscribe(id string, s Subscription) error {
	l := &amqpLink{name: "from " + id + " " + s.Destination, handle: c.handles, receiver: true, id: id, mode: s.Mode, prefetch: uint32(s.Prefetch)}
	if s.Prefetch == 0 {
		l.prefetch = 100
	}
	c.handles++
	// What is lost with the connection has failed, as JMS clients say; else it would not come flagged.
	failed := frame.State{Kind: frame.Modified, Failed: true}
	source := &frame.Source{Terminus: frame.Terminus{Address: address(s.Destination), HasAddress: true}, Default: failed.Append(nil)}
	if s.Durable != "" {
		l.name = s.Durable
		source.Durable, source.Expiry = 2, "never"
	}
	mode := frame.Unsettled
	if s.Mode == Auto {
		mode = frame.Settled
	}
	c.senders["subscription "+id] = l
	a := frame.Attach{Name: l.name, Handle: l.handle, Role: frame.Receiver, SenderMode: mode, Source: source, Target: &frame.Target{}}
	c.write(a.Append(c.buf, 0))
	if err := c.await("the attach", func() bool { return l.attached }); err != nil {
		return fmt.Errorf("subscribe to %s: %w", s.Destination, err)
	}
	c.grant(l)
	return c.Flush()
}

// grant gives credit for as many deliveries as may be unsettled beside those that are.
func (c *amqpClient) grant(l *amqpLink) {
	l.credit = l.prefetch - min(l.held, l.prefetch)
	w := frame.Flow{
		NextIncoming: c.nextIncoming, HasNextIncoming: true, IncomingWindow: amqpWindow, NextOutgoing: c.nextOutgoing, OutgoingWindow: amqpWindow,
		Handle: l.handle, HasHandle: true, DeliveryCount: l.count, HasCount: true, Credit: l.credit, HasCredit: true,
	}
	c.write(w.Append(c.buf, 0))
}

func (c *amqpClient) Ack(d Delivery, transaction string, token uint64) error {
	n, err := strconv.ParseUint(d.Handle, 10, 32)
	l := c.senders["subscription "+d.Subscription]
	if err != nil || l == nil {
		return fmt.Errorf("delivery %s is not known", d.Handle)
	}
	p := frame.Disposition{
		Role: frame.Receiver, First: uint32(n), Last: uint32(n), Settled: token == 0 && transaction == "", State: c.state(transaction, frame.Accepted),
	}
	r := retirement{link: l, last: p.Last, settled: 1}
	if l.mode == Cumulative {
		p.First = l.oldest
		r.settled = p.Last - p.First + 1
	}
	if token != 0 {
		c.settling[p.Last] = token
	}
	c.write(p.Append(c.buf, 0))
	if transaction != "" {
		c.retired[transaction] = append(c.retired[transaction], r)
	} else {
		c.retire(r)
	}
	return nil
}

// retire notes what a subscription does not hold any more, which makes room for more.
func (c *amqpClient) retire(r retirement) {
	l := r.link
	l.oldest = r.last + 1
	l.held -= min(r.settled, l.held)
	if l.credit < l.prefetch/2 {
		c.grant(l)
	}
}

func (c *amqpClient) Begin(transaction string) error {
	l, err := c.sender("")
	if err != nil {
		return err
	}
	var id []byte
	n, err := c.post(l, c.control(frame.Control{}), false, nil)
	if err != nil {
		return err
	}
	c.declared[n] = &id
	if err := c.await("a transaction", func() bool { return id != nil }); err != nil {
		return err
	}
	if len(id) == 0 {
		return errors.New("a transaction was not declared")
	}
	c.ids[transaction] = id
	return nil
}

func (c *amqpClient) control(k frame.Control) []byte {
	return k.Append(wire.AppendDescriptor(nil, section.ValueCode))
}

func (c *amqpClient) Commit(transaction string, token uint64) error {
	return c.discharge(transaction, false, token)
}

func (c *amqpClient) Abort(transaction string, token uint64) error {
	return c.discharge(transaction, true, token)
}

func (c *amqpClient) discharge(transaction string, fail bool, token uint64) error {
	l, err := c.sender("")
	if err != nil {
		return err
	}
	id, err := c.post(l, c.control(frame.Control{Discharge: true, Txn: c.ids[transaction], Fail: fail}), false, nil)
	if err == nil {
		c.sent[id] = token
		if !fail {
			for _, r := range c.retired[transaction] {
				c.retire(r)
			}
		}
		delete(c.retired, transaction)
		delete(c.ids, transaction)
	}
	return err
}

func (c *amqpClient) Next(wait time.Duration) (Event, error) {
	if c.out.Buffered() > 0 && len(c.queued) == 0 {
		if err := c.Flush(); err != nil {
			return Event{}, err
		}
	}
	for len(c.queued) == 0 {
		if err := c.read(wait); err != nil {
			return Event{}, err
		}
	}
	e := c.queued[0]
	c.queued = c.queued[1:]
	return e, nil
}

func (c *amqpClient) Close() error {
	defer c.conn.Close()
	c.closed = true
	goodbye := frame.Close{}
	c.write(goodbye.Append(c.buf))
	if err := c.Flush(); err != nil {
		return err
	}
	for {
		switch err := c.read(confirmTimeout); {
		case errors.Is(err, errGoodbye):
			return nil
		case err != nil:
			return fmt.Errorf("close: %w", err)
		}
	}
}

func (c *amqpClient) Abandon() { c.conn.Close() }
