package frame

// Limits bounds what a peer may send. A length exactly at its limit is allowed. Lengths are in
// octets, line ends not counted; zero means no limit.
type Limits struct {
	Command int // the command line
	Header  int // one header line, name and value
	Headers int // header lines in one frame
	Head    int // all header lines of one frame together
	Data    int // the body
	Frame   int // the whole frame, from its command to its NUL
}

// DefaultLimits returns ActiveMQ's limits, a body of 100 MiB and no limit on the frame, and
// 1 MiB of header lines, of which ActiveMQ would hold up to 10 MB.
func DefaultLimits() Limits {
	return Limits{Command: 1024, Header: 10240, Headers: 1000, Head: 1 << 20, Data: 100 << 20}
}

// LoginLimits returns the limits for a peer that has not said who it is: as DefaultLimits,
// with frames of at most 64 KiB.
func LoginLimits() Limits {
	l := DefaultLimits()
	l.Data, l.Frame = 64<<10, 64<<10
	return l
}

func exceeds(n, limit int) bool { return limit > 0 && n > limit }
