package broker

import (
	"sync"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/recent"
	"github.com/manifoldmq/manifold/broker/schedule"
	"github.com/manifoldmq/manifold/store"
)

// burst is what a connection sent within one read burst and has to wait for the disk: one
// batch, the queues that its messages go to, and the tokens to confirm. Messages that need no
// disk ride along when the connection has others under way, so that their order is kept.
type burst struct {
	batch      *store.Batch
	c          *Connection
	targets    []target
	tokens     []Token
	refused    []refusal // of the tokens
	bytes      int64
	marks      []mark
	jobs       []schedule.Key // messages that are due later
	keeping    bool           // the lock of what topics keep is held
	remembered []remembered
	taken      []identity // of messages, by windows that know them from now on
	merger     merger
	head       []byte // scratch
	branch     bool   // it is what a prepared branch keeps for its commit after a restart
}

// target is one message on its way to one queue.
type target struct {
	q    *queue.Queue
	msg  *message.Message
	note []byte
	slot int32 // of the batch's Refs: the entry's identity there, without a list if it is in memory only
	// early entries were committed before what has come to the queue meanwhile.
	early bool
}

// refusal is why what one of a burst's tokens stands for was given up, after it had waited.
type refusal struct {
	at  int // index of the token
	err error
}

type mark struct {
	q  *queue.Queue
	id store.ID
}

var bursts = sync.Pool{New: func() any { return new(burst) }}

func (c *Connection) newBurst() *burst {
	u := bursts.Get().(*burst)
	u.c = c
	u.batch = store.GetBatch()
	u.batch.User = u
	u.batch.Done = burstDone
	return u
}

// toQueue adds a message that goes to one queue.
func (u *burst) toQueue(b *Broker, h *holder, m *message.Message, note []byte) {
	t := store.Target{Note: note}
	switch {
	case u.branch && !h.durable:
		return // the queue ends before the branch could come back
	case u.branch:
		// Prepared is promised, for non-durable messages too.
		t.List, t.Volatile = h.queue.List(), !m.Durable
	case h.durable && m.Durable:
		t.List = h.queue.List()
		b.markFor(h.queue, u.batch, &u.marks)
		u.batch.Durability = store.Durable
	case h.queue.Overflowing():
		t.List, t.Volatile = h.queue.NeedList(), true
	default:
		u.targets = append(u.targets, target{h.queue, m, note, int32(u.batch.TakeID()), false})
		return
	}
	slot := u.batch.Append(t, h.queue.PrioOf(m), b.encode(m, &u.head))
	u.targets = append(u.targets, target{h.queue, m, note, int32(slot), false})
	u.bytes += int64(u.batch.Refs[slot].Size)
}

// put adds a message that goes to a destination, unless that refuses it.
func (u *burst) put(b *Broker, d *Destination, m *message.Message) {
	if !u.branch && d.gated.Load() && !d.admit(m, u.c, u) {
		return
	}
	u.place(b, d, m)
}

// place adds a message that goes to a queue, or to every queue that is bound to a topic.
func (u *burst) place(b *Broker, d *Destination, m *message.Message) {
	if h := d.holder(); h.queue != nil {
		u.toQueue(b, &h, m, nil)
		return
	}
	if !u.branch {
		d.published.Add(1)
	}
	if l := d.remembers(); l != (recent.Limits{}) && !u.branch {
		u.remember(b, d, m, l)
		return
	}
	u.publish(b, d, m)
}

// publish adds a message that goes to every queue that is bound to a topic.
func (u *burst) publish(b *Broker, d *Destination, m *message.Message) {
	if d.keeps(m) {
		u.toKeep(b, d, m)
		return
	}
	u.toTopic(b, u.c, u.merger.merge(b.bindings.Match(d.Address.Name), m, u.c), 4, m)
}

// burstDone hands the messages of a burst to their queues and confirms them. It runs on the
// store's goroutine.
func burstDone(sb *store.Batch, err error) {
	u := sb.User.(*burst)
	b := u.c.b
	u.arrive(b, sb, err)
	refused := u.refused
	for i, t := range u.tokens {
		err := storeFault("send", err)
		if len(refused) > 0 && refused[0].at == i {
			err, refused = refused[0].err, refused[1:]
		}
		u.c.handler.Confirmed(t, err)
	}
	b.done.touch(nil, u.c)
	b.flow.done(u.bytes)
	u.c.inflight.Add(-1)
	store.PutBatch(sb)
	u.release()
}

// arrive lets all that a burst has take effect, if its batch is on disk.
func (u *burst) arrive(b *Broker, sb *store.Batch, err error) {
	if err == nil {
		b.arrive(sb, u.targets, u.marks)
		if len(u.jobs) > 0 {
			b.scheduler.Added(u.jobs...)
		}
	}
	b.rememberAll(u.remembered, err)
	forgetAll(u.taken, err)
}

func (u *burst) release() {
	clear(u.targets)
	clear(u.marks)
	clear(u.remembered)
	clear(u.taken)
	if cap(u.targets) > 4096 || cap(u.head) > 64<<10 {
		return
	}
	*u = burst{targets: u.targets[:0], tokens: u.tokens[:0], marks: u.marks[:0], jobs: u.jobs[:0], remembered: u.remembered[:0], taken: u.taken[:0], merger: u.merger, head: u.head[:0]}
	bursts.Put(u)
}

// partSize is the size of the parts of large bodies, and largeBody the size from which a body
// is written in parts, ahead of its message, so that nobody else waits behind it.
const (
	partSize  = 256 << 10
	largeBody = 1 << 20
)

// encode returns a message's stored form. The head is appended to scratch, which it points
// into; a large body is written at once.
func (b *Broker) encode(m *message.Message, scratch *[]byte) store.Msg {
	*scratch = message.AppendHead((*scratch)[:0], m)
	body := m.Content.Body()
	if len(body) <= largeBody {
		return store.Msg{Head: *scratch, Body: body}
	}
	out := store.Msg{Head: *scratch, PartsID: b.store.NextID(), PartsSize: uint64(len(body))}
	for len(body) > 0 {
		n := min(len(body), partSize)
		batch := store.GetBatch()
		batch.Done = release
		batch.PutPart(out.PartsID, out.Parts, body[:n])
		b.store.Commit(batch)
		out.Parts++
		body = body[n:]
	}
	return out
}

// markFor adds a new dispatch mark for a queue to a batch that appends to it, when the old one
// is nearly reached.
func (b *Broker) markFor(q *queue.Queue, batch *store.Batch, marks *[]mark) {
	if id, need := q.NeedMark(store.ID(b.lastID.Load())); need {
		queue.AppendMark(batch, q.List(), id)
		batch.Durability = store.Durable
		*marks = append(*marks, mark{q, id})
	}
}

// arrive puts the messages of a batch that is done on their queues.
func (b *Broker) arrive(sb *store.Batch, targets []target, marks []mark) {
	for _, k := range marks {
		k.q.Marked(k.id)
	}
	var last *queue.Queue
	for i := range targets {
		t := &targets[i]
		e := queue.Entry{Msg: t.msg, Ref: sb.Refs[t.slot], Note: t.note}
		if t.early {
			e.Flags |= queue.Ordered
		}
		b.lastID.Store(uint64(e.Ref.ID))
		if e.Ref.List == 0 {
			e = queue.NewEntry(t.msg, e.Ref.ID)
			e.Note = t.note
		}
		t.q.Offer(e)
		if t.q != last {
			b.done.touch(t.q, nil)
			last = t.q
		}
	}
}
