package amqp

import (
	"strings"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
)

// Capabilities of termini: the kinds of nodes, in ActiveMQ's and Qpid's words.
const (
	queueNode     = "queue"
	topicNode     = "topic"
	tempQueueNode = "temporary-queue"
	tempTopicNode = "temporary-topic"
	sharedNode    = "shared"
	globalNode    = "global"
)

// maxComposite bounds the members of a composite address.
const maxComposite = 256

// node is an address of a terminus, read.
type node struct {
	addresses []address.Address
	whole     address.Address // what the messages' address is: of a composite, all of it
	options   map[string]string
}

// kindOf returns the kind of a name that does not say it itself: as the capabilities say, as what
// there is under that name, or a queue.
func (c *connection) kindOf(name string, t *frame.Terminus) address.Kind {
	for _, k := range [...]struct {
		capability string
		kind       address.Kind
	}{{queueNode, address.Queue}, {topicNode, address.Topic}, {tempQueueNode, address.TempQueue}, {tempTopicNode, address.TempTopic}} {
		if t != nil && t.Has(k.capability) {
			return k.kind
		}
	}
	b := c.o.Broker
	if b.Lookup(address.Address{Kind: address.Queue, Name: name}) == nil && b.Lookup(address.Address{Kind: address.Topic, Name: name}) != nil {
		return address.Topic
	}
	return address.Queue
}

// parseNode reads an address: a name, or a list of them separated by commas, with options behind a
// question mark.
func (c *connection) parseNode(text string, t *frame.Terminus) (n node, err error) {
	if name, options, ok := strings.Cut(text, "?"); ok {
		text = name
		if n.options, err = parseOptions(options); err != nil {
			return n, err
		}
	}
	if strings.Count(text, ",") >= maxComposite {
		return n, fault.New(fault.LimitReached, "attach", "", "a composite address has at most %d members", maxComposite)
	}
	if isManagement(text) {
		return n, fault.New(fault.NotFound, "attach", text, "there is no such node")
	}
	kind := address.None
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		def := kind
		if def == address.None {
			def = c.kindOf(part, t)
		}
		a := address.Parse(part, def)
		if a.Name == "" {
			return n, fault.New(fault.InvalidName, "attach", text, "the address is empty")
		}
		if kind == address.None {
			kind = a.Kind // of the members that don't say theirs
		}
		n.addresses = append(n.addresses, a)
	}
	n.whole = n.addresses[0]
	for _, a := range n.addresses[1:] {
		n.whole.Name += "," + a.String() // as ActiveMQ writes composites
	}
	return n, nil
}

// isManagement reports whether an address is what clients of other brokers send their requests to. A
// queue of the name would take them and never answer.
func isManagement(text string) bool {
	switch text {
	case "$management", "/management", "$cbs":
		return true
	}
	return false
}

// parseOptions reads k=v pairs. ActiveMQ knows those of consumers and producers.
func parseOptions(text string) (map[string]string, error) {
	options := make(map[string]string)
	for pair := range strings.SplitSeq(text, "&") {
		k, v, ok := strings.Cut(pair, "=")
		if !ok || len(options) >= 64 || !strings.HasPrefix(k, "consumer.") && !strings.HasPrefix(k, "producer.") {
			return nil, fault.New(fault.InvalidName, "attach", text, "There are %s options that couldn't be set on the address", pair)
		}
		options[k] = v
	}
	return options, nil
}

// isTemporary reports whether an address names a temporary destination.
func (n *node) isTemporary() bool {
	for _, a := range n.addresses {
		if a.Kind.IsTemp() {
			return true
		}
	}
	return false
}

// dynamic makes a temporary node for a terminus that asks for one, and completes the terminus with
// its name and how long it lives. [AMQP 3.5.9]
func (c *connection) dynamic(t *frame.Terminus) (address.Address, error) {
	kind := address.TempQueue
	if t.Has(tempTopicNode) || t.Has(topicNode) {
		kind = address.TempTopic
	}
	a, err := c.core.CreateTemporary(kind)
	if err != nil {
		return a, err
	}
	t.Address, t.HasAddress = a.String(), true
	// Whatever else was asked for, it ends with the link, or the connection.
	t.Lifetime = frame.DeleteOnClose
	t.Properties = frame.LifetimeProperties(t.Lifetime)
	return a, nil
}

// endDynamic ends a temporary node with the link that has made it. Where others still consume from
// it, it ends with the connection.
func (c *connection) endDynamic(a address.Address) {
	if !a.IsZero() {
		_ = c.core.DeleteTemporary(a)
	}
}
