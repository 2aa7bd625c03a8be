package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/broker/session"
	"github.com/manifoldmq/manifold/store"
)

// recoverSessions reads the sessions that are on disk, when destinations and shared subscriptions
// are there already. Those whose client was connected at a crash count as left from now on.
func (b *Broker) recoverSessions(ctx context.Context, byList map[store.ListID]*holder) error {
	now := nowMillis()
	batch := store.GetBatch()
	batch.Done = release
	err := b.store.Records(ctx, store.Clients, nil, nil, func(key, value []byte) error {
		client, part, _, ok := session.ParseKey(key)
		if !ok {
			return session.ErrRecord
		}
		s := b.sessions[client]
		switch {
		case part == session.Settings:
			return b.recoverSession(client, value, now, byList, batch)
		case part == session.WillOf:
			return b.recoverWill(s, client, slices.Clone(key), value)
		case s == nil: // of a session that has ended
			batch.DeleteRecord(store.Clients, slices.Clone(key))
		case part == session.MovedTo:
			s.moved.Store(true)
		case part == session.Bound:
			return s.recoverBinding(value, batch)
		}
		return nil
	})
	if err != nil {
		store.PutBatch(batch)
		return fmt.Errorf("sessions: %w", err)
	}
	for _, d := range b.durables {
		if d.rec.Members && len(d.members) == 0 {
			delete(b.durables, d.key)
			delete(byList, d.rec.List)
			d.drop(batch)
		}
	}
	b.store.Commit(batch)
	return nil
}

func (b *Broker) recoverSession(client string, value []byte, now int64, byList map[store.ListID]*holder, batch *store.Batch) error {
	s := &clientSession{b: b, client: client, serial: b.nextSession.Add(1), bindings: make(map[BindingKey]*sessionBinding), recovered: true}
	if err := json.Unmarshal(value, &s.rec); err != nil {
		return err
	}
	s.list = s.rec.List
	if s.rec.Ended == 0 {
		s.rec.Ended = now
		s.record(batch)
	}
	s.keepOffline.Store(s.rec.Offline)
	s.maxQueued.Store(int64(s.rec.MaxQueued))
	s.makeQueue()
	b.sessions[client] = s
	byList[s.list] = &holder{queue: s.queue, durable: true}
	return nil
}

func (s *clientSession) recoverBinding(value []byte, batch *store.Batch) error {
	o, user, groups, err := session.DecodeBinding(value)
	if err != nil {
		return err
	}
	filter, err := compile(o.Selector, o.ConvertStrings)
	if err != nil {
		return err
	}
	n := &sessionBinding{Binding: o, by: s.b.recall(user, groups), notes: s.notesFor(&o)}
	if !s.b.mayRead(n) {
		s.refuse(n, batch)
		return nil
	}
	if o.Address.Kind == address.Queue {
		if n.dest, err = s.b.resolve(nil, "subscribe", o.Address); err != nil {
			return err
		}
	}
	return s.enter(n, nil, filter, batch)
}

// recoverWill reads a will. One that has no session any more, or is not its session's last, was
// about to be published.
func (b *Broker) recoverWill(s *clientSession, client string, key, value []byte) error {
	w, user, groups, err := session.DecodeWill(value, b.env.Formats)
	if err != nil {
		return err
	}
	p := &pendingWill{Will: w, b: b, client: client, by: b.recall(user, groups), key: key}
	if s == nil {
		b.orphanWills = append(b.orphanWills, p)
		return nil
	}
	if s.will != nil {
		b.orphanWills = append(b.orphanWills, s.will)
	}
	s.will = p
	return nil
}

// recall returns who left something behind.
func (b *Broker) recall(user string, groups []string) *security.Principal {
	if b.Security == nil {
		return &security.Principal{Name: user, Groups: groups}
	}
	return b.Security.Recall(user, groups)
}

// mayRead reports whether who made a binding may read there.
func (b *Broker) mayRead(n *sessionBinding) bool {
	return b.Security == nil || b.Security.Allowed(n.by, security.Read, n.Address)
}

// refuse ends a binding that is not allowed any more. The caller holds s.mu, or recovers.
func (s *clientSession) refuse(n *sessionBinding, batch *store.Batch) {
	s.b.Log.Warn("a session's binding has ended: its user may not read there any more",
		"client", s.client, "user", n.by.Name, "topic", n.Address.Name)
	s.b.events.publish(Event{Kind: BindingRefused, Address: n.Address, Client: s.client, Text: n.by.Name})
	s.unbind(n, batch)
}

// recheckSessions ends the bindings whose users may not have them any more, after a reload.
func (b *Broker) recheckSessions() {
	for _, s := range b.allSessions() {
		batch := store.GetBatch()
		batch.Done = release
		s.mu.Lock()
		for _, n := range s.bindings {
			if !b.mayRead(n) {
				s.refuse(n, batch)
			}
		}
		s.mu.Unlock()
		b.store.Commit(batch)
	}
}

func (b *Broker) allSessions() []*clientSession {
	b.sessionMu.Lock()
	defer b.sessionMu.Unlock()
	list := make([]*clientSession, 0, len(b.sessions))
	for _, s := range b.sessions {
		list = append(list, s)
	}
	return list
}

// startSessions lets time go on for recovered sessions.
func (b *Broker) startSessions() {
	for _, s := range b.allSessions() {
		s.mu.Lock()
		s.elapse()
	}
	for _, w := range b.orphanWills {
		w.publish()
	}
	b.orphanWills = nil
}

// stopSessions stops the time for those whose clients are away.
func (b *Broker) stopSessions() {
	for _, s := range b.allSessions() {
		s.mu.Lock()
		s.stopTimer()
		s.mu.Unlock()
	}
}
