package stomp

import (
	"strconv"
	"strings"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
)

// Destinations as STOMP clients of ActiveMQ spell them.
const (
	queuePrefix       = "/queue/"
	topicPrefix       = "/topic/"
	tempQueuePrefix   = "/temp-queue/"
	tempTopicPrefix   = "/temp-topic/"
	remoteQueuePrefix = "/remote-temp-queue/"
	remoteTopicPrefix = "/remote-temp-topic/"
	dsubPrefix        = "/dsub/"
)

// maxComposite bounds the members of a composite destination.
const maxComposite = 256

// names maps destinations to addresses for one connection, which has names of its own for its
// temporary destinations.
type names struct {
	create func(address.Kind) (address.Address, error)
	temps  map[string]address.Address // by the client's spelling
	back   map[address.Address]string
}

// target is a destination header, read.
type target struct {
	addresses []address.Address
	whole     address.Address // what the message's destination is: of a composite, all of it
	options   map[string]string
}

// parse reads a destination header: a name, or a list of them separated by commas, with
// options behind a question mark. Names without a prefix are of kind def.
func (n *names) parse(text string, def address.Kind) (target, error) {
	var t target
	text = strings.TrimSpace(text)
	if text == "" || text == "null" {
		return t, emptyDestination()
	}
	if name, options, ok := strings.Cut(text, "?"); ok {
		text = name
		t.options = parseOptions(options)
	}
	if strings.Count(text, ",") >= maxComposite {
		return t, fault.New(fault.LimitReached, "destination", "", "a composite destination has at most %d members", maxComposite)
	}
	for part := range strings.SplitSeq(text, ",") {
		a, err := n.one(strings.TrimSpace(part), def)
		if err != nil {
			return t, err
		}
		t.addresses = append(t.addresses, a)
	}
	t.whole = t.addresses[0]
	for _, a := range t.addresses[1:] {
		t.whole.Name += "," + a.String() // as ActiveMQ writes composites
	}
	return t, nil
}

// one reads one name.
func (n *names) one(text string, def address.Kind) (address.Address, error) {
	for _, p := range prefixes() {
		name, ok := strings.CutPrefix(text, p.prefix)
		switch {
		case !ok:
			continue
		case strings.TrimSpace(name) == "":
			return address.Address{}, emptyDestination()
		case p.mine:
			return n.temporary(text, p.kind)
		}
		return address.Address{Kind: p.kind, Name: name}, nil
	}
	if text == "" {
		return address.Address{}, emptyDestination()
	}
	return address.Parse(text, def), nil
}

// kindOf reads Artemis's words for the kind of a destination without a prefix, which is a queue
// unless they say otherwise, as with ActiveMQ.
func kindOf(routing string) address.Kind {
	if strings.EqualFold(routing, "MULTICAST") {
		return address.Topic
	}
	return address.Queue
}

func emptyDestination() error {
	return fault.New(fault.InvalidName, "destination", "", "Invalid empty or 'null' Destination header")
}

type prefix struct {
	prefix string
	kind   address.Kind
	mine   bool // names of the connection's own
}

func prefixes() [7]prefix {
	return [...]prefix{
		{queuePrefix, address.Queue, false}, {topicPrefix, address.Topic, false},
		{tempQueuePrefix, address.TempQueue, true}, {tempTopicPrefix, address.TempTopic, true},
		{remoteQueuePrefix, address.TempQueue, false}, {remoteTopicPrefix, address.TempTopic, false},
		{dsubPrefix, address.Topic, false},
	}
}

// hasPrefix reports whether a text is a destination beyond doubt, as a reply-to must be.
func hasPrefix(text string) bool {
	for _, p := range prefixes() {
		if strings.HasPrefix(text, p.prefix) {
			return true
		}
	}
	return false
}

// temporary returns the address behind the client's name of a temporary destination, which is
// made at its first use.
func (n *names) temporary(text string, k address.Kind) (address.Address, error) {
	if a, ok := n.temps[text]; ok {
		return a, nil
	}
	a, err := n.create(k)
	if err != nil {
		return a, err
	}
	if n.temps == nil {
		n.temps = make(map[string]address.Address)
		n.back = make(map[address.Address]string)
	}
	n.temps[text] = a
	n.back[a] = text
	return a, nil
}

// appendDestination appends the spelling of an address for those who did not create it.
func appendDestination(dst []byte, a address.Address) []byte {
	switch a.Kind {
	case address.Topic:
		dst = append(dst, topicPrefix...)
	case address.TempQueue:
		dst = append(dst, remoteQueuePrefix...)
	case address.TempTopic:
		dst = append(dst, remoteTopicPrefix...)
	default:
		dst = append(dst, queuePrefix...)
	}
	return append(dst, a.Name...)
}

// parseOptions reads k=v pairs; those without a value are dropped.
func parseOptions(text string) map[string]string {
	options := make(map[string]string)
	for pair := range strings.SplitSeq(text, "&") {
		if k, v, ok := strings.Cut(pair, "="); ok && len(options) < 64 {
			options[k] = v
		}
	}
	return options
}

// number parses an option; def stands for a missing or malformed one.
func number(text string, def int) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return def
	}
	return n
}
