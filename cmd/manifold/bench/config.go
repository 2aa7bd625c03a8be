package bench

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// Mode is what a run does.
type Mode string

// The modes.
const (
	Queue   Mode = "queue"   // as fast as it goes; each message is owed to one consumer
	Topic   Mode = "topic"   // as fast as it goes; each message is owed to every consumer
	Latency Mode = "latency" // a queue, at an even rate
	Backlog Mode = "backlog" // first everything is sent, then it is received
	Idle    Mode = "idle"    // connections that do nothing
)

// Modes lists all modes.
func Modes() []Mode { return []Mode{Queue, Topic, Latency, Backlog, Idle} }

// Ack is how consumers acknowledge.
type Ack string

// The kinds of acknowledgement.
const (
	AckAuto       Ack = "auto"       // the broker takes a message as settled when it has sent it
	AckIndividual Ack = "individual" // an ACK frame for each message
)

// Config describes one run.
type Config struct {
	Target Target
	TLS    *tls.Config // for targets with TLS; nil: the system's authorities

	Mode         Mode
	Producers    int // each with a connection of its own, as Consumers
	Consumers    int
	Destinations int // over which producers and consumers are spread, one after the other
	Prefix       string

	Count    int           // messages to send, by all producers together; 0: no limit
	Duration time.Duration // how long to send; 0: no limit

	Size       int // bytes of body, StampSize or more
	Persistent bool
	Window     int // receipts outstanding at most, of each producer; 0: none are asked for
	Ack        Ack
	Prefetch   int     // 0: the broker's default
	Rate       float64 // messages per second of all producers together, in mode Latency

	Connections int           // in mode Idle
	Settle      time.Duration // how long the broker is left alone before its memory is read, in mode Idle

	Stall time.Duration // after so long without anything new, what is missing counts as lost
	PIDs  []int         // processes of the broker, whose CPU and memory are measured; may be empty
}

// Defaults returns a Config without a target that can run.
func Defaults() Config {
	return Config{
		Mode: Queue, Producers: 1, Consumers: 1, Destinations: 1, Prefix: "bench",
		Count: 100_000, Size: 1024, Ack: AckAuto, Rate: 1000,
		Connections: 1000, Settle: 2 * time.Second, Stall: 10 * time.Second,
	}
}

// check returns the first thing that is wrong with c, with the exit code of a wrong command line.
func (c *Config) check() error {
	switch {
	case !slices.Contains(Modes(), c.Mode):
		return wrong("mode", "is one of %v, not %q", Modes(), c.Mode)
	case c.Stall <= 0:
		return wrong("stall", "is more than nothing")
	case len(c.PIDs) > 0 && !canMeasure:
		return wrong("pid", "needs Linux: elsewhere a process's CPU and memory can't be read")
	case slices.ContainsFunc(c.PIDs, func(pid int) bool { return pid < 1 }):
		return wrong("pid", "is positive")
	case c.Mode == Idle:
		return c.checkIdle()
	case c.Producers < 1 || c.Consumers < 1:
		return wrong("producers and --consumers", "are at least 1")
	case c.Destinations < 1 || c.Destinations > min(c.Producers, c.Consumers):
		return wrong("destinations", "is at least 1, and no more than producers or consumers")
	case c.Prefix == "" || strings.ContainsAny(c.Prefix, "\n\r\x00:,*>?"):
		return wrong("prefix", "is the beginning of a destination's name")
	case c.Count < 0 || c.Count > maxSequence:
		return wrong("count", "is between 0 and %d", maxSequence)
	case c.Duration < 0:
		return wrong("duration", "is not negative")
	case c.Count == 0 && c.Duration == 0:
		return wrong("count or --duration", "is needed: the run would not end")
	case c.Size < StampSize || c.Size > maxBody:
		return wrong("size", "is between %d, which the run needs for itself, and %d", StampSize, maxBody)
	case c.Window < 0 || c.Prefetch < 0:
		return wrong("window and --prefetch", "are not negative")
	case c.Ack != AckAuto && c.Ack != AckIndividual:
		return wrong("ack", "is %s or %s, not %q", AckAuto, AckIndividual, c.Ack)
	case c.Mode == Latency && (c.Rate <= 0 || c.Rate > 1e6):
		return wrong("rate", "is between 0 and a million messages per second")
	}
	return nil
}

func (c *Config) checkIdle() error {
	switch limit := maxConnections(); {
	case c.Connections < 1:
		return wrong("connections", "is at least 1")
	case c.Connections > limit:
		return wrong("connections", "is at most %d: more files may not be open at once here", limit)
	case c.Settle < 0:
		return wrong("settle", "is not negative")
	}
	return nil
}

func wrong(flag, format string, args ...any) error {
	return sysexit.Errorf(sysexit.Usage, "--%s %s", flag, fmt.Sprintf(format, args...))
}

// share returns how many messages a producer sends at most.
func (c *Config) share(producer int) uint64 {
	if c.Count == 0 {
		return maxSequence
	}
	n := c.Count / c.Producers
	if producer < c.Count%c.Producers {
		n++
	}
	return uint64(n)
}

// destination returns the name that the i-th producer or consumer uses in run id. Each run has
// names of its own, so that what an earlier one left behind does not disturb it.
func (c *Config) destination(id uint64, i int) string {
	kind := "queue"
	if c.Mode == Topic {
		kind = "topic"
	}
	return fmt.Sprintf("/%s/%s.%016x.%d", kind, c.Prefix, id, i%c.Destinations)
}
