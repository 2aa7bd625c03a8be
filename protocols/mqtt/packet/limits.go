package packet

// Limits bounds what a peer may send. Zero means no limit of its own.
type Limits struct {
	Packet  int // octets of a whole packet, fixed header included
	Filters int // in one SUBSCRIBE or UNSUBSCRIBE
	// UserProperties bounds the user properties of one packet.
	UserProperties int
}

// DefaultLimits returns limits that no honest client notices.
func DefaultLimits() Limits {
	return Limits{Packet: MaxRemaining + 5, Filters: 4096, UserProperties: 4096}
}

func exceeds(n, limit int) bool { return limit > 0 && n > limit }
