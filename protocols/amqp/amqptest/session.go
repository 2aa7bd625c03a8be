package amqptest

import "slices"

// Session is one session. Its methods fail as those of [Client] do.
type Session struct {
	*Client
	channel uint16 // ours
	remote  uint16 // the broker's
	begun   bool

	nextIncoming uint32 // transfers received
	nextOutgoing uint32 // transfers sent
	window       uint32 // transfers that the broker takes
	deliveryID   uint32 // of the next delivery sent
	handles      uint32
	links        []*Link
	dispositions []Frame

	Begun Frame // the broker's begin
}

// ourWindow is the incoming-window that the suite's client states: it is never exhausted.
const ourWindow = 1 << 20

// Session begins a session.
func (c *Client) Session() *Session {
	c.t.Helper()
	return c.narrowSession(ourWindow)
}

// file notes what a frame from the broker says.
func (s *Session) file(f Frame) {
	switch f.Code {
	case Flow:
		s.window = f.Num(0) + f.Num(1) - s.nextOutgoing
		if f.Fields.At(0) == nil {
			s.window = f.Num(1) - s.nextOutgoing
		}
		for _, l := range s.links {
			if f.Fields.At(4) != nil && l.attached && l.remote == f.Num(4) && !l.receiver {
				l.credit = f.Num(5) + f.Num(6) - l.count
			}
		}
	case Transfer:
		s.nextIncoming++
		for _, l := range s.links {
			if l.attached && l.remote == f.Num(0) && l.receiver {
				l.take(f)
			}
		}
	case Disposition:
		s.dispositions = append(s.dispositions, f)
	}
}

// WriteOn sends a frame on the session's channel.
func (s *Session) WriteOn(f Frame) {
	s.t.Helper()
	f.Channel = s.channel
	s.Write(f)
}

// Flow sends a flow of the session, with further fields from the handle on.
func (s *Session) Flow(fields ...any) {
	s.t.Helper()
	s.Write(P(s.channel, Flow, append([]any{s.nextIncoming, uint32(ourWindow), s.nextOutgoing, uint32(ourWindow)}, fields...)...))
}

// Sync makes a round trip: the broker has handled all frames sent so far on the session.
func (s *Session) Sync() {
	s.t.Helper()
	if s.target.Peer == RabbitMQ { // which answers no echo of a session
		s.attach(false, Terms{Target: Terminus{Address: "/queue/amqptest.sync"}})
		return
	}
	s.forgetFlows()
	s.Flow(nil, nil, nil, nil, false, true)
	s.Await("the answer to an echo", func(f Frame) bool {
		return f.Code == Flow && f.Channel == s.remote && f.Fields.At(4) == nil && f.Num(0) == s.nextOutgoing
	})
}

// forgetFlows drops flows that came before, so that none of them passes for an answer.
func (s *Session) forgetFlows() {
	s.inbox = slices.DeleteFunc(s.inbox, func(f Frame) bool { return f.Code == Flow })
}

// outcome waits for the disposition of a delivery that was sent, and returns it.
func (s *Session) outcome(id uint32) Frame {
	s.t.Helper()
	var found Frame
	s.until("a disposition", func() bool {
		for _, f := range s.dispositions {
			first, last := f.Num(1), f.Num(1)
			if f.Fields.At(2) != nil {
				last = f.Num(2)
			}
			if f.Bool(0) && id-first <= last-first {
				found = f
				return true
			}
		}
		return false
	})
	return found
}

// settledByBroker waits for the broker's disposition of a delivery that was received.
func (s *Session) settledByBroker(id uint32) Frame {
	s.t.Helper()
	var found Frame
	s.until("the sender's disposition", func() bool {
		for _, f := range s.dispositions {
			first, last := f.Num(1), f.Num(1)
			if f.Fields.At(2) != nil {
				last = f.Num(2)
			}
			if !f.Bool(0) && id-first <= last-first {
				found = f
				return true
			}
		}
		return false
	})
	return found
}

// Ends ends the session and waits for the answer.
func (s *Session) Ends() {
	s.t.Helper()
	s.Write(P(s.channel, End))
	f := s.fate(End, s.remote)
	if Condition(f) != "" {
		s.t.Errorf("the answer to an end is %v", f)
	}
	s.begun = false
}

// Failed waits for the broker to end the session with one of the conditions, and answers.
func (s *Session) Failed(conditions ...string) Frame {
	s.t.Helper()
	f := s.fate(End, s.remote)
	s.want(f, conditions)
	s.Write(P(s.channel, End))
	s.begun = false
	return f
}
