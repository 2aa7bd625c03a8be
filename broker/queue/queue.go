// Package queue is the machine that holds messages: an ordered list of entries that competing
// consumers drain. A JMS queue, a durable subscription, an MQTT session and a non-durable
// topic subscriber are all queues; they differ by options, not by code.
//
// Locks: a queue has two. The intake lock is held to append one arrival; the dispatch lock
// guards everything else. Whoever gets the dispatch lock takes in the arrivals of all and
// delivers, in runs; the others leave it to the holder. The order is queue, consumer, sink. No
// function holds two queues. Store reads never happen under a lock.
package queue

import (
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// Env is what queues need from the broker.
type Env struct {
	Store   store.Store
	Formats *message.Formats
	Memory  *Memory
	Temp    *Memory // bytes of non-durable messages that overflowed to the store
	Log     *slog.Logger
	// Delivered counts deliveries, over all queues.
	Delivered *atomic.Int64
	// Encode returns a message's stored form; the head is appended to scratch.
	Encode func(m *message.Message, scratch *[]byte) store.Msg
	// NewList takes an unused list identifier.
	NewList func() store.ListID
	// Remove ends entries that expired or are to be dead-lettered: it is called without
	// locks and sees to their acknowledgement, by Forget among others.
	Remove func(list []Taken, why Reason)
	// Now is the time in Unix milliseconds.
	Now func() int64
	// Room says that a queue for which somebody called Await holds less. It is called with locks held
	// and must neither block nor call back.
	Room func()
	// Tell hears what Options.Tell asks for. It is called with locks held and must neither block nor
	// call back.
	Tell func(Told)
}

// Reason says why entries leave a queue otherwise than by a consumer.
type Reason uint8

// The reasons.
const (
	Expired Reason = iota + 1
	Exceeded
	Evicted
)

// Options are a queue's settings. They may change while it lives.
type Options struct {
	Prioritized  bool // ten priorities are honoured; fixed once the queue holds something
	StrictOrder  bool // no rotation: fill the first consumer, then the next
	AllExclusive bool // each consumer counts as exclusive
	Evict        bool // messages beyond Pending are dropped, if no consumer has credit for them
	Pending      int64
	Eviction     Eviction // which of them
	// EvictionProperty is whose values EvictSameProperty compares.
	EvictionProperty string
	// MaxEntries and MaxBytes bound what waits; beyond one of them the oldest are removed as Evicted.
	// 0: no bound.
	MaxEntries, MaxBytes int64
	Tell                 Tell
	Window               int64 // bytes in memory of what waits; 0: by what memory allows
	MaxDeliveries        int   // after so many failed deliveries: dead letter; 0 = no limit
	GroupLimit           int   // groups that are remembered; 0 = 1024
	Redelivery           Redelivery
	Start                Start
}

// Redelivery says when a message that failed comes again.
type Redelivery struct {
	Delay      time.Duration // 0: at once
	Multiplier float64       // of the delay from one failure to the next; 0 or 1: none
	MaxDelay   time.Duration // 0: no limit
	Spread     float64       // share of a delay by which it may differ, either way; 0: it is exact
}

// after returns the delay in milliseconds after a number of failures.
func (r *Redelivery) after(failures uint16) int64 {
	d := float64(r.Delay / time.Millisecond)
	if r.Multiplier > 1 {
		d *= math.Pow(r.Multiplier, float64(failures)-1)
	}
	if r.MaxDelay > 0 {
		d = min(d, float64(r.MaxDelay/time.Millisecond))
	}
	if r.Spread > 0 {
		d += d * r.Spread * (2*rand.Float64() - 1)
	}
	return int64(min(d, 1<<52))
}

// Queue holds messages until they are consumed.
type Queue struct {
	Address address.Address
	Tag     any // the caller's
	env     *Env
	options atomic.Pointer[Options]
	filters atomic.Pointer[[]Filter] // of the consumers, see Wanted

	intakeMu sync.Mutex
	intake   []Entry
	wanted   atomic.Bool // somebody asked for dispatch

	awaited     atomic.Pointer[room]
	overflowing atomic.Bool // arrivals are left to the store
	crowd       crowd

	mu                     sync.Mutex
	arrived                []Entry // swapped with intake
	list                   atomic.Uint32
	levels                 []level
	front                  []Entry // entries that came back or were fetched, by id; they go first
	consumers              []*consumerState
	parted                 []*Consumer // closed ones, whose deliveries a transaction decides on
	next                   int         // rotation
	exclusive              *Consumer
	groups                 map[string]*ownership
	undecided              map[string]store.ID // by group: the lowest message that parted leave to a transaction
	tailEntries, tailBytes int64               // what only the store holds
	tailTemp               int64               // bytes of the non-durable entries among them

	lastStored store.ID // highest stored id that arrived
	suspect    store.ID // entries up to it may have been delivered before the last start
	taken      map[store.ID]struct{}
	// Entries with ids up to these were purged: those stored, and those in memory only.
	purgedStored, purgedMemory atomic.Uint64

	mark      atomic.Uint64 // dispatch mark on disk
	marking   atomic.Uint64 // dispatch mark on its way there
	paused    bool
	started   bool  // see held
	firstAt   int64 // Unix milliseconds when the first consumer came; 0: none has
	closed    bool
	paging    bool
	markWait  bool   // a mark is being written, and dispatch waits for it
	epoch     uint64 // counts purges, so that a page that was read before one is dropped
	frontGen  uint64 // counts changes of front
	failed    error  // damage in the store that stopped paging
	mayExpire bool   // the tail may hold messages that expire
	wake      *time.Timer
	wakeAt    int64 // when it fires; 0: not set

	passedOver bool   // a consumer was refused a message as its group is another's
	regrouped  bool   // since then a group has lost its owner, or may begin anew
	unsure     bool   // a message that would begin a group may wait for what is gone
	rewinds    uint64 // counts what makes the cursors in the tail look again
	tries      uint64 // counts looks for an owner of a group

	counters Counters
}

// Counters are a queue's figures. Gauges: Entries, Bytes, InFlight; the others only grow.
type Counters struct {
	Entries, Bytes, InFlight                        atomic.Int64
	Enqueued, Dequeued, Dispatched, Expired, Evicts atomic.Int64
}

// consumerState is what a queue knows of a consumer.
type consumerState struct {
	*Consumer
	pos      []uint64   // per level: entries below it were offered and not wanted
	frontGen uint64     // front was offered as of this generation
	eligible bool       // it has had credit since the run began
	scanned  []store.ID // per level, selector cursor in the tail
	scanning bool
	finished []bool // per level, the cursor has seen all of the tail, until something arrives
	touched  bool
	note     func(*message.Message) []byte // nil: entries have the notes that they came with
	groupEnd int                           // index after the last consumer of the same priority

	drainSeen uint64 // the last drain request that the queue has served

	slow bool // it was told of as such

	owns  int    // groups
	tried uint64 // the last look for an owner that it was part of
}

// New returns an empty queue. list is 0 for one that is in memory until it overflows.
func New(env *Env, a address.Address, list store.ListID, o Options) *Queue {
	q := &Queue{Address: a, env: env}
	q.list.Store(uint32(list))
	q.options.Store(&o)
	if o.Prioritized {
		q.levels = make([]level, 10)
		for i := range q.levels {
			q.levels[i].prio = uint8(i)
		}
	} else {
		q.levels = []level{{prio: message.DefaultPriority}}
	}
	return q
}

// Recover tells the queue what the store holds of it, before it is used: the entries and
// bytes, the highest id, the dispatch mark on disk, and the highest id of those that come
// flagged redelivered, because an unclean stop has left open whether they were seen.
func (q *Queue) Recover(entries, bytes int64, last, mark, suspect store.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	bytes += entries * message.Overhead
	q.counters.Entries.Add(entries)
	q.counters.Bytes.Add(bytes)
	q.lastStored = max(q.lastStored, last)
	q.mark.Store(uint64(mark))
	q.marking.Store(uint64(mark))
	q.suspect = suspect
	if entries > 0 {
		q.tailEntries, q.tailBytes = entries, bytes
		q.mayExpire = true
		for i := range q.levels {
			q.levels[i].tail = true
			q.overflowing.Store(true)
		}
	}
}

// SetOptions changes the settings; whether priorities are honoured stays as it is.
func (q *Queue) SetOptions(o Options) {
	o.Prioritized = len(q.levels) > 1
	q.options.Store(&o)
}

// List returns the identifier of the queue's stored list, 0 if there is none yet.
func (q *Queue) List() store.ListID { return store.ListID(q.list.Load()) }

// Counters returns the queue's figures; callers only read them.
func (q *Queue) Counters() *Counters { return &q.counters }

// Overflowing reports whether the window is full, so that whoever sends messages that are in
// memory only should append them to the queue's list instead, as volatile entries.
func (q *Queue) Overflowing() bool { return q.overflowing.Load() }

// NeedList is List for a queue that is about to be appended to: one that is in memory gets its
// list now.
func (q *Queue) NeedList() store.ListID {
	if list := q.List(); list != 0 {
		return list
	}
	q.intakeMu.Lock()
	defer q.intakeMu.Unlock()
	if q.List() == 0 {
		q.list.Store(uint32(q.env.NewList()))
	}
	return q.List()
}

// PrioOf returns the priority under which the queue stores a message.
func (q *Queue) PrioOf(m *message.Message) uint8 {
	if len(q.levels) == 1 {
		return message.DefaultPriority
	}
	return m.Priority
}

// Offer takes an arrival. The caller calls Kick afterwards, once for a series of them.
func (q *Queue) Offer(e Entry) {
	q.counters.Enqueued.Add(1)
	q.counters.Entries.Add(1)
	q.counters.Bytes.Add(e.size())
	q.env.Memory.Add(e.size())
	q.intakeMu.Lock()
	q.intake = append(q.intake, e)
	q.intakeMu.Unlock()
}

// forget takes entries off the gauges.
func (q *Queue) forget(entries, bytes int64) {
	left := q.counters.Entries.Add(-entries)
	size := q.counters.Bytes.Add(-bytes)
	if w := q.awaited.Load(); w != nil && left <= w.entries && size <= w.bytes && q.awaited.CompareAndSwap(w, nil) {
		q.env.Room()
	}
}

// room is how little a queue is to hold for somebody to go on.
type room struct{ entries, bytes int64 }

// Await asks for one call of Env.Room, when the queue holds no more than so much.
func (q *Queue) Await(entries, bytes int64) { q.awaited.Store(&room{entries, bytes}) }

// isPurged reports whether the queue was purged since an entry came to it. The purge took
// what was stored of it.
func (q *Queue) isPurged(e *Entry) bool {
	if e.stored() {
		return e.Ref.ID <= store.ID(q.purgedStored.Load())
	}
	return e.Ref.ID <= store.ID(q.purgedMemory.Load())
}

// Kick takes in what arrived and delivers what can be delivered. If somebody else is at it
// already, that one will see to it.
func (q *Queue) Kick() {
	r := runners.Get().(*runner)
	r.q = q
	for {
		q.wanted.Store(true)
		if !q.mu.TryLock() {
			break
		}
		q.wanted.Store(false)
		again := q.run(r)
		q.mu.Unlock()
		for _, c := range r.touched {
			c.sink.Wake()
		}
		clear(r.touched)
		r.touched = r.touched[:0]
		if len(r.gone) > 0 {
			gone := r.gone
			r.gone = nil
			q.env.Remove(gone, Expired)
		}
		if len(r.over) > 0 {
			over := r.over
			r.over = nil
			q.env.Remove(over, Evicted)
		}
		if !again && !q.wanted.Load() {
			break
		}
	}
	r.q = nil
	runners.Put(r)
}

// lock and unlock take the dispatch lock for something else than dispatch; whoever wanted
// dispatch meanwhile gets it from unlock.
func (q *Queue) lock() { q.mu.Lock() }

func (q *Queue) unlock() {
	q.mu.Unlock()
	if q.wanted.Load() {
		q.Kick()
	}
}

// Attach lets a consumer drain the queue. It returns false if the queue is closed.
func (q *Queue) Attach(c *Consumer) bool { return q.AttachNoting(c, nil) }

// AttachNoting is Attach for a consumer that has notes of its own for what it gets from this
// queue. The function is called with locks held and must not block.
func (q *Queue) AttachNoting(c *Consumer, note func(*message.Message) []byte) bool {
	q.lock()
	defer q.unlock()
	if q.closed {
		return false
	}
	n := len(q.levels)
	s := &consumerState{Consumer: c, note: note, pos: make([]uint64, n), scanned: make([]store.ID, n), finished: make([]bool, n)}
	at, _ := slices.BinarySearchFunc(q.consumers, c.Priority, func(o *consumerState, p int) int {
		if o.Priority >= p {
			return -1 // behind those of equal priority
		}
		return 1
	})
	q.consumers = slices.Insert(q.consumers, at, s)
	q.elect()
	c.mu.Lock()
	c.queues = append(c.queues, q)
	c.drain.waits++ // if it is being drained, by this one too
	c.mu.Unlock()
	return true
}

// detach ends what a consumer gets. What it has stays with it.
func (q *Queue) detach(c *Consumer) {
	q.lock()
	defer q.unlock()
	q.without(c)
}

// without takes a consumer out of the queue. The caller holds the dispatch lock.
func (q *Queue) without(c *Consumer) {
	q.consumers = slices.DeleteFunc(q.consumers, func(s *consumerState) bool { return s.Consumer == c })
	q.part(c)
	if len(q.consumers) == 0 {
		q.started, q.firstAt = false, 0
	}
	q.next = 0
	q.elect()
	q.unfetch()
	q.rewind()
}

// Consumers returns the number of consumers.
func (q *Queue) Consumers() int {
	q.lock()
	defer q.unlock()
	return len(q.consumers)
}

// elect finds the exclusive consumer: of those that ask to be, the one with the highest
// priority that came first.
func (q *Queue) elect() {
	end := len(q.consumers)
	for i := end - 1; i >= 0; i-- {
		if i+1 < len(q.consumers) && q.consumers[i+1].Priority != q.consumers[i].Priority {
			end = i + 1
		}
		q.consumers[i].groupEnd = end
	}
	q.noteFilters()
	old := q.exclusive
	q.exclusive = nil
	all := q.options.Load().AllExclusive
	for _, s := range q.consumers {
		if s.Exclusive || all {
			q.exclusive = s.Consumer
			break
		}
	}
	if old != q.exclusive {
		q.rewind()
	}
}

// rewind forgets what consumers did not want, as that may have changed.
func (q *Queue) rewind() {
	q.frontGen++
	q.rewinds++
	for _, s := range q.consumers {
		clear(s.pos)
		clear(s.scanned)
		clear(s.finished)
	}
}

func putBatch(b *store.Batch, _ error) { store.PutBatch(b) }

// Pause stops dispatch, not arrivals; Resume lets it go on.
func (q *Queue) Pause() {
	q.lock()
	q.paused = true
	q.unlock()
}

// Resume ends Pause.
func (q *Queue) Resume() {
	q.lock()
	q.paused = false
	q.unlock()
	q.Kick()
}

// Paused reports whether dispatch is stopped.
func (q *Queue) Paused() bool {
	q.lock()
	defer q.unlock()
	return q.paused
}
