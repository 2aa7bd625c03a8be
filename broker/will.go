package broker

import (
	"strconv"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/broker/session"
	"github.com/manifoldmq/manifold/store"
)

// pendingWill is a will that waits for its client's end.
type pendingWill struct {
	*Will
	b      *Broker
	client string
	by     *security.Principal
	key    []byte // of its record; nil: it has none
}

// encodeWill returns the record of a client's will; nil is none.
func encodeWill(w *Will, c *Connection) ([]byte, error) {
	if w == nil {
		return nil, nil
	}
	if err := checkName("will", w.Message.Address); err != nil {
		return nil, err
	}
	value, err := session.EncodeWill(w, c.principal.Name, c.principal.Groups)
	return value, storeFault("will", err)
}

// setWill notes a client's will; nil is none. Its record is added to a batch, if the session is
// on disk. The caller holds s.mu.
func (s *clientSession) setWill(w *Will, record []byte, c *Connection, batch *store.Batch) {
	if w == nil {
		return
	}
	s.will = &pendingWill{Will: w, b: s.b, client: s.client, by: c.principal}
	if s.list != 0 {
		// A key of its own: the will of an earlier connection may still wait to be published.
		s.will.key = session.RecordKey(s.client, session.WillOf, strconv.FormatUint(uint64(s.b.store.NextID()), 10))
		batch.PutRecord(store.Clients, s.will.key, record)
	}
}

// dropWill forgets a will that is not to be published. The caller holds s.mu.
func (s *clientSession) dropWill(batch *store.Batch) {
	if s.will.key != nil {
		batch.DeleteRecord(store.Clients, s.will.key)
	}
	s.will = nil
}

// Publish sends a message of the broker itself to a topic, which need not be there and is not made.
// It takes no rights and no limits into account, and does not block.
func (b *Broker) Publish(m *message.Message) error {
	if b.Role() != Active {
		return fault.New(fault.Closed, "publish", b.Name, "the broker is %s", b.Role())
	}
	if err := checkName("publish", m.Address); err != nil {
		return err
	}
	d := b.Lookup(m.Address)
	if d == nil {
		d = &Destination{Address: m.Address, b: b}
		d.applyPolicy()
	}
	u := &burst{batch: store.GetBatch()}
	u.put(b, d, m)
	u.batch.Done = func(sb *store.Batch, err error) {
		u.arrive(b, sb, err)
		store.PutBatch(sb)
	}
	u.commit(b)
	return nil
}

// mute is the handler of who is gone.
type mute struct{}

func (mute) Confirmed(Token, error) {}
func (mute) Blocked(string)         {}
func (mute) Closed(error)           {}
func (mute) Wake()                  {}

// publish sends the will in the name of its client, with the rights that this has now. The record
// ends in the same batch, so that a crash neither loses the will nor repeats it. It is called
// without locks.
func (w *pendingWill) publish() {
	b := w.b
	c := &Connection{
		b: b, handler: mute{}, principal: w.by, login: Login{Protocol: "will", ClientID: w.client},
		unpark: make(chan struct{}, 1),
	}
	c.id = "ID:" + b.Name + "-" + b.boot + "-" + strconv.FormatUint(b.nextConn.Add(1), 10)
	if b.Security != nil {
		c.access = b.Security.Access(w.by)
	}
	also := store.GetBatch()
	if w.key != nil {
		also.DeleteRecord(store.Clients, w.key)
	}
	m := *w.Message
	m.Timestamp = nowMillis()
	if w.Expiry > 0 {
		m.Expiry = m.Timestamp + w.Expiry.Milliseconds()
	}
	p, err := c.Producer(m.Address)
	if err == nil {
		err = p.sendWith(&m, 0, &extra{also: also})
		p.Close()
	}
	if err != nil {
		b.Log.Warn("a will was not published", "client", w.client, "topic", m.Address.Name, "error", err)
		also.Done = release
		b.store.Commit(also)
		return
	}
	c.Flush()
	b.events.publish(Event{Kind: WillPublished, Address: m.Address, Client: w.client})
}
