package queue

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// Delivery is one message on its way to one consumer. It is a value: what happens to the
// entry later does not change it.
type Delivery struct {
	Consumer *Consumer
	Number   uint64 // ascends by one per consumer, from 1
	Msg      *message.Message
	ID       store.ID
	Note     []byte
	Tag      uint32 // of a tracked delivery
	Count    uint16 // failed deliveries before this one
	Phase    uint8  // of a tracked delivery
	Flags    EntryFlags
}

// Sink takes deliveries towards a client. Its methods are called with locks of the core held:
// they must not block and must not call the core back.
type Sink interface {
	// Deliver takes deliveries in order and keeps no reference to the slice. It reports
	// whether there is room for more; if not, the consumer counts as without credit until
	// Consumer.Resume.
	Deliver(ds []Delivery) (room bool)
	// Drained says that nothing is left to deliver within the credit, which is used up by
	// that. A browser's is called, besides, when it has seen everything.
	Drained(c *Consumer)
	// Closed says that the consumer was closed from the broker's side.
	Closed(c *Consumer, err error)
	// Wake is called once after a series of the above, without any lock held: it is time to
	// write.
	Wake()
}

// Filter decides which messages a consumer or a binding wants. The SQL selector is one.
type Filter interface {
	Matches(v *message.View) bool
}

// ConsumerOptions say what a consumer wants. They don't change while it lives.
type ConsumerOptions struct {
	Filter    Filter // nil: everything
	Priority  int    // higher ones are served first
	Exclusive bool
	Pulls     bool // its credit is what it asks for message by message, and no window
	// Track makes deliveries tracked: it returns the tag (a packet identifier, for instance) of
	// a delivery that has none, or 0 to leave it untracked. Entries that come again come with
	// their tag and phase; Track is told of their tag then. With durable, for hand-over exactly
	// once, the tag is on disk before the delivery reaches the sink, and entries come with it
	// after a crash too. It is called with locks held and must not block.
	Track func(m *message.Message, note []byte, tag uint32) (use uint32, durable bool)
	// Exempt says of a note whether its delivery uses up no credit: it gets a number, and the
	// limit goes up by one. Without credit it waits as the others do. It is called with locks held.
	Exempt func(note []byte) bool
	// Home is the queue of a consumer that drains others too: what gets a durable tag there
	// moves to it before it is delivered, so that nobody else gets it.
	Home *Queue
	// Moving adds to the batch of such a move what the caller has to record. It is called with
	// locks held.
	Moving func(b *store.Batch)
	// Allowance is what the consumer shares with others; nil: it has no limit but its credit.
	Allowance *Allowance
	Tag       any // the caller's
}

// Consumer drains one queue, or several that share its credit. Its deliveries are numbered;
// numbers ascend, so that cumulative, range and batched settlement are ranges of numbers.
type Consumer struct {
	ConsumerOptions
	sink Sink
	env  *Env

	mu          sync.Mutex
	limit       atomic.Uint64 // deliveries numbered up to it may be sent
	last        atomic.Uint64 // number of the last delivery
	stopped     atomic.Uint32 // why nothing is delivered, whatever the credit
	holds       int           // Hold was called so often more than Release
	drain       drain
	ring        []slot   // unsettled deliveries by number; its length is a power of two
	first       uint64   // no delivery below it is unsettled
	live        int      // unsettled deliveries, enlisted ones among them
	enlisted    int      // those that a transaction decides on
	returning   int      // runs of them that are on their way back to queues, as the consumer is closed
	parted      []*Queue // queues that it has left, and which wait for the end of its transactions
	handed      uint64   // number of the last delivery that the sink has got
	staged      []Delivery
	stagedBytes int64
	tracking    *store.Batch // tags of what is staged
	moves       []moving     // those of what is staged
	trackedRuns int          // on their way to the disk
	moveRuns    sync.WaitGroup
	queues      []*Queue // attached, in the order in which new credit is offered
	turn        int
	browse      chan struct{} // of a browser: there is new credit
	shunned     []store.ID    // what the consumer is not to get again
	shunning    atomic.Bool   // there is something
	browsed     bool          // of a browser: it has seen everything
}

// slot is an unsettled delivery.
type slot struct {
	q        *Queue // nil: settled
	enlisted bool   // a transaction decides on it
	moving   bool   // it is on its way to the consumer's home
	by       uint32 // which transaction, of one that is enlisted
	e        Entry
}

const (
	stageBytes = 256 << 10 // deliveries are handed to the sink at least this often
	runLength  = 256       // deliveries per hold of a queue's lock
)

// maxShunned bounds the messages that a consumer is not to get again; the oldest are forgotten.
const maxShunned = 4096

// Shun keeps entries that TakeRange took from coming to the consumer again.
func (c *Consumer) Shun(list []Taken) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range list {
		if len(c.shunned) >= maxShunned {
			c.shunned = append(c.shunned[:0], c.shunned[1:]...)
		}
		c.shunned = append(c.shunned, list[i].Entry.Ref.ID)
	}
	c.shunning.Store(len(c.shunned) > 0)
}

// shuns reports whether the consumer is not to get an entry.
func (c *Consumer) shuns(e *Entry) bool {
	if !c.shunning.Load() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.shunned, e.Ref.ID)
}

// NewConsumer returns a consumer that is not attached to a queue and has no credit.
func NewConsumer(env *Env, o ConsumerOptions, sink Sink) *Consumer {
	return &Consumer{ConsumerOptions: o, sink: sink, env: env, first: 1}
}

// Why a consumer gets nothing.
const (
	choked uint32 = 1 << iota // the sink has no room
	held                      // Hold
	closed
)

func (c *Consumer) isClosed() bool { return c.stopped.Load()&closed != 0 }

// ready reports whether a delivery may be sent now.
func (c *Consumer) ready() bool {
	return c.last.Load() < c.limit.Load() && c.stopped.Load() == 0 && !c.Allowance.spent()
}

// deliver hands an entry to the consumer, if it has credit; the delivery does not show the hidden
// flags. The caller holds q's lock.
func (c *Consumer) deliver(q *Queue, e *Entry, hidden EntryFlags) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ready() || !c.Allowance.take() {
		return false
	}
	n := c.last.Load() + 1
	c.last.Store(n)
	if c.Exempt != nil && c.Exempt(e.Note) {
		c.limit.Add(1)
	}
	moves := false
	if c.Track != nil {
		moves = c.track(q, e, n, &hidden)
	}
	c.put(n, slot{q: q, e: *e, moving: moves})
	c.stage(n, e, hidden)
	if c.stagedBytes += e.size(); c.stagedBytes > stageBytes {
		c.flush()
	}
	return true
}

// stage adds a delivery to those that flush hands over. The caller holds c.mu.
func (c *Consumer) stage(n uint64, e *Entry, hidden EntryFlags) {
	c.staged = append(c.staged, Delivery{
		Consumer: c, Number: n, Msg: e.Msg, ID: e.Ref.ID, Note: e.Note, Tag: e.Tag, Count: e.Count, Phase: e.Phase,
		Flags: e.Flags &^ (fetched | purged | hidden),
	})
}

// flush hands what is staged to the sink. The caller holds c.mu.
func (c *Consumer) flush() {
	if len(c.staged) == 0 {
		return
	}
	c.env.Delivered.Add(int64(len(c.staged)))
	if c.tracking != nil || c.trackedRuns > 0 {
		c.flushTracked(false)
		return
	}
	c.hand(c.staged)
	clear(c.staged)
	c.staged, c.stagedBytes = c.staged[:0], 0
}

// hand gives deliveries to the sink. The caller holds c.mu, so that Resume, which the sink may
// call as soon as it has said that there is no room, comes after that was noted.
func (c *Consumer) hand(ds []Delivery) {
	c.handed = ds[len(ds)-1].Number
	if !c.sink.Deliver(ds) {
		c.stopped.Or(choked)
	}
}

// put keeps an unsettled delivery under its number, which is the highest yet.
func (c *Consumer) put(n uint64, s slot) {
	if c.live == 0 {
		c.first = n
	}
	if n-c.first >= uint64(len(c.ring)) {
		ring := make([]slot, max(8, 2*len(c.ring)))
		for i := c.first; i < n; i++ {
			ring[i&uint64(len(ring)-1)] = c.ring[i&uint64(len(c.ring)-1)]
		}
		c.ring = ring
	}
	c.ring[n&uint64(len(c.ring)-1)] = s
	c.live++
}

// slotAt returns the slot of a delivery that is unsettled or enlisted, or nil. The caller
// holds c.mu.
func (c *Consumer) slotAt(n uint64) *slot {
	if c.live == 0 || n < c.first || n > c.last.Load() || n-c.first >= uint64(len(c.ring)) {
		return nil
	}
	s := &c.ring[n&uint64(len(c.ring)-1)]
	if s.q == nil {
		return nil
	}
	return s
}

// unsettledAt is slotAt without those that somebody else decides on.
func (c *Consumer) unsettledAt(n uint64) *slot {
	if s := c.slotAt(n); s != nil && !s.enlisted && !s.moving {
		return s
	}
	return nil
}

// drop empties a slot and moves first on. The caller holds c.mu.
func (c *Consumer) drop(n uint64, s *slot) {
	if s.enlisted {
		c.enlisted--
	}
	*s = slot{}
	c.live--
	if n != c.first {
		return
	}
	if c.live == 0 {
		c.first = c.last.Load() + 1
		if len(c.ring) > 4096 {
			c.ring = nil
		}
		return
	}
	for c.ring[c.first&uint64(len(c.ring)-1)].q == nil {
		c.first++
	}
}

// Limit sets the credit as an absolute delivery number: deliveries numbered up to n may be
// sent. It may go down; what was sent already stays sent.
func (c *Consumer) Limit(n uint64) {
	c.limit.Store(n)
	if c.ready() {
		c.offer()
	}
}

// Extend raises the credit by n.
func (c *Consumer) Extend(n uint64) {
	c.limit.Add(n)
	if c.ready() {
		c.offer()
	}
}

// Credit returns the highest number that may be sent, and the highest that was.
func (c *Consumer) Credit() (limit, last uint64) { return c.limit.Load(), c.last.Load() }

// Unsettled returns the number of deliveries without an outcome.
func (c *Consumer) Unsettled() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live
}

// Resume says that the sink has room again.
func (c *Consumer) Resume() {
	c.mu.Lock()
	c.stopped.And(^choked)
	c.mu.Unlock()
	if c.ready() {
		c.offer()
	}
}

// Offer lets the consumer's queues use its credit, when something else than credit has held it
// back.
func (c *Consumer) Offer() {
	if c.ready() {
		c.offer()
	}
}

// Hold lets nothing more be delivered until Release.
func (c *Consumer) Hold() {
	c.mu.Lock()
	c.holds++
	c.stopped.Or(held)
	c.mu.Unlock()
}

// Release ends Hold. The caller kicks the consumer's queues, which it may hand to a function; it
// takes no lock of a queue itself.
func (c *Consumer) Release(kick func(*Queue)) {
	c.mu.Lock()
	var queues []*Queue
	if c.holds--; c.holds == 0 {
		c.stopped.And(^held)
		queues = append(queues, c.queues...)
	}
	c.mu.Unlock()
	for _, q := range queues {
		kick(q)
	}
}

// Leave ends draining of one queue. Its deliveries stay with the consumer until they have an
// outcome.
func (c *Consumer) Leave(q *Queue) {
	c.mu.Lock()
	c.queues = slices.DeleteFunc(c.queues, func(o *Queue) bool { return o == q })
	c.mu.Unlock()
	q.detach(c)
	q.Kick()
}

// offer lets each attached queue use the consumer's credit, beginning with the next in turn.
func (c *Consumer) offer() {
	if c.browse != nil {
		select {
		case c.browse <- struct{}{}:
		default:
		}
		return
	}
	c.mu.Lock()
	if len(c.queues) == 1 {
		q := c.queues[0]
		c.mu.Unlock()
		q.Kick()
		return
	}
	queues := append([]*Queue(nil), c.queues...)
	start := 0
	if len(queues) > 0 {
		c.turn++
		start = c.turn % len(queues)
	}
	c.mu.Unlock()
	for i := range queues {
		queues[(start+i)%len(queues)].Kick()
	}
}

// Find returns the number of the unsettled delivery of the entry with an id.
func (c *Consumer) Find(id store.ID) (number uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live == 0 {
		return 0, false
	}
	for n := c.first; n <= c.last.Load(); n++ {
		if s := c.unsettledAt(n); s != nil && s.e.Ref.ID == id {
			return n, true
		}
	}
	return 0, false
}

// FindFrom is Find for a caller that expects the delivery at a number or soon behind it, and knows
// the Seq of its message's identifier; 0 stands for any. id is an entry's, as in Delivery.ID.
func (c *Consumer) FindFrom(id, seq, from uint64) (number uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.last.Load()
	from = max(from, c.first)
	for n := from; c.live > 0 && n <= last; n++ {
		if s := c.unsettledAt(n); s != nil && uint64(s.e.Ref.ID) == id && (seq == 0 || s.e.Msg.ID.Seq == seq) {
			return n, true
		}
	}
	for n := c.first; c.live > 0 && n < from && n <= last; n++ {
		if s := c.unsettledAt(n); s != nil && uint64(s.e.Ref.ID) == id && (seq == 0 || s.e.Msg.ID.Seq == seq) {
			return n, true
		}
	}
	return 0, false
}

// FindMessage returns the number of the first unsettled delivery of a message whose identifier
// has a text.
func (c *Consumer) FindMessage(id []byte) (number uint64, ok bool) {
	var buf [128]byte
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := c.first; c.live > 0 && n <= c.last.Load(); n++ {
		if s := c.unsettledAt(n); s != nil && bytes.Equal(s.e.Msg.ID.Append(buf[:0]), id) {
			return n, true
		}
	}
	return 0, false
}

// Oldest returns a number below which no delivery is unsettled.
func (c *Consumer) Oldest() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live == 0 {
		return c.last.Load() + 1
	}
	return c.first
}

// IsUnsettled reports whether a delivery has no outcome yet.
func (c *Consumer) IsUnsettled(n uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unsettledAt(n) != nil
}
