package broker

import (
	"strconv"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/store"
)

// The properties that ActiveMQ puts on dead letters.
const (
	propFailureCause       = "dlqDeliveryFailureCause"
	propOriginalExpiration = "originalExpiration"
	propOriginalMode       = "originalDeliveryMode"
)

// move takes messages off their queues and, where they are to go on, puts them on others: in
// one batch, so that a crash finds each in one place.
type move struct {
	b       *Broker
	list    []queue.Taken
	targets []target
	marks   []mark
	c       *Connection
	t       Token
	kind    EventKind
}

// deadLetter sends entries that were taken off their queues to the dead-letter queues that
// their policies name, or drops those that are not to be kept.
func (b *Broker) deadLetter(list []queue.Taken, cause string, c *Connection, t Token) {
	b.total.DeadLettered.Add(int64(len(list)))
	b.moveEach(list, MessageDeadLettered, c, t, func(k *queue.Taken) (*Destination, *message.Message) {
		return b.letter(k, cause)
	})
}

// end drops entries that were taken off their queues.
func (b *Broker) end(list []queue.Taken) {
	b.moveEach(list, 0, nil, 0, func(*queue.Taken) (*Destination, *message.Message) { return nil, nil })
}

// expired dead-letters or drops entries that have ended.
func (b *Broker) expired(list []queue.Taken) {
	b.moveEach(list, MessageExpired, nil, 0, func(k *queue.Taken) (*Destination, *message.Message) {
		if _, ok := k.Queue.Tag.(*clientSession); ok {
			return nil, nil // that messages end is what their senders want, and no failure
		}
		if !b.policyOf(k).DeadLetter.ProcessExpired {
			return nil, nil
		}
		return b.letter(k, "java.lang.Throwable: Message Expired. Expiration:"+strconv.FormatInt(k.Entry.Msg.Expiry, 10))
	})
}

func (b *Broker) policyOf(k *queue.Taken) *policy.Policy {
	a := k.Queue.Address
	switch tag := k.Queue.Tag.(type) {
	case *Destination:
		return tag.Policy()
	case *clientSession:
		a = k.Entry.Msg.Address
	}
	p := b.Policies.Lookup(a)
	return &p
}

// letter returns where an undeliverable message goes, and what it becomes; nil to drop it.
func (b *Broker) letter(k *queue.Taken, cause string) (*Destination, *message.Message) {
	m := k.Entry.Msg
	p := b.policyOf(k).DeadLetter
	if p.Discard || !m.Durable && !p.ProcessNonPersistent || k.Queue.Address.Kind.IsTemp() {
		return nil, nil
	}
	to := address.Address{Kind: address.Queue, Name: p.Queue}
	if p.Individual {
		to.Name = p.Prefix + m.Address.Name
		if d, ok := k.Queue.Tag.(*durable); ok && p.PerSubscription {
			to.Name += "." + d.title()
		}
		to.Name += p.Suffix
	}
	if to == k.Queue.Address {
		return nil, nil // a message that can't even be a dead letter ends here
	}
	d, err := b.resolve(nil, "dead-letter", to)
	if err != nil {
		b.Log.Error("dead letter", "queue", to.String(), "error", err)
		return nil, nil
	}
	fields := []message.Field{{Name: propOriginalExpiration, Value: message.OfLong(m.Expiry)}}
	if cause != "" {
		fields = append(fields, message.Field{Name: propFailureCause, Value: message.OfString(cause)})
	}
	if !m.Durable {
		fields = append(fields, message.Field{Name: propOriginalMode, Value: message.OfString("NON_PERSISTENT")})
	}
	dead := m.With(fields...)
	dead.Origin = m.Address
	dead.Address = to
	dead.Durable = true
	dead.Expiry = 0
	if p.TTL > 0 {
		dead.Expiry = b.env.Now() + int64(p.TTL/time.Millisecond)
	}
	return d, dead
}

// moveEach ends each entry of list where it was and puts what next returns on a queue.
func (b *Broker) moveEach(list []queue.Taken, kind EventKind, c *Connection, t Token, next func(*queue.Taken) (*Destination, *message.Message)) {
	v := &move{b: b, list: list, c: c, t: t, kind: kind}
	batch := store.GetBatch()
	batch.User = v
	batch.Done = moveDone
	var head []byte
	for i := range list {
		k := &list[i]
		if k.Stored() {
			batch.Ack(k.Entry.Ref)
		}
		d, m := next(k)
		if kind != 0 {
			b.later(Event{Kind: kind, Address: k.Queue.Address, Message: k.Entry.Msg})
		}
		if d == nil {
			continue
		}
		if kind == MessageExpired {
			b.later(Event{Kind: MessageDeadLettered, Address: k.Queue.Address, Message: k.Entry.Msg})
		}
		h := d.holder()
		if !m.Durable || !h.durable {
			v.targets = append(v.targets, target{h.queue, m, nil, int32(batch.TakeID()), false})
			continue
		}
		b.markFor(h.queue, batch, &v.marks)
		slot := batch.Append(store.Target{List: h.queue.List()}, h.queue.PrioOf(m), b.encode(m, &head))
		batch.Durability = store.Durable
		v.targets = append(v.targets, target{h.queue, m, nil, int32(slot), false})
	}
	if t != 0 && !batch.Empty() {
		batch.Durability = store.Durable // what is confirmed does not come back
	}
	b.store.Commit(batch)
}

func moveDone(batch *store.Batch, err error) {
	v := batch.User.(*move)
	if err == nil {
		queue.Forget(v.list)
		v.b.arrive(batch, v.targets, v.marks)
	}
	if v.c != nil && v.t != 0 {
		v.c.handler.Confirmed(v.t, storeFault("move", err))
		v.b.done.touch(nil, v.c)
	}
	store.PutBatch(batch)
}
