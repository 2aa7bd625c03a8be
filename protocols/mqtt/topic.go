package mqtt

import (
	"strings"

	"github.com/manifoldmq/manifold/broker/address"
)

// Names of destinations that are no topics. A client that gets a request from another protocol
// replies to one of them; they are only for that unless Options.QueuePrefix is set.
const (
	replyQueue     = "$queue/"
	replyTempQueue = "$temp-queue/"
	replyTempTopic = "$temp-topic/"
)

// names maps topic names and filters to addresses and back, as ActiveMQ does: character by
// character, so that a name comes back as it was.
type names struct {
	queues string // prefix of names that are queues; empty: none
}

// swapped returns the counterpart of a character: what separates levels and what stands for them
// differs between MQTT and JMS.
func swapped(c byte) byte {
	switch c {
	case '/':
		return '.'
	case '.':
		return '/'
	case '+':
		return '*'
	case '*':
		return '+'
	case '#':
		return '>'
	case '>':
		return '#'
	}
	return c
}

// appendSwapped appends a name in the other spelling.
func appendSwapped[T string | []byte](dst []byte, name T) []byte {
	for i := range len(name) {
		dst = append(dst, swapped(name[i]))
	}
	return dst
}

// address returns what a topic name or filter stands for.
func (n *names) address(name string) address.Address {
	kind := address.Topic
	if n.queues != "" && strings.HasPrefix(name, n.queues) && len(name) > len(n.queues) {
		kind, name = address.Queue, name[len(n.queues):]
	}
	return address.Address{Kind: kind, Name: string(appendSwapped(make([]byte, 0, len(name)), name))}
}

// target is address for a name that is published to, which may be one to reply to.
func (n *names) target(name string) address.Address {
	for _, r := range [...]struct {
		prefix string
		kind   address.Kind
	}{{replyTempQueue, address.TempQueue}, {replyTempTopic, address.TempTopic}, {replyQueue, address.Queue}} {
		if rest, ok := strings.CutPrefix(name, r.prefix); ok && rest != "" {
			return address.Address{Kind: r.kind, Name: string(appendSwapped(make([]byte, 0, len(rest)), rest))}
		}
	}
	return n.address(name)
}

// append appends the topic name that stands for an address.
func (n *names) append(dst []byte, a address.Address) []byte {
	switch {
	case a.Kind == address.TempQueue:
		dst = append(dst, replyTempQueue...)
	case a.Kind == address.TempTopic:
		dst = append(dst, replyTempTopic...)
	case a.Kind == address.Queue && n.queues != "":
		dst = append(dst, n.queues...)
	case a.Kind == address.Queue:
		dst = append(dst, replyQueue...)
	}
	return appendSwapped(dst, a.Name)
}
