package broker

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/session"
	"github.com/manifoldmq/manifold/store"
)

// The nouns of sessions.
type (
	// Binding is what a session is bound to, and how.
	Binding = session.Binding
	// BindingKey identifies a binding within its session.
	BindingKey = session.Key
	// Will is a message that is published when a client goes without a word.
	Will = session.Will
)

// Forever is the expiry of a session that does not end by itself.
const Forever = session.Forever

// SessionOptions say how a client wants its session.
type SessionOptions struct {
	// Clean ends what there is of an earlier session first.
	Clean bool
	// Expiry is how long the session outlives its connection, in whole seconds: 0, not at all.
	Expiry time.Duration
	Will   *Will // nil: none
	// OfflineAtMostOnce keeps messages that are not durable while the client is away, in memory
	// or the temporary store, for bindings that give more than at most once.
	OfflineAtMostOnce bool
	// MaxQueued is how many messages may wait while the client is away; what comes then is not
	// taken. 0: no limit.
	MaxQueued int
	// Tag names deliveries, of at least once and better, by numbers of the client's own kind. With
	// 0 it returns one that is not in use, and is from then on; or 0 if there is none. OpenSession
	// calls it with each that is in use from before. It is called with locks held: it must not
	// block and must not call the core.
	Tag func(tag uint32) uint32
	// UserTag is the caller's; Consumer.Tag of each delivery.
	UserTag any
}

// Session is a connection's hold on the session of its client: one queue with any number of
// bindings, and one consumer.
type Session struct {
	s       *clientSession
	c       *Connection
	sub     *Subscription
	tag     func(uint32) uint32
	present bool
}

// clientSession is what the broker keeps of a client between its connections.
type clientSession struct {
	b      *Broker
	client string
	serial uint64
	list   store.ListID // 0: in memory, and it ends with its connection
	queue  *queue.Queue

	online      atomic.Bool
	overlaps    atomic.Bool // a message may match several bindings
	keepOffline atomic.Bool
	maxQueued   atomic.Int64
	dropped     atomic.Int64

	mu       sync.Mutex // what follows; it goes before all other locks but a connection's state
	rec      session.Record
	bindings map[BindingKey]*sessionBinding
	texts    int // bytes of the bindings' names and selectors
	will     *pendingWill
	active   *Session
	once     *Once // nil: not used yet
	timer    *time.Timer
	over     bool
	// recovered sessions were there before the start; read says that what the store holds of one
	// has been searched for tags.
	recovered, read bool
	moved           atomic.Bool // it is recorded that entries may have moved here
}

// takes reports whether the session takes a message that matches one of its bindings.
func (s *clientSession) takes(n *binding, m *message.Message) bool {
	if s.online.Load() {
		return true
	}
	if n.assurance == message.AtMostOnce || !m.Durable && !s.keepOffline.Load() {
		return false
	}
	most := s.maxQueued.Load()
	return most == 0 || s.queue.Counters().Entries.Load() < most
}

// refused counts a message that a session has not taken as it holds too many.
func (n *binding) refused(m *message.Message) {
	if s := n.session; s != nil && m.Durable && n.assurance != message.AtMostOnce && !s.takes(n, m) {
		s.dropped.Add(1)
	}
}

// OpenSession makes the connection the one client of the session of its client identifier, which
// goes on, or begins. The token is confirmed when the session and its will are on disk, at once if
// they need not be. It may read the store, if it is the first time since the start. A connection
// has one session at most.
func (c *Connection) OpenSession(o SessionOptions, sink Sink, t Token) (*Session, error) {
	b := c.b
	will, err := encodeWill(o.Will, c)
	if err != nil {
		return nil, err
	}
	h := &Session{c: c, tag: o.Tag}
	s, err := b.sessionFor(c, &o, h)
	if err != nil {
		return nil, err
	}
	// From here on s.mu is held, and h is its active handle.
	if err := h.take(s, &o, sink); err != nil {
		s.active = nil
		if h.present {
			s.elapse()
		} else {
			s.end(err)
		}
		return nil, err
	}
	defer s.mu.Unlock()
	s.stopTimer()
	batch := store.GetBatch()
	if s.will != nil {
		s.dropWill(batch)
	}
	s.keepOffline.Store(o.OfflineAtMostOnce)
	s.maxQueued.Store(int64(o.MaxQueued))
	s.rec.User, s.rec.Groups = c.principal.Name, c.principal.Groups
	s.rec.SetExpiry(o.Expiry)
	s.rec.Ended, s.rec.Offline, s.rec.MaxQueued = 0, o.OfflineAtMostOnce, o.MaxQueued
	s.record(batch)
	s.setWill(o.Will, will, c, batch)
	s.online.Store(true)
	h.sub.attach(s.queue)
	for _, n := range s.bindings {
		s.attachMember(h, n)
		s.tell(SessionBound, h, n)
	}
	if !h.present {
		b.events.publish(Event{Kind: SessionCreated, Client: s.client})
	}
	if s.list == 0 || batch.Empty() {
		store.PutBatch(batch)
		c.Confirm(t)
		return h, nil
	}
	batch.Durability = store.Durable
	b.confirmWhenDone(batch, "session", c, t)
	return h, nil
}

// take makes the session the connection's, unless that has ended or has one. The caller holds s.mu,
// for which the connection's end waits from then on.
func (h *Session) take(s *clientSession, o *SessionOptions, sink Sink) error {
	c := h.c
	h.sub = &Subscription{c: c, session: h, o: SubscribeOptions{Tag: o.UserTag}}
	h.sub.Consumer = queue.NewConsumer(s.b.env, queue.ConsumerOptions{
		Track: h.track, Exempt: atMostOnce, Home: s.queue, Moving: s.moving, Tag: o.UserTag, Allowance: c.allowance,
	}, sink)
	if err := s.readTags(o.Tag); err != nil {
		return err
	}
	c.state.Lock()
	defer c.state.Unlock()
	if c.closed.Load() || c.session != nil {
		return fault.New(fault.Closed, "session", s.client, "the connection is closed or has a session")
	}
	c.session = h
	c.subs[h.sub] = struct{}{}
	return nil
}

// sessionFor finds or makes a client's session, and makes h its active handle. It returns with
// the session's lock held.
func (b *Broker) sessionFor(c *Connection, o *SessionOptions, h *Session) (*clientSession, error) {
	client := c.login.ClientID
	for {
		b.sessionMu.Lock()
		s := b.sessions[client]
		fresh := s == nil
		if fresh && len(b.sessions) >= b.Limits.Sessions {
			b.sessionMu.Unlock()
			return nil, fault.New(fault.LimitReached, "session", client, "there are %d sessions, which is the limit", b.Limits.Sessions)
		}
		if fresh {
			s = b.newSession(client, o.Expiry > 0)
			b.sessions[client] = s
		}
		b.sessionMu.Unlock()
		s.mu.Lock()
		switch {
		case s.over: // it ended just now
			s.mu.Unlock()
		case s.active != nil:
			s.mu.Unlock()
			return nil, fault.New(fault.InUse, "session", client, "the session of client %s is in use", client)
		case !fresh && o.Clean:
			s.end(fault.New(fault.Closed, "session", client, "the session was begun anew"))
		default:
			s.active, h.s, h.present = h, s, !fresh
			return s, nil
		}
	}
}

// newSession returns a session without bindings.
func (b *Broker) newSession(client string, kept bool) *clientSession {
	s := &clientSession{b: b, client: client, serial: b.nextSession.Add(1), bindings: make(map[BindingKey]*sessionBinding), read: true}
	if kept {
		s.list = b.newList()
	}
	s.rec.List = s.list
	s.makeQueue()
	return s
}

// makeQueue gives the session its queue. Its messages are never given up after a number of
// deliveries: each loss of the connection counts one.
func (s *clientSession) makeQueue() {
	a := address.Address{Kind: address.Topic, Name: s.client}
	s.queue = queue.New(s.b.env, a, s.list, queue.Options{})
	s.queue.Tag = s
}

// record adds the session's record to a batch, if it has one.
func (s *clientSession) record(batch *store.Batch) {
	if s.list != 0 {
		s.putRecord(batch, session.Settings, "", s.rec.MustEncode())
	}
}

func (s *clientSession) putRecord(batch *store.Batch, p session.Part, rest string, value []byte) {
	batch.PutRecord(store.Clients, session.RecordKey(s.client, p, rest), value)
}

func (s *clientSession) deleteRecord(batch *store.Batch, p session.Part, rest string) {
	batch.DeleteRecord(store.Clients, session.RecordKey(s.client, p, rest))
}

// readTags tells the client's tags that are in use. What the store holds is searched for them once
// after a start.
func (s *clientSession) readTags(tag func(uint32) uint32) error {
	if !s.read {
		if err := s.queue.FrontTagged(context.Background(), s.moved.Load()); err != nil {
			return storeFault("session", err)
		}
		s.read = true
	}
	if tag != nil {
		s.queue.Tags(func(t uint32) { tag(t) })
	}
	return nil
}

// atMostOnce reports whether a note says that its message is handed over at most once.
func atMostOnce(n []byte) bool { return note.Of(n).Assurance() == message.AtMostOnce }

// track names a delivery. It is called with locks of the queue held.
func (h *Session) track(_ *message.Message, n []byte, tag uint32) (uint32, bool) {
	a := note.Of(n).Assurance()
	if tag != 0 || a == message.AtMostOnce || h.tag == nil {
		return tag, false
	}
	return h.tag(0), a == message.ExactlyOnce
}

// moving notes, once, that entries may have moved to the session's queue. It is called with locks
// of the queue held.
func (s *clientSession) moving(batch *store.Batch) {
	if !s.moved.Swap(true) {
		s.putRecord(batch, session.MovedTo, "", nil)
	}
}

// Present reports whether the session was there before.
func (h *Session) Present() bool { return h.present }

// Subscription returns the session's consumer. It has no credit at first.
func (h *Session) Subscription() *Subscription { return h.sub }

// Once returns the keys of what the client sends exactly once. It reads the store, and blocks for
// that, when the session is not in use yet.
func (h *Session) Once(ctx context.Context) (*Once, error) {
	s := h.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.once == nil && s.list == 0 {
		s.once = &Once{b: s.b, name: s.client, keys: make(map[uint64]struct{}), volatile: true}
	}
	if s.once == nil {
		o, err := s.b.Once(ctx, s.onceName())
		if err != nil {
			return nil, err
		}
		s.once = o
	}
	return s.once, nil
}

// onceName is apart from those of sessions that the client had before.
func (s *clientSession) onceName() string { return s.client + "\x00" + strconv.Itoa(int(s.list)) }

// endOnce forgets the keys, also those that are in the store only.
func (s *clientSession) endOnce() {
	if s.once == nil && s.recovered {
		o, err := s.b.Once(context.Background(), s.onceName())
		if err != nil {
			s.b.Log.Warn("keys of a session could not be read", "client", s.client, "error", err)
			return
		}
		s.once = o
	}
	if s.once != nil {
		s.once.End()
	}
}

// SetExpiry changes how long the session outlives its connection. It fails with Unsupported for a
// session that was to end with it.
func (h *Session) SetExpiry(d time.Duration) error {
	s := h.s
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.active != h:
		return h.c.closedError("session")
	case d > 0 && s.rec.Expiry == 0:
		return fault.New(fault.Unsupported, "session", s.client, "the session ends with its connection")
	}
	s.rec.SetExpiry(d) // recorded when the connection ends
	return nil
}

// Close ends the connection's hold on the session, in order: there is no will any more, unless
// withWill asks for it. A connection that is closed without Close leaves its will.
func (h *Session) Close(withWill bool) {
	h.c.state.Lock()
	if h.c.session == h {
		h.c.session = nil
	}
	h.c.state.Unlock()
	h.sub.closeWith(^uint64(0))
	h.detach(!withWill)
}

// detach leaves the session alone, when its subscription is closed.
func (h *Session) detach(inOrder bool) {
	h.sub.AwaitMoves() // whoever continues the session has to know all its tags
	s := h.s
	s.mu.Lock()
	if s.active != h || s.over {
		s.mu.Unlock()
		return
	}
	s.active = nil
	s.online.Store(false)
	for _, n := range s.bindings {
		s.tell(SessionUnbound, h, n)
		if n.shared != nil {
			n.shared.online.Add(-1)
		}
	}
	batch := store.GetBatch()
	batch.Done = release
	if inOrder && s.will != nil {
		s.dropWill(batch)
	}
	if s.list == 0 || s.rec.Expiry == 0 {
		s.b.store.Commit(batch)
		s.end(fault.New(fault.Closed, "session", s.client, "the session has ended"))
		return
	}
	s.rec.Ended = nowMillis()
	s.record(batch)
	s.b.store.Commit(batch)
	s.queue.DropUnstored(func(e *queue.Entry) bool {
		return note.Of(e.Note).Assurance() == message.AtMostOnce && (!s.keepOffline.Load() || e.Msg.Durable)
	})
	s.elapse()
}

// elapse does what is due while the client is away, and sets the timer for the rest. The caller
// holds s.mu, which elapse releases.
func (s *clientSession) elapse() {
	now := nowMillis()
	next := int64(0)
	if life := s.rec.Lifetime(); life != Forever {
		next = s.rec.Ended + life.Milliseconds()
		if next <= now {
			s.end(fault.New(fault.Closed, "session", s.client, "the session has expired"))
			return
		}
	}
	var due *pendingWill
	if s.will != nil {
		switch at := s.rec.Ended + s.will.Delay.Milliseconds(); {
		case at <= now:
			due, s.will = s.will, nil
		case next == 0 || at < next:
			next = at
		}
	}
	s.stopTimer()
	if next != 0 && !s.over && s.b.Role() != Deactivating {
		d := time.Duration(next-now) * time.Millisecond
		s.timer = time.AfterFunc(d, func() {
			s.mu.Lock()
			if s.over || s.active != nil || s.timer == nil {
				s.mu.Unlock()
				return
			}
			s.elapse()
		})
	}
	s.mu.Unlock()
	if due != nil {
		due.publish()
	}
}

func (s *clientSession) stopTimer() {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}

// end is the end of a session, with all that it holds; what will is left is published. The caller
// holds s.mu, which end releases.
func (s *clientSession) end(why error) {
	b := s.b
	s.over = true
	s.stopTimer()
	b.sessionMu.Lock()
	if b.sessions[s.client] == s {
		delete(b.sessions, s.client)
	}
	b.sessionMu.Unlock()
	batch := store.GetBatch()
	batch.Done = release
	for _, n := range s.bindings {
		s.unbind(n, batch)
	}
	s.queue.Close(why)
	if list := s.queue.List(); list != 0 {
		queue.DropList(batch, list)
	}
	if s.list != 0 {
		s.deleteRecord(batch, session.Settings, "")
		s.deleteRecord(batch, session.MovedTo, "")
	}
	will := s.will
	s.will = nil
	b.store.Commit(batch)
	s.endOnce()
	s.mu.Unlock()
	if will != nil {
		will.publish()
	}
	b.events.publish(Event{Kind: SessionEnded, Client: s.client, Text: why.Error()})
}
