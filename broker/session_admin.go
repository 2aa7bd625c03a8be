package broker

import (
	"context"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
)

// SessionInfo describes a session.
type SessionInfo struct {
	Client, User string
	Connected    bool
	Kept         bool          // it outlives its connection
	Ended        time.Time     // when its connection did; zero while there is one
	Expiry       time.Duration // Forever: no end
	Bindings     int
	Will         bool
	Dropped      int64 // messages that were not taken since too many waited
	Counters     *queue.Counters
}

// Sessions calls fn for each session, in no order, until it returns false.
func (b *Broker) Sessions(fn func(SessionInfo) bool) {
	for _, s := range b.allSessions() {
		s.mu.Lock()
		i := SessionInfo{
			Client: s.client, User: s.rec.User, Connected: s.active != nil, Kept: s.list != 0, Expiry: s.rec.Lifetime(),
			Bindings: len(s.bindings), Will: s.will != nil, Dropped: s.dropped.Load(), Counters: s.queue.Counters(),
		}
		if s.rec.Ended != 0 {
			i.Ended = time.UnixMilli(s.rec.Ended)
		}
		over := s.over
		s.mu.Unlock()
		if !over && !fn(i) {
			return
		}
	}
}

// SessionCount returns how many sessions there are, and how many have a connection.
func (b *Broker) SessionCount() (all, connected int) {
	for _, s := range b.allSessions() {
		all++
		if s.online.Load() {
			connected++
		}
	}
	return all, connected
}

// DeleteSession ends a session, and its connection before. It blocks until that is on disk.
func (b *Broker) DeleteSession(ctx context.Context, client string) error {
	b.sessionMu.Lock()
	s := b.sessions[client]
	b.sessionMu.Unlock()
	if s == nil {
		return fault.New(fault.NotFound, "delete", client, "client %s has no session", client)
	}
	s.mu.Lock()
	h := s.active
	s.mu.Unlock()
	why := fault.New(fault.Closed, "delete", client, "the session was deleted by an administrator")
	if h != nil {
		h.c.end(why)
	}
	s.mu.Lock()
	switch {
	case s.over:
		s.mu.Unlock()
	case s.active != nil:
		s.mu.Unlock()
		return fault.New(fault.InUse, "delete", client, "client %s has come back", client)
	default:
		s.end(why)
	}
	return b.store.Sync(ctx)
}

// sessionDurables appends the bindings of sessions that outlive their connections and miss nothing.
func (b *Broker) sessionDurables(list []DurableInfo) []DurableInfo {
	for _, s := range b.allSessions() {
		if s.list == 0 {
			continue
		}
		s.mu.Lock()
		for _, n := range s.bindings {
			if n.own == nil || n.Assurance == message.AtMostOnce {
				continue
			}
			name := n.Name
			if name == "" {
				name = strings.TrimPrefix(n.Address.String(), address.Topic.String()+"://")
			}
			i := DurableInfo{Client: s.client, Name: name, Selector: n.Selector, Address: n.Address, Counters: s.queue.Counters()}
			if s.active != nil {
				i.Active = 1
			}
			list = append(list, i)
		}
		s.mu.Unlock()
	}
	return list
}
