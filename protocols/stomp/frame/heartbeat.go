package frame

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// HeartBeat is a heart-beat header: what its sender offers and what it wishes, in
// milliseconds; zero means none. [STOMP-1.2 Heart-beating]
type HeartBeat struct {
	Send    uint32 // the sender guarantees some octet at least this often
	Receive uint32 // the sender would like to get some octet at least this often
}

// ParseHeartBeat reads a heart-beat header: two decimal numbers up to 2^31. White space around
// them is ignored.
func ParseHeartBeat(value []byte) (HeartBeat, error) {
	send, receive, ok := bytes.Cut(value, []byte{','})
	s, okSend := parseMillis(send)
	r, okReceive := parseMillis(receive)
	if !ok || !okSend || !okReceive {
		return HeartBeat{}, &Error{Fatal: true, Text: "Invalid heart-beat header:" + clip(value)}
	}
	return HeartBeat{Send: s, Receive: r}, nil
}

func parseMillis(field []byte) (uint32, bool) {
	field = bytes.TrimSpace(field)
	if len(field) == 0 || len(field) > 10 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(field), 10, 64)
	return uint32(n), err == nil && n <= math.MaxInt32+1
}

// Answer returns the server's side for a client's: what the client proposes, mirrored, with no
// interval under least milliseconds.
func (h HeartBeat) Answer(least uint32) HeartBeat {
	return HeartBeat{Send: atLeast(h.Receive, least), Receive: atLeast(h.Send, least)}
}

func atLeast(ms, least uint32) uint32 {
	if ms == 0 {
		return 0
	}
	return max(ms, least)
}

// Intervals returns how often the side that sent h may expect an octet from the side that sent
// peer, and how often it has to send one; zero means never.
func (h HeartBeat) Intervals(peer HeartBeat) (read, write time.Duration) {
	return interval(peer.Send, h.Receive), interval(h.Send, peer.Receive)
}

func interval(offered, wished uint32) time.Duration {
	if offered == 0 || wished == 0 {
		return 0
	}
	return time.Duration(max(offered, wished)) * time.Millisecond
}

func (h HeartBeat) appendTo(dst []byte) []byte {
	dst = strconv.AppendUint(dst, uint64(h.Send), 10)
	dst = append(dst, ',')
	return strconv.AppendUint(dst, uint64(h.Receive), 10)
}
