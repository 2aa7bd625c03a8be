// Package session has the nouns of sessions, and the form in which a store keeps them: what a
// client that comes and goes is bound to meanwhile, and what is to be said if it does not come
// back.
package session

import (
	"math"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
)

// Forever is the expiry of a session that does not end by itself.
const Forever = time.Duration(math.MaxInt64)

// Key identifies a binding within its session.
type Key struct {
	// Address is the pattern of the topics' names; or a queue, from which the session then
	// takes messages beside others.
	Address address.Address
	// Share is the name of a shared subscription, whose members get its messages in turn. It is
	// known by this name and the pattern to clients of all kinds. Empty: the binding is the
	// session's alone.
	Share string
}

// RetainHandling says whether a new binding brings the retained messages of its topics.
type RetainHandling uint8

// The ways to handle retained messages.
const (
	SendRetained      RetainHandling = iota
	SendRetainedIfNew                // not where a binding is replaced
	NoRetained
)

// Binding is what a session is bound to, and how.
type Binding struct {
	Key
	// Name is shown for the binding where durable subscriptions are listed. Empty: the address.
	Name string
	// Assurance is the best one with which messages are handed over.
	Assurance message.Assurance
	// Identifier comes with each message that matches; 0: none.
	Identifier uint32
	// NoLocal leaves out what this client has sent.
	NoLocal bool
	// RetainAsPublished lets messages keep the retain flag that their sender gave them.
	RetainAsPublished bool
	// Retained is no part of what is kept.
	Retained RetainHandling
	// Selector is an SQL-92 condition; ConvertStrings lets string properties compare with
	// numbers.
	Selector       string
	ConvertStrings bool
}

// Texts returns the bytes of the binding's names and selector.
func (b *Binding) Texts() int {
	return len(b.Address.Name) + len(b.Share) + len(b.Name) + len(b.Selector)
}

// Will is a message that is published when a client goes without a word. The zero Delay is at
// once, otherwise it comes after the delay or at the end of the session, whichever is first.
type Will struct {
	Message *message.Message // its Address is where it is sent to
	Delay   time.Duration
	Expiry  time.Duration // how long it lives once it is published; 0: no end
}
