// Package policy holds the settings of destinations. Every default of a destination comes from
// one look-up: the entries whose pattern matches are merged, the most specific one last, and
// the origin of each value is kept.
package policy

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
)

// Policy is what holds for one destination.
type Policy struct {
	DeadLetter DeadLetter
	Redelivery Redelivery
	Prefetch   Prefetch
	Limits     Limits

	Prioritized  bool // ten priorities are honoured
	StrictOrder  bool // no rotation among consumers
	AllExclusive bool // each consumer counts as exclusive

	AlwaysRetroactive bool          // every topic consumer gets what its topic remembers
	MaxDeliveries     int           // failed deliveries before a message is dead-lettered; 0 = no limit
	ExpirePeriod      time.Duration // how often waiting messages are searched for expired ones; 0 = never
	GroupLimit        int           // message groups that are remembered
	FlowControl       bool          // producers wait at a limit
	FailIfNoSpace     bool          // producers get an error at a limit instead
	FailAfter         time.Duration // they get it after waiting for so long; 0: the broker's setting holds
	Warning           time.Duration // how often at most the log tells of producers that wait
	Inactive          time.Duration // a destination without messages, consumers and producers is deleted after so long; 0 = never
	OfflineDurable    time.Duration // a durable subscription without a consumer is deleted after so long; 0 = never
	Recovery          Recovery
	Sending           Sending
	Start             Start
	Duplicates        Duplicates
	Slow              Slow
	Destinations      Destinations
	Advisories        Advisories
	AdvisoryBody      bool // advisories on messages have their bodies
}

// Destinations bounds how many there may be.
type Destinations struct {
	Max   int    // of those of one kind that match; below 0: any number
	Match string // the pattern of the entry that says so
}

// Duplicates says how a destination knows a message that is sent again. The zero value: it does not.
type Duplicates struct {
	Window int           // identities that are remembered
	Age    time.Duration // for so long at most; 0: no bound
	// Property has the identity of messages that have it. That of others is their message identifier.
	Property string
}

// Slow says when a consumer is closed that does not keep up.
type Slow struct {
	After     time.Duration // it was slow for so long; 0: never
	Count     int           // it has become slow so often; 0 or less: never
	AckWithin time.Duration // it has not settled anything for so long; 0: never
	Idle      bool          // AckWithin also holds for consumers that have nothing to settle
	Whole     bool          // its connection is closed
}

// On reports whether consumers are watched.
func (s *Slow) On() bool { return s.After > 0 || s.Count > 0 || s.AckWithin > 0 }

// Advisories are the events of a destination that are announced.
type Advisories uint16

// The advisories, by ActiveMQ's names.
const (
	NoConsumer        Advisories = 1 << iota // a non-persistent message comes to nobody
	SlowConsumer                             // a consumer has become slow
	FastProducer                             // a producer has to wait
	MessageDiscarded                         // a message was dropped, as its consumer is too slow
	Full                                     // a limit is reached
	MessageDelivered                         // the broker has taken a message
	MessageConsumed                          // a consumer has settled a message
	MessageDispatched                        // a message was handed to a consumer
)

// Overflow says what happens at a destination's limits.
type Overflow uint8

// The kinds of overflow.
const (
	Block            Overflow = iota // producers wait
	Fail                             // sends fail
	DiscardNew                       // what comes is confirmed and dropped
	DiscardOldest                    // the oldest are dropped
	DeadLetterOldest                 // the oldest are dead-lettered
)

// Eviction says which messages of a slow topic subscriber are dropped; see queue.Eviction, whose
// values are the same.
type Eviction uint8

// The evictions.
const (
	EvictOldest Eviction = iota
	EvictLowestPriority
	EvictSameProperty
)

// Recovery says what a topic remembers for consumers that ask for earlier messages. Each bound that
// is not 0 holds; all 0: nothing.
type Recovery struct {
	Count int           // messages
	Bytes int64         // of messages
	Age   time.Duration // of the oldest
}

// Sending says what the broker changes of the messages that are sent. The zero value changes nothing.
type Sending struct {
	Mode       DeliveryMode
	Stamp      bool          // timestamps are the broker's; times to live count from then
	DefaultTTL time.Duration // of messages without one; 0: they have none
	MaxTTL     time.Duration // longest time to live; 0: no bound
}

// DeliveryMode overrides whether messages are durable.
type DeliveryMode uint8

// The delivery modes.
const (
	AsSent DeliveryMode = iota
	Persistent
	NonPersistent
)

// Start says when a queue that had no consumers begins to deliver: when there are so many, or after
// so long.
type Start struct {
	Consumers int
	After     time.Duration
}

// DeadLetter says what happens to messages that can't be delivered.
type DeadLetter struct {
	Queue                string // the shared dead-letter queue
	Individual           bool   // a queue per destination, named Prefix + name
	Prefix               string
	Suffix               string        // behind the name
	PerSubscription      bool          // the name has, in front of the suffix, whose durable subscription a message was for
	ProcessExpired       bool          // expired messages are dead-lettered, not dropped
	ProcessNonPersistent bool          // non-persistent messages too
	Discard              bool          // drop instead
	TTL                  time.Duration // time to live of dead letters; 0: without an end
}

// Redelivery says when a message that a consumer gave back as failed comes again.
type Redelivery struct {
	Delay      time.Duration // 0: at once
	Multiplier float64       // of the delay from one failure to the next; 0 or 1: none
	MaxDelay   time.Duration // 0: no limit
	// Spread lets delays differ by up to so many percent either way, so that what failed together does
	// not come again together, if Spreads.
	Spread  int
	Spreads bool
	// Rejected says that also what a client gives up comes again, until MaxDeliveries is reached,
	// before it is dead-lettered: ActiveMQ's redeliveryPlugin.
	Rejected bool
}

// Prefetch is the credit of consumers that don't name theirs.
type Prefetch struct{ Queue, Topic, Durable, Browser int }

// Limits bound a destination. Zero is no limit of its own.
type Limits struct {
	Memory   int64 // bytes of messages
	Messages int64 // messages
	Overflow Overflow
	Pending  int64 // messages that a topic subscriber may be behind its credit; -1: no limit
	// PendingRate is such a limit as a multiple of the subscriber's prefetch; 0: Pending holds.
	PendingRate      float64
	Eviction         Eviction // which messages go beyond it
	EvictionProperty string   // of those that replace each other
	Window           int64    // bytes in memory of what waits on one queue
}

// PendingOf returns how many messages a topic subscriber with a prefetch may be behind it; -1: any
// number.
func (l *Limits) PendingOf(prefetch int) int64 {
	if l.PendingRate <= 0 {
		return l.Pending
	}
	return int64(min(l.PendingRate*float64(prefetch), 1<<52))
}

// Drops reports whether the oldest messages go at the limits.
func (l *Limits) Drops() bool { return l.Overflow == DiscardOldest || l.Overflow == DeadLetterOldest }

// Default returns ActiveMQ's defaults.
func Default() Policy {
	return Policy{
		DeadLetter:   DeadLetter{Queue: "ActiveMQ.DLQ", Prefix: "ActiveMQ.DLQ.Queue.", ProcessExpired: true},
		Prefetch:     Prefetch{Queue: 1000, Topic: 32766, Durable: 100, Browser: 500},
		ExpirePeriod: 30 * time.Second,
		Limits:       Limits{Pending: -1},
		GroupLimit:   1024,
		FlowControl:  true,
		Warning:      30 * time.Second,
		Redelivery:   Redelivery{Spread: 15},
		Destinations: Destinations{Max: -1},
		Duplicates:   Duplicates{Property: "_AMQ_DUPL_ID"},
	}
}

// Entry is one configured policy: the values that it sets, for the destinations that match.
type Entry struct {
	Match  string // queue://orders.> and the like; without a scheme both queues and topics
	Origin string // where it is configured, for people
	Values []Value
}

// Value is one setting of an entry.
type Value struct {
	Name string // dead_letter.queue and the like
	Set  func(*Policy)
}

// Origin says where one value of an effective policy comes from.
type Origin struct{ Name, Match, Where string }

// Set finds the policy of a destination. It may be replaced as a whole while in use.
type Set struct {
	entries atomic.Pointer[[]Entry]
}

// NewSet returns a set with entries.
func NewSet(entries []Entry) (*Set, error) {
	s := new(Set)
	return s, s.Replace(entries)
}

// Replace swaps the entries for others, all or, with an error, none.
func (s *Set) Replace(entries []Entry) error {
	for _, e := range entries {
		if e.Match == "" {
			return fault.New(fault.InvalidName, "policy", e.Match, "%s: a policy needs a match", e.Origin)
		}
	}
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b Entry) int {
		return -address.Compare(pattern(a.Match).Name, pattern(b.Match).Name)
	})
	s.entries.Store(&sorted)
	return nil
}

// Lookup returns the policy of a destination.
func (s *Set) Lookup(a address.Address) Policy {
	p, _ := s.explain(a, false)
	return p
}

// Some reports whether the values of some entry, by themselves, make a policy for which fn returns
// true.
func (s *Set) Some(fn func(*Policy) bool) bool {
	if s == nil || s.entries.Load() == nil {
		return false
	}
	for _, e := range *s.entries.Load() {
		p := Default()
		for _, v := range e.Values {
			v.Set(&p)
		}
		if fn(&p) {
			return true
		}
	}
	return false
}

// Explain returns the policy of a destination and where its values come from, defaults left
// out.
func (s *Set) Explain(a address.Address) (Policy, []Origin) { return s.explain(a, true) }

func (s *Set) explain(a address.Address, origins bool) (Policy, []Origin) {
	p := Default()
	if a.Kind.IsTopic() {
		p.DeadLetter.Prefix = "ActiveMQ.DLQ.Topic."
	}
	var list []Origin
	if s == nil || s.entries.Load() == nil {
		return p, nil
	}
	for _, e := range *s.entries.Load() {
		m := pattern(e.Match)
		if m.Kind != address.None && m.Kind.IsQueue() != a.Kind.IsQueue() || !address.Match(m.Name, a.Name) {
			continue
		}
		for _, v := range e.Values {
			v.Set(&p)
			if origins {
				list = slices.DeleteFunc(list, func(o Origin) bool { return o.Name == v.Name })
				list = append(list, Origin{v.Name, e.Match, e.Origin})
			}
		}
	}
	return p, list
}

// String formats an origin as one line.
func (o Origin) String() string { return fmt.Sprintf("%s from %s (%s)", o.Name, o.Match, o.Where) }

func pattern(match string) address.Address { return address.Parse(match, address.None) }
