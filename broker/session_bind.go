package broker

import (
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/broker/session"
	"github.com/manifoldmq/manifold/store"
)

// sessionBinding is one of a session's bindings: to topics, then own is in the table of bindings;
// to a shared subscription; or to a queue.
type sessionBinding struct {
	Binding
	by     *security.Principal // who made it
	notes  *note.Set
	own    *binding
	shared *durable
	dest   *Destination
}

// noteFor returns the note of a message that comes from another queue than the session's.
func (n *sessionBinding) noteFor(m *message.Message) []byte {
	return n.notes[note.Index(min(m.Assurance(), n.Assurance), n.RetainAsPublished && m.Flags&message.Retain != 0)]
}

// bound is a change of a session's bindings on its way to the disk.
type bound struct {
	h *Session
	t Token
}

// Bind adds bindings to the session. One that is there under the same key is replaced, without
// that a message is missed or comes twice. It returns an error for each, nil for those that are in
// effect. The token is confirmed when all are durable, and until then the session gets no
// deliveries: so what the client is told at the confirmation goes before any message, and then come
// the retained ones.
func (h *Session) Bind(list []Binding, t Token) []error {
	s := h.s
	errs := make([]error, len(list))
	h.sub.Hold()
	batch := store.GetBatch()
	s.mu.Lock()
	for i := range list {
		if s.active != h || s.over {
			errs[i] = h.c.closedError("subscribe")
			continue
		}
		errs[i] = s.bind(h, &list[i], batch)
	}
	s.mu.Unlock()
	h.commit(batch, t)
	return errs
}

// Unbind ends bindings. It returns an error for each: of kind NotFound where there is none. No
// message comes by one of them that was sent after Unbind has returned. The token is confirmed
// when that is durable.
func (h *Session) Unbind(list []BindingKey, t Token) []error {
	s := h.s
	errs := make([]error, len(list))
	h.sub.Hold()
	batch := store.GetBatch()
	s.mu.Lock()
	for i, k := range list {
		n := s.bindings[k]
		switch {
		case s.active != h || s.over:
			errs[i] = h.c.closedError("unsubscribe")
		case n == nil:
			errs[i] = fault.New(fault.NotFound, "unsubscribe", k.Address.String(), "there is no subscription to %s", k.Address)
		default:
			s.unbind(n, batch)
		}
	}
	s.mu.Unlock()
	h.commit(batch, t)
	return errs
}

// commit makes a change durable and lets deliveries go on then.
func (h *Session) commit(batch *store.Batch, t Token) {
	if !batch.Empty() && h.s.list != 0 {
		batch.Durability = store.Durable
	}
	batch.User = &bound{h, t}
	batch.Done = boundDone
	h.c.b.store.Commit(batch)
}

func boundDone(batch *store.Batch, err error) {
	k := batch.User.(*bound)
	store.PutBatch(batch)
	k.h.confirm(k.t, storeFault("subscribe", err))
}

// confirm tells the outcome of a change and lets deliveries go on. It may be called on the store's
// goroutine.
func (h *Session) confirm(t Token, err error) {
	b := h.c.b
	if t != 0 {
		h.c.handler.Confirmed(t, err)
		b.done.touch(nil, h.c)
	}
	h.sub.Release(func(q *queue.Queue) { b.done.touch(q, nil) })
}

// Bindings returns what the session is bound to, in no order.
func (h *Session) Bindings() []Binding {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	out := make([]Binding, 0, len(h.s.bindings))
	for _, n := range h.s.bindings {
		out = append(out, n.Binding)
	}
	return out
}

// checkBinding reports whether a binding can be.
func (s *clientSession) checkBinding(c *Connection, o *Binding) error {
	a := o.Address
	if err := checkName("subscribe", a); err != nil {
		return err
	}
	queues := a.Kind == address.Queue
	switch {
	case a.Kind != address.Topic && !queues:
		return fault.New(fault.InvalidName, "subscribe", a.String(), "a session can't be bound to %s", a)
	case queues && (a.IsPattern() || o.Share != "" || o.Selector != ""):
		return fault.New(fault.Unsupported, "subscribe", a.String(), "a session takes from queues by their names, whole and without a selector")
	case o.Share != "" && o.NoLocal:
		return fault.New(fault.InvalidName, "subscribe", a.String(), "a shared subscription can't leave out what a member sends")
	case o.Assurance > message.ExactlyOnce || o.Identifier > note.MaxIdentifier:
		return fault.New(fault.Malformed, "subscribe", a.String(), "assurance %d, identifier %d", o.Assurance, o.Identifier)
	case s.bindings[o.Key] == nil && len(s.bindings) >= s.b.Limits.Subscriptions:
		return fault.New(fault.LimitReached, "subscribe", a.String(), "the session has %d subscriptions, which is the limit", len(s.bindings))
	}
	if n := s.bindings[o.Key]; s.texts+o.Texts()-n.texts() > maxTexts {
		return fault.New(fault.LimitReached, "subscribe", a.String(), "the names of the session's subscriptions have %d bytes, which is the limit", maxTexts)
	}
	return c.check(security.Read, a)
}

// maxTexts bounds the bytes of the names and selectors of one session's bindings.
const maxTexts = 4 << 20

func (n *sessionBinding) texts() int {
	if n == nil {
		return 0
	}
	return n.Texts()
}

// bind adds or replaces a binding. The caller holds s.mu.
func (s *clientSession) bind(h *Session, o *Binding, batch *store.Batch) error {
	b, c := s.b, h.c
	if err := s.checkBinding(c, o); err != nil {
		return err
	}
	filter, err := compile(o.Selector, o.ConvertStrings)
	if err != nil {
		return err
	}
	n := &sessionBinding{Binding: *o, by: c.principal, notes: s.notesFor(o)}
	if !o.Address.IsPattern() {
		if n.dest, err = b.resolve(c, "subscribe", o.Address); err != nil {
			return err
		}
	}
	old := s.bindings[o.Key]
	if err := s.enter(n, old, filter, batch); err != nil {
		return err
	}
	if s.list != 0 {
		value, err := session.EncodeBinding(o, c.principal.Name, c.principal.Groups)
		if err != nil {
			return fault.Wrap(fault.Internal, "subscribe", o.Address.String(), err)
		}
		s.putRecord(batch, session.Bound, o.RecordRest(), value)
	}
	s.attachMember(h, n)
	if old == nil {
		s.tell(SessionBound, h, n)
	}
	return nil
}

// tell tells of a binding by which the session's client begins or ends to receive.
func (s *clientSession) tell(kind EventKind, h *Session, n *sessionBinding) {
	s.b.later(Event{Kind: kind, Address: n.Address, Client: s.client, Connection: h.c, Text: n.RecordRest()})
}

// enter lets a binding, which may replace another, take effect. The caller holds s.mu.
func (s *clientSession) enter(n, old *sessionBinding, filter queue.Filter, batch *store.Batch) error {
	b := s.b
	switch {
	case n.Share != "":
		d, err := b.join(s, &n.Binding, n.by.Name, filter, batch)
		if err != nil {
			return err
		}
		n.shared = d
		if old != nil {
			s.stop(old) // it goes on as n
		}
	case n.Address.Kind == address.Queue:
		if old != nil {
			s.stop(old)
		}
	default:
		n.own = &binding{
			pattern: n.Address.Name, filter: filter, session: s, notes: n.notes, assurance: n.Assurance, identifier: n.Identifier,
			published: n.RetainAsPublished,
			to:        holder{queue: s.queue, durable: s.list != 0 && n.Assurance != message.AtMostOnce},
		}
		if n.NoLocal {
			n.own.noLocal = s.client
		}
		s.noteOverlap(n)
		send := n.Retained == session.SendRetained || n.Retained == session.SendRetainedIfNew && old == nil
		if old == nil {
			b.bind(n.own, send, nil)
		} else {
			b.bind(n.own, send, old.own)
		}
	}
	s.texts += n.texts() - old.texts()
	s.bindings[n.Key] = n
	return nil
}

// manyBindings is how many bindings are compared with each other; with more of them, a message is
// taken to match several.
const manyBindings = 100

// noteOverlap notes whether a message may match another binding beside n.
func (s *clientSession) noteOverlap(n *sessionBinding) {
	if s.overlaps.Load() {
		return
	}
	if len(s.bindings) > manyBindings {
		s.overlaps.Store(true)
		return
	}
	for _, o := range s.bindings {
		if o.own != nil && o.Key != n.Key && address.Overlap(o.Address.Name, n.Address.Name) {
			s.overlaps.Store(true)
			return
		}
	}
}

func (s *clientSession) notesFor(o *Binding) *note.Set {
	if o.Identifier == 0 {
		return s.b.plain
	}
	return note.NewSet(o.Identifier)
}

// attachMember lets the session's consumer take from a shared subscription or a queue. The caller
// holds s.mu.
func (s *clientSession) attachMember(h *Session, n *sessionBinding) {
	q := n.source()
	if q == nil {
		return
	}
	if n.shared != nil {
		n.shared.online.Add(1)
	}
	if q.AttachNoting(h.sub.Consumer, n.noteFor) {
		q.Kick()
	}
}

// source returns the queue that a binding takes messages from, nil if it is the session's own.
func (n *sessionBinding) source() *queue.Queue {
	switch {
	case n.shared != nil:
		return n.shared.queue
	case n.Address.Kind == address.Queue && n.dest != nil:
		return n.dest.queue
	}
	return nil
}

// stop lets the session's consumer take no more by a binding. The caller holds s.mu.
func (s *clientSession) stop(n *sessionBinding) {
	q := n.source()
	if q == nil || s.active == nil {
		return
	}
	if n.shared != nil {
		n.shared.online.Add(-1)
	}
	s.active.sub.Leave(q)
}

// unbind ends a binding. The caller holds s.mu.
func (s *clientSession) unbind(n *sessionBinding, batch *store.Batch) {
	if s.bindings[n.Key] == n {
		delete(s.bindings, n.Key)
		s.texts -= n.texts()
		if s.active != nil {
			s.tell(SessionUnbound, s.active, n)
		}
	}
	if n.own != nil {
		s.b.bindings.Unbind(n.own.pattern, n.own)
	}
	s.stop(n)
	if n.shared != nil {
		n.shared.part(s, batch)
	}
	if s.list != 0 {
		s.deleteRecord(batch, session.Bound, n.RecordRest())
	}
}
