package openwire

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// consumerKey identifies a consumer within its connection.
type consumerKey struct{ session, value int64 }

// consumer is one ConsumerInfo of a client. What the client may be sent is the prefetch, plus what
// it has acknowledged, plus the extension: deliveries that it keeps, and has said so of.
type consumer struct {
	*broker.Subscription
	conn   *connection
	id     wire.ConsumerID
	info   *wire.ConsumerInfo // for advisories
	to     []address.Address
	index  uint32
	answer bool // the ConsumerInfo wants one

	topic    bool // of a topic, and not durable: acknowledgements only count
	browser  bool
	prefetch uint64 // 0: the client pulls
	extended uint64 // of the extension
	seen     uint64 // number of the last delivery that an acknowledgement has named
	counted  uint64 // deliveries of a topic that are acknowledged

	// Acknowledgements that arrived within one read burst and follow each other are settled
	// as one range.
	ackFirst, ackLast uint64

	pullMu   sync.Mutex
	pulls    uint64 // how many there were
	timer    *time.Timer
	expected atomic.Uint64 // number of the delivery that a pull waits for

	mu      sync.Mutex
	encoded uint64 // number of the last delivery that was dispatched
	over    bool   // deliveries that are still on their way are not sent any more
	opened  bool   // it has its credit
	initial uint64 // credit that it gets when it opens
}

// consumerText returns the text of a consumer's identifier.
func consumerText(id *wire.ConsumerID) string {
	return id.ConnectionID.View() + ":" + strconv.FormatInt(id.SessionID, 10) + ":" + strconv.FormatInt(id.Value, 10)
}

// addConsumer serves ConsumerInfo.
func (c *connection) addConsumer(ctx context.Context, cmd *wire.ConsumerInfo) error {
	id := cmd.ConsumerID
	if id == nil || id.ConnectionID.View() != c.id || !c.sessions[id.SessionID] {
		return unregistered("consumer", "session")
	}
	k := consumerKey{id.SessionID, id.Value}
	if c.consumers[k] != nil {
		c.respond(cmd.Head())
		return nil
	}
	if cmd.Destination == nil {
		return fault.New(fault.InvalidName, "subscribe", "", "A consumer needs a destination")
	}
	to, whole, err := c.addresses(cmd.Destination)
	if err != nil {
		return err
	}
	if !cmd.SubscriptionName.IsNull() && isAdvisory(to) {
		return &exception{class: jmsException, text: "Cannot create a durable subscription for an advisory Topic"}
	}
	if err := c.checkTemporary(to); err != nil {
		return err
	}
	s := &consumer{conn: c, to: to, answer: cmd.ResponseRequired, browser: cmd.Browser}
	s.id = wire.ConsumerID{ConnectionID: wire.TextOf(c.id), SessionID: id.SessionID, Value: id.Value}
	s.topic = whole.Kind.IsTopic() && cmd.SubscriptionName.IsNull()
	s.prefetch = uint64(min(max(c.prefetchFor(cmd, whole), 0), c.o.Broker.Limits.Unsettled))
	s.initial = s.prefetch
	s.info = consumerInfo(cmd, s, whole)
	o := broker.SubscribeOptions{
		Addresses: to, Selector: strings.TrimSpace(cmd.Selector.String()),
		Priority: int(cmd.Priority), Exclusive: cmd.Exclusive, Browse: cmd.Browser, NoLocal: cmd.NoLocal, Retained: cmd.Retroactive,
		Name: cmd.SubscriptionName.String(), MaxPending: int(max(cmd.MaximumPendingMessageLimit, 0)),
		Unlisted: isAdvisory(to), Tag: s, Retroactive: cmd.Retroactive, Prefetch: int(s.prefetch),
	}
	if o.NoLocal && o.Unlisted {
		o.NoLocal = false
	}
	if cmd.Browser && c.sent {
		c.catchUp(ctx, c.core) // it is to see what the client has just sent
	}
	s.index, err = c.index(func(i uint32) {
		if c.byIndex == nil {
			c.byIndex = make(map[uint32]*consumer)
		}
		c.byIndex[i] = s
	})
	if err != nil {
		return err
	}
	// The core must not confirm before s is complete: the confirmation gives it credit.
	t := token(subscribed, s.index, cmd.CommandID)
	if _, err := c.core.SubscribeWith(o, c.out.Sink(), t, func(core *broker.Subscription) { s.Subscription = core }); err != nil {
		s.free()
		return err
	}
	c.consumers[k] = s
	c.p.advisor.consumerStarted(c, s)
	return nil
}

// prefetchFor returns a consumer's prefetch: the client's, unless that is what its library takes by
// default and a policy has another one.
func (c *connection) prefetchFor(cmd *wire.ConsumerInfo, whole address.Address) int {
	asked := int(cmd.PrefetchSize)
	choose := func(of func(*policy.Prefetch) int, defaults ...int) int {
		if !slices.Contains(defaults, asked) {
			return asked
		}
		p, def := c.o.Broker.Policies.Lookup(whole), policy.Default()
		if configured := of(&p.Prefetch); configured != of(&def.Prefetch) {
			return configured
		}
		return asked
	}
	switch {
	case cmd.Browser:
		return choose(func(p *policy.Prefetch) int { return p.Browser }, 500)
	case !cmd.SubscriptionName.IsNull():
		return choose(func(p *policy.Prefetch) int { return p.Durable }, 100, 1000)
	case whole.Kind.IsTopic():
		return choose(func(p *policy.Prefetch) int { return p.Topic }, 32766, 32767)
	default:
		return choose(func(p *policy.Prefetch) int { return p.Queue }, 1000)
	}
}

// consumerInfo returns what is told of a consumer to others.
func consumerInfo(cmd *wire.ConsumerInfo, s *consumer, whole address.Address) *wire.ConsumerInfo {
	return &wire.ConsumerInfo{
		ConsumerID: &s.id, Browser: cmd.Browser, Destination: destinationOf(whole, new(wire.Destination)),
		PrefetchSize: cmd.PrefetchSize, MaximumPendingMessageLimit: cmd.MaximumPendingMessageLimit, DispatchAsync: cmd.DispatchAsync,
		Selector: clone(cmd.Selector), ClientID: clone(cmd.ClientID), SubscriptionName: clone(cmd.SubscriptionName),
		NoLocal: cmd.NoLocal, Exclusive: cmd.Exclusive, Retroactive: cmd.Retroactive, Priority: cmd.Priority,
		OptimizedAcknowledge: cmd.OptimizedAcknowledge, NoRangeAcks: cmd.NoRangeAcks,
	}
}

// open gives the consumer its first credit. It is the writer's.
func (s *consumer) open() {
	s.mu.Lock()
	n := s.initial
	s.opened = true
	s.mu.Unlock()
	if n > 0 {
		s.Extend(n)
	}
}

// grow lets n more deliveries come.
func (s *consumer) grow(n uint64) {
	if n > 0 {
		s.Extend(n)
	}
}

// settledSome takes account of n deliveries that are settled: the extension shrinks first.
func (s *consumer) settledSome(n uint64) {
	kept := min(n, s.extended)
	s.extended -= kept
	if s.prefetch > 0 {
		s.grow(n - kept)
	}
}

// extend takes account of n deliveries that the client keeps.
func (s *consumer) extend(n uint64) {
	if s.prefetch > 0 {
		s.extended += n
		s.grow(n)
	}
}

// stop lets no more deliveries be sent, and returns the number of the last that was.
func (s *consumer) stop() uint64 {
	s.pullMu.Lock()
	s.pulls++
	if s.timer != nil {
		s.timer.Stop()
	}
	s.pullMu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	return s.encoded
}

// encode appends the dispatch of a delivery, unless the consumer has ended.
func (s *consumer) encode(dst []byte, d *broker.Delivery) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return dst
	}
	s.encoded = d.Number
	return s.conn.appendDispatch(dst, s, d)
}

// drained appends a dispatch without a message, which tells a browser that it has seen all, and
// a pull that there is nothing for it.
func (s *consumer) drained(dst []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return dst
	}
	if !s.browser {
		limit, last := s.Credit()
		if s.expected.Load() <= s.encoded || limit != last {
			return dst // it got something, or pulls again already
		}
		s.expected.Store(s.encoded)
	}
	return s.conn.writer.Append(dst, &wire.MessageDispatch{ConsumerID: &s.id})
}

// finish ends the consumer. What the application has seen goes back counted: all that was sent,
// nothing, or what was sent up to the entry with an identifier.
func (s *consumer) finish(last int64) {
	sent := s.stop()
	seen := uint64(0)
	switch {
	case last == unknownDelivered:
		seen = sent
	case last >= 0:
		if n, ok := s.FindFrom(uint64(last), 0, 0); ok {
			seen = n
		}
		seen = max(seen, s.counted) // it may be settled already: what was sent before an acknowledged one was seen
	}
	s.Subscription.Close(seen, 0)
	s.free()
	s.conn.p.advisor.consumerStopped(s.conn, s)
}

// free gives the consumer's index back.
func (s *consumer) free() {
	c := s.conn
	c.indexMu.Lock()
	defer c.indexMu.Unlock()
	delete(c.byIndex, s.index)
	c.freeIndexes = append(c.freeIndexes, s.index)
}

// controlConsumer serves ConsumerControl: the client has changed its prefetch.
func (c *connection) controlConsumer(cmd *wire.ConsumerControl) error {
	id := cmd.ConsumerID
	if id == nil || id.ConnectionID.View() != c.id {
		return nil
	}
	s := c.consumers[consumerKey{id.SessionID, id.Value}]
	if s == nil {
		return nil
	}
	if cmd.Close {
		s.settleAcks()
		c.removeConsumer(consumerKey{id.SessionID, id.Value}, s, unknownDelivered)
		c.respond(cmd.Head())
		return nil
	}
	now := uint64(min(max(int(cmd.Prefetch), 0), c.o.Broker.Limits.Unsettled))
	before := s.prefetch
	s.prefetch = now
	s.mu.Lock()
	opened := s.opened
	if !opened {
		s.initial = now
	}
	s.mu.Unlock()
	switch {
	case !opened || now == before:
	case now > before:
		s.Extend(now - before)
	default:
		limit, _ := s.Credit()
		s.Limit(limit - min(limit, before-now))
	}
	c.respond(cmd.Head())
	return nil
}

// removeSubscription serves RemoveSubscriptionInfo.
func (c *connection) removeSubscription(cmd *wire.RemoveSubscriptionInfo) error {
	client := cmd.ClientID.String()
	if cmd.ClientID.IsNull() {
		client = c.core.ClientID()
	}
	if client != c.core.ClientID() {
		return &exception{class: invalidDestination, text: "No durable subscription exists for clientID: " + client + " and subscriptionName: " + cmd.SubscriptionName.String()}
	}
	return c.core.Unsubscribe(cmd.SubscriptionName.String(), tokenFor(cmd.Head()))
}
