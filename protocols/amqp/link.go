package amqp

import (
	"strconv"
	"sync"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// link is one link of a session.
type link interface {
	flow(w *frame.Flow) error
	// end ends the link. With closed its terminus ends too, otherwise it is only lost. It may be
	// called twice.
	end(closed bool)
	common() *linkBase
}

// linkBase is what senders and receivers have in common. Roles are ours: a sender sends to the
// client.
type linkBase struct {
	identity

	// ending is held by the reader while it attaches the link and while it takes a message on it,
	// and by whoever ends it: the reader, or somebody else's who steals it, and who can be sure
	// then that nothing more comes of it. Who holds it of a link takes it of older ones only.
	ending  sync.Mutex
	dynamic address.Address // the node that ends with the link; under ending
	closed  bool            // it has ended; under ending

	mu   sync.Mutex
	over bool // nothing is sent for it any more
	gone bool // detach was said, by the client or by us: whatever comes is dropped until the client's
}

// identity is what a link is known by.
type identity struct {
	s      *session
	key    linkKey
	handle uint32 // ours
	remote uint32 // the client's
}

func (l *linkBase) common() *linkBase { return l }

// isOver reports whether nothing is sent for the link any more.
func (l *linkBase) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// isGone reports whether we have detached it and wait for the client to do so, or both have.
func (l *linkBase) isGone() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gone
}

// stop lets nothing more be sent. It reports whether that was so already.
func (l *linkBase) stop() (before bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.over = l.over, true
	return before
}

// depart notes that detach is said. It reports whether it was said before.
func (l *linkBase) depart() (before bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.gone, l.over = l.gone, true, true
	return before
}

// keepNode lets the link's dynamic node live on, as long as the connection: the client has not
// closed the link.
func (l *linkBase) keepNode() {
	l.ending.Lock()
	l.dynamic = address.Address{}
	l.ending.Unlock()
}

// refuse detaches a link for an error, from the reader. [AMQP 2.6.5] Ours are closing detaches, as
// some clients know no other.
func refuse(l link, e *frame.Error) {
	b := l.common()
	if b.depart() {
		return
	}
	l.end(false)
	b.s.c.out.Own(&farewell{l, frame.Detach{Handle: b.handle, Closed: true, Error: e}})
}

// farewell is our detach.
type farewell struct {
	l link
	d frame.Detach
}

func (w *farewell) encode(dst []byte) []byte {
	s := w.l.common().s
	if s.over.Load() {
		return dst // end says it all
	}
	if l, ok := w.l.(*sender); ok && !l.answered {
		l.parting = w.d.Append(nil, s.channel)
		return dst
	}
	return w.d.Append(dst, s.channel)
}

// linkKey identifies a link: by its name, its direction, and the containers, of which one is
// always this. [AMQP 2.6.1] Containers of different users are never the same, whatever they call
// themselves.
type linkKey struct {
	user      string
	container string
	name      string
	role      frame.Role // ours
}

// registry knows all links by their keys, over all connections.
type registry struct {
	mu    sync.Mutex
	links map[linkKey]link
	kept  map[linkKey]*kept
}

// enter puts a link into the registry and returns the one that had its key before.
func (r *registry) enter(l link) (old link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.links == nil {
		r.links = make(map[linkKey]link)
	}
	key := l.common().key
	old = r.links[key]
	r.links[key] = l
	return old
}

// find returns the link with a key, or nil.
func (r *registry) find(key linkKey) link {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.links[key]
}

// leave takes a link out of the registry.
func (r *registry) leave(l link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if key := l.common().key; r.links[key] == l {
		delete(r.links, key)
	}
}

// attach serves attach. [AMQP 2.6.3]
func (s *session) attach(f wire.Fields) error {
	a, err := frame.ParseAttach(f)
	switch {
	case err != nil:
		return err
	case a.Handle > handleMax:
		return &frame.Error{Condition: frame.FramingError, Description: "the handle is above handle-max"}
	case s.links[a.Handle] != nil:
		return violation(frame.HandleInUse, "the handle is in use")
	}
	id := identity{s: s, remote: a.Handle, key: linkKey{s.c.core.User(), s.c.container, a.Name, !a.Role}}
	links := 0
	for _, k := range s.c.sessions {
		links += len(k.links)
	}
	if links >= maxLinks {
		return violation(frame.ResourceLimitExceeded, "the connection has "+strconv.Itoa(maxLinks)+" links, which is the limit")
	}
	own, ok := s.newHandle(a.Handle)
	if !ok {
		return violation(frame.ResourceLimitExceeded, "no handle is free")
	}
	id.handle = own
	if a.Role == frame.Sender {
		return s.attachReceiver(&a, id)
	}
	return s.attachSender(&a, id)
}

// decline answers an attach that can't be served: the terminus that we would have is null, and
// detach follows at once. [AMQP 2.6.3] Until the client has detached too, the handle is taken.
func (s *session) decline(a *frame.Attach, l link, e *frame.Error) {
	b := l.common()
	reply := frame.Attach{
		Name: a.Name, Handle: b.handle, Role: b.key.role, SenderMode: a.SenderMode, ReceiverMode: a.ReceiverMode,
	}
	if b.key.role == frame.Sender {
		reply.HasInitialCount = true
	}
	b.depart()
	out := reply.Append(nil, s.channel)
	s.c.out.Raw((&frame.Detach{Handle: b.handle, Closed: true, Error: e}).Append(out, s.channel))
	s.links[b.remote] = l
}

// join enters a link into the tables. One with the same key, on whatever connection, is stolen
// from. [AMQP 2.6.1] The caller holds the link's ending until the answer is on its way, or there
// will be none: nobody can steal it before.
func (s *session) join(l link) {
	b := l.common()
	s.links[b.remote] = l
	if old := s.c.links.enter(l); old != nil {
		steal(old)
	}
}

// steal takes a link from its session, whoever's goroutine that is.
func steal(l link) {
	b := l.common()
	before := b.depart()
	l.end(false)
	c := b.s.c
	c.core.Flush() // what was sent on it takes effect before anything on the new one
	if !before {
		e := &frame.Error{Condition: frame.Stolen, Description: "the link was attached anew"}
		c.out.Own(&farewell{l, frame.Detach{Handle: b.handle, Closed: true, Error: e}})
	}
	c.out.Wake()
}

// detach serves detach. [AMQP 2.6.6]
func (s *session) detach(f wire.Fields) error {
	d, err := frame.ParseDetach(f)
	if err != nil {
		return err
	}
	l := s.links[d.Handle]
	if l == nil {
		return violation(frame.UnattachedHandle, "there is no link with the handle")
	}
	b := l.common()
	s.flush() // what was settled before
	delete(s.links, d.Handle)
	if r, ok := l.(*receiver); ok {
		r.forget(false)
	}
	if b.depart() {
		l.end(false) // if the broker has only said so
		delete(s.handles, b.handle)
		return nil // it answers ours
	}
	if t, ok := l.(interface{ detached(closed bool) bool }); ok && t.detached(d.Closed) {
		return nil // it answers later
	}
	if !d.Closed {
		b.keepNode()
	}
	l.end(d.Closed)
	delete(s.handles, b.handle)
	// The flag is mirrored: clients take another one for an error.
	s.c.out.Own(&farewell{l, frame.Detach{Handle: b.handle, Closed: d.Closed}})
	return nil
}
