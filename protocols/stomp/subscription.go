package stomp

import (
	"bytes"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols/stomp/frame"
	"github.com/manifoldmq/manifold/protocols/stomp/transform"
)

type ackMode uint8

const (
	ackAuto       ackMode = iota
	ackClient             // an ACK is for all deliveries up to its own
	ackIndividual         // an ACK is for one delivery
)

// subscription is one SUBSCRIBE of a client.
type subscription struct {
	*broker.Subscription
	conn           *connection
	id             string // the client's, "" if a 1.0 client gave none
	index          uint64 // ours, part of the ack header
	header         []byte // the subscription header line
	destination    string
	mode           ackMode
	browser        bool
	transformation transform.Transformation
	prefetch       uint64

	// Acknowledgements that arrived within one read burst and follow each other are settled
	// as one range.
	ackFirst, ackLast uint64

	ended atomic.Bool // the broker has closed it: its id is free

	mu      sync.Mutex
	encoded uint64 // number of the last delivery that was made a frame
	over    bool   // deliveries that are still on their way are not sent any more
}

// ack settles a delivery, and with mode client all before it, at the end of the burst.
func (s *subscription) ack(n uint64) {
	first := n
	if s.mode == ackClient {
		first = 1
	}
	switch {
	case s.ackLast != 0 && n == s.ackLast+1:
		s.ackLast = n
		return
	case s.ackLast != 0 && s.mode == ackClient:
		s.ackFirst, s.ackLast = 1, max(n, s.ackLast)
		return
	}
	s.settleAcks()
	s.ackFirst, s.ackLast = first, n
	s.conn.acked = append(s.conn.acked, s)
}

// isAcked reports whether a delivery waits to be settled.
func (s *subscription) isAcked(n uint64) bool {
	return s.ackLast != 0 && n >= s.ackFirst && n <= s.ackLast
}

// settleAcks settles what ack gathered.
func (s *subscription) settleAcks() {
	if s.ackLast == 0 {
		return
	}
	first, last := s.ackFirst, s.ackLast
	s.ackFirst, s.ackLast = 0, 0
	s.settle(first, last, broker.Outcome{}, nil, 0)
}

// settle gives deliveries an outcome and lets as many new ones come.
func (s *subscription) settle(first, last uint64, o broker.Outcome, tx *broker.Transaction, t broker.Token) (int, error) {
	n, err := s.Settle(first, last, o, tx, t)
	if n > 0 {
		s.Extend(uint64(n))
	}
	return n, err
}

// stop lets no more deliveries be sent, and returns the number of the last that was.
func (s *subscription) stop() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	return s.encoded
}

// encode appends the MESSAGE frame of a delivery, unless the subscription has ended.
func (s *subscription) encode(dst []byte, d *broker.Delivery) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return dst
	}
	s.encoded = d.Number
	return appendMessage(dst, s, d)
}

// appendAckID appends the ack header's value for a delivery.
func (s *subscription) appendAckID(dst []byte, number uint64) []byte {
	dst = append(dst, "ID-"...)
	dst = strconv.AppendUint(dst, s.index, 10)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, number, 10)
}

// parseAckID reads what appendAckID writes.
func parseAckID(id []byte) (index, number uint64, ok bool) {
	rest, ok := bytes.CutPrefix(id, []byte("ID-"))
	if !ok {
		return 0, 0, false
	}
	a, b, ok := bytes.Cut(rest, []byte{'-'})
	if !ok {
		return 0, 0, false
	}
	index, err1 := strconv.ParseUint(view(a), 10, 64)
	number, err2 := strconv.ParseUint(view(b), 10, 64)
	return index, number, err1 == nil && err2 == nil
}

// appendBrowserEnd appends the frame that ends a browser's messages.
func appendBrowserEnd(dst []byte, s *subscription) []byte {
	v := s.conn.version
	dst = frame.AppendCommand(dst, frame.Message)
	dst = append(dst, s.header...)
	dst = frame.AppendKnown(dst, v, frame.Destination, s.destination)
	dst = append(dst, "browser:end\nmessage-id:0\n"...)
	return frame.AppendTail(frame.AppendEnd(dst))
}

// wrote settles deliveries that need no acknowledgement, and lets as many new ones come.
func (s *subscription) wrote(first, last uint64) {
	if s.browser {
		s.Extend(last - first + 1)
		return
	}
	s.mu.Lock()
	last = min(last, s.encoded)
	s.mu.Unlock()
	if last >= first {
		_, _ = s.settle(first, last, broker.Outcome{}, nil, 0)
	}
}

// finish settles what the client has got of a subscription without acknowledgements, and ends
// it.
func (s *subscription) finish() {
	seen := s.stop()
	if s.mode == ackAuto && !s.browser {
		_, _ = s.Settle(1, seen, broker.Outcome{}, nil, 0)
	}
	s.Subscription.Close(seen, 0)
}
