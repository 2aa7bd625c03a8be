package stomp

import (
	"strings"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/protocols/stomp/frame"
	"github.com/manifoldmq/manifold/protocols/stomp/transform"
)

// subscribe serves SUBSCRIBE.
func (c *connection) subscribe(f *frame.Frame) error {
	h := &f.Headers
	id := h.String(frame.ID)
	if s := c.subs[id]; s != nil && s.ended.Load() {
		c.remove(id, s)
	}
	switch {
	case !h.Has(frame.ID) && c.version != frame.V10:
		return bad("SUBSCRIBE received without a subscription id!")
	case h.Has(frame.ID) && c.subs[id] != nil:
		return bad("There already is a subscription with id: " + id + ". Either use unique subscription IDs or UNSUBSCRIBE the existing subscription.")
	}
	t, err := c.parse(h.String(frame.Destination), subscribedKind(h))
	if err != nil {
		return err
	}
	c.nextIndex++
	s := &subscription{conn: c, id: id, index: c.nextIndex, destination: h.String(frame.Destination)}
	switch h.String(frame.AckHeader) {
	case "client":
		s.mode = ackClient
	case "client-individual":
		s.mode = ackIndividual
	}
	o := c.subscribeOptions(h, &t, s)
	switch {
	case o.Browse && c.version == frame.V10:
		return bad("Queue Browser feature only valid for Stomp v1.1+ clients!")
	case o.Name != "" && t.addresses[0].Kind.IsQueue():
		return bad("Invalid Subscription: cannot durably subscribe to a Queue destination!")
	}
	if o.Browse {
		s.mode, s.browser = ackAuto, true
	}
	s.transformation, _ = transform.Parse(h.String(frame.Transformation))
	if id != "" {
		s.header = frame.AppendKnown(nil, c.version, frame.Subscription, id)
	}
	token := c.receipts.add(pending{receipt: h.String(frame.ReceiptHeader), has: h.Has(frame.ReceiptHeader), sub: s})
	// The core must not confirm before s is complete: the confirmation gives it credit.
	if _, err := c.core.SubscribeWith(o, c.out.Sink(), token, func(core *broker.Subscription) { s.Subscription = core }); err != nil {
		c.receipts.forget(token)
		return err
	}
	key := id
	if !h.Has(frame.ID) {
		key = "/destination" + s.destination
	}
	if c.subs == nil {
		c.subs = make(map[string]*subscription)
		c.byIndex = make(map[uint64]*subscription)
	}
	if old := c.subs[key]; old == nil || old.ended.Load() {
		c.subs[key] = s
	}
	c.byIndex[s.index] = s
	return nil
}

// subscribedKind returns the kind of a name without a prefix in SUBSCRIBE.
func subscribedKind(h *frame.Headers) address.Kind {
	if h.Has(frame.DestinationType) {
		return kindOf(h.String(frame.DestinationType))
	}
	routing, _ := h.Find("subscription-type")
	return kindOf(string(routing))
}

// subscribeOptions reads the headers, and the options of the destination, that say how a
// subscription is to be.
func (c *connection) subscribeOptions(h *frame.Headers, t *target, s *subscription) broker.SubscribeOptions {
	first := func(option string, headers ...frame.Header) string {
		for _, n := range headers {
			if h.Has(n) {
				return strings.TrimSpace(h.String(n))
			}
		}
		return t.options["consumer."+option]
	}
	o := broker.SubscribeOptions{
		Addresses:      t.addresses,
		Selector:       strings.TrimSpace(first("selector", frame.Selector)),
		ConvertStrings: true,
		Exclusive:      first("exclusive", frame.Exclusive) == "true",
		NoLocal:        first("noLocal", frame.NoLocal, frame.NoLocalAlias) == "true",
		Priority:       min(max(number(first("priority", frame.SubscriptionPriority), 0), -128), 127),
		MaxPending:     number(first("maximumPendingMessageLimit", frame.MaximumPending), 0),
		Name:           first("", frame.SubscriptionName, frame.SubscriptionNameOld, frame.DurableSubscriptionName, frame.DurableSubscriberName),
		Browse:         first("browser", frame.Browser) == "true",
		Tag:            s,
	}
	if first("retroactive", frame.Retroactive) == "true" {
		o.Retroactive, o.Retained = true, true
	}
	p := c.o.Broker.Policies.Lookup(t.addresses[0])
	prefetch := p.Prefetch.Queue
	switch {
	case o.Browse:
		prefetch = p.Prefetch.Browser
	case o.Name != "":
		prefetch = p.Prefetch.Durable
	case t.addresses[0].Kind.IsTopic():
		prefetch = p.Prefetch.Topic
	}
	if n := number(first("prefetchSize", frame.PrefetchSize, frame.PrefetchCount), 0); n > 0 {
		prefetch = n
	}
	s.prefetch = uint64(min(prefetch, c.o.Broker.Limits.Unsettled))
	o.Prefetch = int(s.prefetch)
	return o
}

// unsubscribe serves UNSUBSCRIBE. With a subscription name it deletes a durable subscription.
func (c *connection) unsubscribe(f *frame.Frame) error {
	h := &f.Headers
	name := ""
	for _, n := range [...]frame.Header{frame.SubscriptionName, frame.SubscriptionNameOld, frame.DurableSubscriptionName, frame.DurableSubscriberName} {
		if h.Has(n) {
			name = h.String(n)
			break
		}
	}
	if name != "" {
		return c.deleteDurable(h, name)
	}
	key := h.String(frame.ID)
	switch {
	case h.Has(frame.ID):
	case c.version != frame.V10:
		return bad("UNSUBSCRIBE received without a subscription id!")
	case !h.Has(frame.Destination):
		return bad("Must specify the subscriptionId or the destination you are unsubscribing from")
	default:
		key = "/destination" + h.String(frame.Destination)
	}
	s := c.subs[key]
	if s == nil {
		return bad("No subscription matched.")
	}
	s.settleAcks()
	// What was dispatched is sent before the receipt. Nothing new is.
	s.Limit(0)
	c.core.Flush()
	c.out.Wait(unsubscribeTime)
	c.remove(key, s)
	c.core.Confirm(c.token(h))
	return nil
}

// remove ends a subscription, known by a key.
func (c *connection) remove(key string, s *subscription) {
	s.finish()
	delete(c.subs, key)
	delete(c.byIndex, s.index)
	c.successor(key, s)
}

// deleteDurable serves an UNSUBSCRIBE that names a durable subscription, which must have no
// consumer.
func (c *connection) deleteDurable(h *frame.Headers, name string) error {
	client := c.core.ClientID()
	if c.version == frame.V10 && client == c.core.ID() {
		client = name // a 1.0 client without an identifier has its subscription's name for one
	}
	t := c.token(h)
	err := c.core.UnsubscribeClient(client, name, t)
	if err != nil {
		c.receipts.forget(t)
	}
	return err
}

// successor lets the next subscription of a 1.0 client to the same destination be found by it.
func (c *connection) successor(key string, gone *subscription) {
	if gone.id != "" {
		return
	}
	for _, s := range c.byIndex {
		if s.id == "" && s.destination == gone.destination && (c.subs[key] == nil || s.index < c.subs[key].index) {
			c.subs[key] = s
		}
	}
}
