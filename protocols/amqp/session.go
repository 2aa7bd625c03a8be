package amqp

import (
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// session is one session of a client. It is the sink of its links' subscriptions: what its window
// does not let out is held here, so that it holds back only itself.
type session struct {
	c       *connection
	channel uint16 // ours
	remote  uint16 // the client's

	// The reader's.
	links     map[uint32]link // by the client's handle
	handles   map[uint32]bool // ours
	handleMax uint32          // the client's
	discard   bool            // end was sent with an error: whatever comes is dropped until the client's
	seen      uint32          // the last delivery-id from the client
	hasSeen   bool
	acks      acks
	spans     []span // scratch

	nextIncoming atomic.Uint32 // transfer-id of the client's next frame
	windowEnd    atomic.Uint32 // transfer-ids up to it, exclusively, may come
	sendLimit    atomic.Uint32 // transfer-ids up to it, exclusively, may be sent
	over         atomic.Bool   // nothing is sent any more

	// The writer's.
	nextOutgoing uint32
	nextDelivery uint32
	held         []held
	sentBytes    int64 // of deliveries, since Written

	mu     sync.Mutex
	bytes  int64 // of deliveries that were not sent yet
	choked []*queue.Consumer
	runs   runs
	// Deliveries from the client on links that can be taken up again, by delivery-id.
	inbound map[uint32]inbound
}

// sessionBudget is how many bytes of deliveries a session may hold.
const sessionBudget = 1 << 20

// begin serves begin. [AMQP 2.7.2]
func (c *connection) begin(channel uint16, f wire.Fields) error {
	b, err := frame.ParseBegin(f)
	switch {
	case err != nil:
		return err
	case channel > channelMax:
		return &frame.Error{Condition: frame.FramingError, Description: "the channel is above channel-max"}
	case c.sessions[channel] != nil:
		return &frame.Error{Condition: frame.FramingError, Description: "there is a session on the channel already"}
	case len(c.sessions) >= maxSessions:
		return &frame.Error{Condition: frame.ResourceLimitExceeded, Description: "the connection has " + strconv.Itoa(maxSessions) + " sessions, which is the limit"}
	case b.HasRemote:
		return &frame.Error{Condition: frame.NotAllowed, Description: "begin answers none of ours"}
	}
	own := channel
	for n := uint16(0); own > c.peer.ChannelMax || c.channels[own]; n++ {
		if n >= c.peer.ChannelMax {
			return &frame.Error{Condition: frame.ResourceLimitExceeded, Description: "no channel is free"}
		}
		own = n
	}
	s := &session{
		c: c, channel: own, remote: channel, handleMax: b.HandleMax,
		links: make(map[uint32]link), handles: make(map[uint32]bool),
	}
	s.nextIncoming.Store(b.NextOutgoing)
	s.windowEnd.Store(b.NextOutgoing + sessionWindow)
	s.sendLimit.Store(b.IncomingWindow) // our first transfer-id is 0
	c.sessions[channel] = s
	c.channels[own] = true
	reply := frame.Begun{
		Remote: channel, HasRemote: true, IncomingWindow: sessionWindow, OutgoingWindow: outgoingWindow, HandleMax: handleMax,
	}
	c.out.Raw(reply.Append(nil, own))
	return nil
}

// handle serves a frame on the session's channel. Errors end the connection.
func (s *session) handle(code uint64, f wire.Fields, payload []byte) error {
	if s.discard && code != frame.CodeEnd {
		return nil // [AMQP 2.5.5]
	}
	var err error
	switch code {
	case frame.CodeTransfer:
		err = s.transfer(f, payload)
	case frame.CodeDisposition:
		err = s.disposition(f)
	case frame.CodeFlow:
		err = s.flow(f)
	case frame.CodeAttach:
		err = s.attach(f)
	case frame.CodeDetach:
		err = s.detach(f)
	case frame.CodeEnd:
		if _, err := frame.ParseEnd(f); err != nil {
			return err
		}
		s.ended()
		return nil
	default:
		return &frame.Error{Condition: frame.NotAllowed, Description: "a frame that has no place on a session"}
	}
	if se, ok := err.(*sessionError); ok {
		s.fail(se.e)
		return nil
	}
	return err
}

// sessionError ends the session, and nothing else.
type sessionError struct{ e *frame.Error }

// Error implements error.
func (e *sessionError) Error() string { return e.e.Error() }

func violation(condition frame.Condition, text string) error {
	return &sessionError{&frame.Error{Condition: condition, Description: text}}
}

// fail says end with an error. [AMQP 2.5.4]
func (s *session) fail(e *frame.Error) {
	s.close()
	s.discard = true
	s.c.out.Raw((&frame.Ended{Error: e}).Append(nil, s.channel))
}

// ended serves the client's end. Both channel numbers are free afterwards.
func (s *session) ended() {
	if !s.discard {
		s.close()
		s.c.out.Raw((&frame.Ended{}).Append(nil, s.channel))
	}
	delete(s.c.sessions, s.remote)
	delete(s.c.channels, s.channel)
}

// close ends all links, as if they were lost: durable subscriptions stay.
func (s *session) close() {
	s.quiet()
	for _, l := range s.links {
		l.end(false)
		if r, ok := l.(*receiver); ok {
			r.forget(false)
		}
	}
	clear(s.links)
	clear(s.handles)
}

// quiet lets nothing more be sent, nor delivered to the session: what one of its links gives back
// must not go to another.
func (s *session) quiet() {
	s.flush()
	s.over.Store(true)
	for _, l := range s.links {
		if k, ok := l.(*sender); ok && !k.stop() && k.sub != nil {
			k.voidCredit()
		}
	}
}

// flush implements flusher: settlements that were gathered take effect.
func (s *session) flush() { s.acks.flush(s) }

// handle for a new link of ours: the client's number where that may be.
func (s *session) newHandle(remote uint32) (uint32, bool) {
	h := remote
	for n := uint32(0); h > s.handleMax || s.handles[h]; n++ {
		if n > s.handleMax || n > handleMax {
			return 0, false
		}
		h = n
	}
	s.handles[h] = true
	return h, true
}

// flow serves flow. [AMQP 2.5.6, 2.6.7]
func (s *session) flow(f wire.Fields) error {
	w, err := frame.ParseFlow(f)
	if err != nil {
		return err
	}
	if w.NextOutgoing != s.nextIncoming.Load() {
		return violation(frame.WindowViolation, "next-outgoing-id is not what was expected")
	}
	next := uint32(0) // our first: the client had not seen our begin
	if w.HasNextIncoming {
		next = w.NextIncoming
	}
	old := s.sendLimit.Swap(next + w.IncomingWindow)
	if int32(next+w.IncomingWindow-old) > 0 {
		s.c.out.Own((*windowItem)(s))
	}
	if !w.HasHandle {
		if w.Echo {
			s.c.out.Own((*sessionFlow)(s))
		}
		return nil
	}
	l := s.links[w.Handle]
	if l == nil {
		return violation(frame.UnattachedHandle, "there is no link with the handle")
	}
	return l.flow(&w)
}

// received counts a transfer frame and keeps the window open. [AMQP 2.5.6]
func (s *session) received() error {
	next := s.nextIncoming.Load()
	end := s.windowEnd.Load()
	if next == end {
		return violation(frame.WindowViolation, "the session's window is used up")
	}
	next++
	s.nextIncoming.Store(next)
	if end-next < sessionWindow/2 {
		s.windowEnd.Store(next + sessionWindow)
		s.c.out.Own((*sessionFlow)(s))
	}
	return nil
}

// Deliver implements broker.Sink.
func (s *session) Deliver(ds []broker.Delivery) (room bool) {
	var n int64
	for i := range ds {
		n += int64(ds[i].Msg.Size()) + 128
	}
	room = s.c.out.Deliver(ds)
	s.mu.Lock()
	if s.bytes += n; s.bytes >= sessionBudget && room {
		s.choked = append(s.choked, ds[0].Consumer)
		room = false
	}
	s.mu.Unlock()
	return room
}

// Drained implements broker.Sink.
func (s *session) Drained(c *queue.Consumer) { s.c.out.Drained(c) }

// Closed implements broker.Sink.
func (s *session) Closed(c *queue.Consumer, err error) { s.c.out.Sink().Closed(c, err) }

// Wake implements broker.Sink.
func (s *session) Wake() { s.c.out.Wake() }

// sent accounts for deliveries that are out, and lets subscriptions that waited for room go on.
func (s *session) sent() {
	n := s.sentBytes
	if s.sentBytes = 0; n == 0 {
		return
	}
	var resume []*queue.Consumer
	s.mu.Lock()
	if s.bytes -= n; len(s.choked) > 0 && s.bytes < sessionBudget/2 {
		resume, s.choked = s.choked, nil
	}
	s.mu.Unlock()
	for _, c := range resume {
		c.Resume()
	}
}
