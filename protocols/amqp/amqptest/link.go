package amqptest

import (
	"encoding/binary"
	"fmt"
)

// Link is one end of a link. Its methods fail as those of [Client] do.
type Link struct {
	*Session
	Name     string
	handle   uint32
	remote   uint32
	receiver bool
	attached bool

	credit uint32 // of a sender
	count  uint32 // delivery-count
	tags   uint64

	partial    *Delivery
	deliveries []*Delivery

	Attached Frame // the broker's attach
}

// Delivery is a message received.
type Delivery struct {
	Message
	Link    *Link
	ID      uint32
	Tag     []byte
	Settled bool
	State   any
	Octets  []byte // the whole message
	Frames  int
	Aborted bool
	fault   error
}

// Terms are what an attach says. Missing fields are those of a plain client.
type Terms struct {
	Name         string
	Source       any // Terminus, or anything else as it is
	Target       any
	Snd, Rcv     any // settle modes
	Unsettled    any
	Incomplete   any
	MaxSize      any
	Desired      []Symbol
	Properties   any
	InitialCount any
}

// Sender attaches a sender to an address and waits for credit.
func (s *Session) Sender(address any) *Link {
	s.t.Helper()
	return s.SenderWith(Terms{Target: Terminus{Address: address}})
}

// SenderWith attaches a sender with terms, and waits for credit.
func (s *Session) SenderWith(terms Terms) *Link {
	s.t.Helper()
	l := s.attach(false, terms)
	if l.Attached.Fields.At(6) == nil {
		s.t.Fatalf("the broker refused the link: %v, %v", l.Attached, s.next())
	}
	s.until("credit", func() bool { return l.credit > 0 })
	return l
}

// Receiver attaches a receiver to an address, without credit.
func (s *Session) Receiver(address any) *Link {
	s.t.Helper()
	return s.ReceiverWith(Terms{Source: Terminus{Address: address}})
}

// ReceiverWith attaches a receiver with terms, without credit.
func (s *Session) ReceiverWith(terms Terms) *Link {
	s.t.Helper()
	l := s.attach(true, terms)
	if l.Attached.Fields.At(5) == nil {
		s.t.Fatalf("the broker refused the link: %v, %v", l.Attached, s.next())
	}
	return l
}

// AttachWith attaches a receiver and gives it credit without waiting for the broker's answer; between the two it calls fn.
func (s *Session) AttachWith(terms Terms, fn func(), credit uint32) *Link {
	s.t.Helper()
	l := s.newLink(true, terms.Name)
	s.Write(l.frame(terms))
	fn()
	l.Credit(credit)
	l.await()
	return l
}

// Refused attaches a link, which the broker must refuse with one of the conditions: by an attach without the terminus
// that was asked for, and at once a closing detach [AMQP 2.6.3].
func (s *Session) Refused(receiver bool, terms Terms, conditions ...string) Frame {
	s.t.Helper()
	l := s.attach(receiver, terms)
	own := 6
	if receiver {
		own = 5
	}
	if l.Attached.Fields.At(own) != nil {
		s.t.Errorf("a refusing attach names a terminus: %v", l.Attached)
	}
	if (l.Attached.Fields.At(3) == nil || l.Attached.Fields.At(4) == nil) && !s.lenient {
		s.t.Errorf("a refusing attach lacks a settle mode, which some clients take for the reason: %v", l.Attached)
	}
	f := s.answer()
	if f.Code != Detach || f.Num(0) != l.remote || !f.Bool(1) {
		s.t.Fatalf("got %v behind the refusing attach, want a closing detach", f)
	}
	s.want(f, conditions)
	s.Write(P(s.channel, Detach, l.handle, true))
	return f
}

func (s *Session) attach(receiver bool, terms Terms) *Link {
	s.t.Helper()
	l := s.newLink(receiver, terms.Name)
	s.Write(l.frame(terms))
	l.await()
	return l
}

func (s *Session) newLink(receiver bool, name string) *Link {
	if name == "" {
		name = fmt.Sprintf("link-%d-%d", s.channel, s.handles)
	}
	l := &Link{Session: s, Name: name, handle: s.handles, receiver: receiver}
	s.handles++
	s.links = append(s.links, l)
	return l
}

// await waits for the broker's attach.
func (l *Link) await() {
	l.t.Helper()
	l.Attached = l.Await("an attach", func(f Frame) bool {
		return f.Code == Attach && f.Channel == l.Session.remote && f.Str(0) == l.Name && f.Bool(2) != l.receiver
	})
	l.remote, l.attached = l.Attached.Num(1), true
	if l.receiver {
		l.count = l.Attached.Num(9)
	}
}

// frame returns the attach that the terms ask for.
func (l *Link) frame(terms Terms) Frame {
	source, target := terms.Source, terms.Target
	if t, ok := source.(Terminus); ok {
		source = t.Source()
	} else if source == nil && !l.receiver {
		source = D(SourceCode)
	}
	if t, ok := target.(Terminus); ok {
		target = t.Target()
	} else if target == nil && l.receiver {
		target = D(TargetCode)
	}
	count := terms.InitialCount
	if count == nil && !l.receiver {
		count = uint32(0)
	}
	return P(l.channel, Attach, l.Name, l.handle, l.receiver, terms.Snd, terms.Rcv, source, target, terms.Unsettled, terms.Incomplete,
		count, terms.MaxSize, nil, symbols(terms.Desired), terms.Properties)
}

// take files a transfer.
func (l *Link) take(f Frame) {
	d := l.partial
	if d == nil {
		tag, _ := f.Fields.At(2).([]byte)
		d = &Delivery{Link: l, ID: f.Num(1), Tag: tag, State: f.Fields.At(7)}
		if f.Fields.At(1) == nil || f.Fields.At(2) == nil || f.Fields.At(3) == nil {
			d.fault = fmt.Errorf("the first frame of a delivery lacks id, tag or format: %v", f)
		}
		l.count++
		l.partial = d
	}
	d.Frames++
	d.Settled = d.Settled || f.Bool(4)
	d.Octets = append(d.Octets, f.Payload...)
	if f.Bool(5) && !f.Bool(9) {
		return
	}
	l.partial = nil
	if d.Aborted = f.Bool(9); !d.Aborted && d.fault == nil {
		d.Message, d.fault = DecodeMessage(d.Octets)
	}
	l.deliveries = append(l.deliveries, d)
}

// Credit gives the broker so much credit, counted from now.
func (l *Link) Credit(n uint32) {
	l.t.Helper()
	l.Flow(l.handle, l.count, n)
}

// Drain gives credit and asks to use it up; it waits for the answer and returns the deliveries that came before it.
func (l *Link) Drain(n uint32) []*Delivery {
	l.t.Helper()
	l.forgetFlows()
	l.Flow(l.handle, l.count, n, nil, true)
	f := l.Await("the answer to a drain", func(f Frame) bool {
		return f.Code == Flow && f.Channel == l.Session.remote && f.Fields.At(4) != nil && f.Num(4) == l.remote && f.Num(6) == 0
	})
	l.count = f.Num(5)
	return l.Arrived()
}

// Arrived returns what has come and was not taken.
func (l *Link) Arrived() []*Delivery {
	list := l.deliveries
	l.deliveries = nil
	return list
}

// Receive returns the next delivery.
func (l *Link) Receive() *Delivery {
	l.t.Helper()
	l.until("a delivery on "+l.Name, func() bool { return len(l.deliveries) > 0 })
	d := l.deliveries[0]
	l.deliveries = l.deliveries[1:]
	if d.fault != nil {
		l.t.Fatalf("delivery of %.60x: %v", d.Octets, d.fault)
	}
	return d
}

// Take gives a credit of one and returns the delivery.
func (l *Link) Take() *Delivery {
	l.t.Helper()
	l.Credit(1)
	return l.Receive()
}

// Settle sends a disposition for a delivery.
func (d *Delivery) Settle(state any, settled bool) {
	d.Link.t.Helper()
	d.Link.Write(P(d.Link.channel, Disposition, true, d.ID, nil, settled, state))
}

// Accept accepts a delivery, settled, and makes a round trip.
func (d *Delivery) Accept() {
	d.Link.t.Helper()
	d.Settle(D(Accepted), true)
	d.Link.Sync()
}

// Transfers returns the frames that bring a message, with the fields of transfer from settled on.
func (l *Link) Transfers(octets []byte, settled bool, state any) []Frame {
	room := l.maxFrame() - 64 - len(Append(nil, state))
	id := l.deliveryID
	l.deliveryID++
	l.tags++
	l.count++
	l.credit--
	tag := binary.BigEndian.AppendUint64(nil, l.tags)
	var frames []Frame
	for first := true; first || len(octets) > 0; first = false {
		part := octets[:min(room, len(octets))]
		octets = octets[len(part):]
		f := P(l.channel, Transfer, l.handle, id, tag, uint32(0), settled, len(octets) > 0, nil, state)
		f.Payload = part
		frames = append(frames, f)
	}
	l.nextOutgoing += uint32(len(frames))
	l.window -= uint32(len(frames))
	return frames
}

// Post sends a message and returns its delivery-id, as soon as the broker takes it.
func (l *Link) Post(m Message, settled bool, state any) uint32 {
	l.t.Helper()
	l.until("credit", func() bool { return l.credit > 0 })
	id := l.deliveryID
	sent := l.nextOutgoing
	for _, f := range l.Transfers(m.Encode(), settled, state) {
		// Transfers counts all its frames at once, so what the broker takes is counted here.
		l.until("room in the session's window", func() bool { return int32(l.window+l.nextOutgoing-sent) > 0 })
		l.Write(f)
		sent++
	}
	return id
}

// Send sends a message, waits for its outcome, which must be settled, and returns it.
func (l *Link) Send(m Message) any {
	l.t.Helper()
	f := l.outcome(l.Post(m, false, nil))
	if !f.Bool(3) {
		l.t.Errorf("the outcome of a message is not settled: %v", f)
	}
	return f.Fields.At(4)
}

// Put sends messages, which must be accepted.
func (l *Link) Put(messages ...Message) {
	l.t.Helper()
	for _, m := range messages {
		if state := l.Send(m); Code(state) != Accepted {
			l.t.Fatalf("a message was not accepted: %s", Text(state))
		}
	}
}

// PutTexts sends durable messages with a text each.
func (l *Link) PutTexts(texts ...string) {
	l.t.Helper()
	for _, text := range texts {
		l.Put(TextMessage(text).Durable())
	}
}

// WantTexts receives as many messages as texts, which must be theirs, in order.
func (l *Link) WantTexts(texts ...string) []*Delivery {
	l.t.Helper()
	var list []*Delivery
	for _, text := range texts {
		d := l.Receive()
		if d.Text() != text {
			l.t.Fatalf("received %q, want %q of %q", d.Text(), text, texts)
		}
		list = append(list, d)
	}
	return list
}

// Detach detaches the link, closing or not, and waits for the answer, which must be of the same kind.
func (l *Link) Detach(closing bool) {
	l.t.Helper()
	l.Write(P(l.channel, Detach, l.handle, closing))
	f := l.detached()
	if Condition(f) != "" || f.Bool(1) != closing && !l.lenient {
		l.t.Errorf("the answer to a detach with closed=%v is %v", closing, f)
	}
}

func (l *Link) closes() { l.Detach(true) }

// Failed waits for the broker to detach the link with one of the conditions, and answers.
func (l *Link) Failed(conditions ...string) Frame {
	l.t.Helper()
	f := l.detached()
	if !f.Bool(1) {
		l.t.Errorf("the broker's own detach does not close: %v", f)
	}
	l.want(f, conditions)
	l.Write(P(l.channel, Detach, l.handle, true))
	return f
}

func (l *Link) detached() Frame {
	l.t.Helper()
	f := l.Await("a detach", func(f Frame) bool {
		return f.Code == Detach && f.Channel == l.Session.remote && f.Num(0) == l.remote
	})
	l.attached = false
	return f
}
