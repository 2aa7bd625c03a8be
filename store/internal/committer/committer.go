// Package committer is the group commit that backends share. It stamps ids, puts batches in
// one order, and has one goroutine that applies all that is pending as one group, syncs once,
// and runs Done in that order. While a group is being synced the next one gathers, so the
// cost of a sync is divided among all who wait for it.
package committer

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/store"
)

// Group bounds: what is pending beyond them waits for the next group, so that the first of a
// long queue is not confirmed with the last.
const (
	maxGroupBytes   = 4 << 20
	maxGroupBatches = 8192
)

// Group is what an engine applies at once.
type Group struct {
	// Batches take effect in this order. It may be empty.
	Batches []*store.Batch
	// Sync asks that the group, and all before it, survive a power failure when Apply returns.
	Sync bool
	// Reserve, if not zero, is to be stored with the group: all ids below it count as used.
	Reserve store.ID
}

// Engine is a backend's side. Apply is called from one goroutine. An error is final: nothing
// is applied any more.
type Engine interface {
	Apply(g *Group) error
}

// Sync says when data is forced to disk.
type Sync uint8

// The sync modes.
const (
	Always   Sync = iota // each group that holds a durable batch
	Interval             // every Config.LazySync; durable batches are done when applied
	Never                // when the operating system likes, and at Close
)

// Config is what a Committer needs to know.
type Config struct {
	Engine Engine
	Hooks  store.Hooks
	Sync   Sync
	// LazySync is how long lazily applied data may stay unsynced. Zero: one second.
	LazySync time.Duration
	// Next is the first id to give out.
	Next store.ID
	// Block is how many ids are reserved at once; zero for engines that need not reserve.
	// Ids below Reserved are reserved already.
	Block, Reserved store.ID
	// Pressure is called with a level from 0 to 3 when pending bytes pass PressureBytes,
	// four times and sixteen times that (zero: 16 MiB), or fall below again.
	Pressure      func(level int)
	PressureBytes int64
}

// Committer orders and commits batches. Its methods may be called from any goroutine.
type Committer struct {
	cfg Config

	mu      sync.Mutex
	wake    sync.Cond
	waiting bool // the goroutine waits for wake
	running bool // the goroutine is there
	closing bool
	pending []*store.Batch
	calls   []func() bool
	next    store.ID
	limit   store.ID // ids below it are reserved
	err     error    // why nothing is applied any more
	syncDue bool

	pendingBytes atomic.Int64
	pressure     chan struct{} // a level may have changed
	idle         chan struct{} // closed when the goroutine has ended after Close

	// The goroutine's own.
	work     []*store.Batch
	unsynced bool
	lazy     *time.Timer
	armed    bool
	group    Group

	stats stats
}

// New starts a committer.
func New(cfg Config) *Committer {
	if cfg.LazySync <= 0 {
		cfg.LazySync = time.Second
	}
	if cfg.PressureBytes <= 0 {
		cfg.PressureBytes = 16 << 20
	}
	c := &Committer{
		cfg: cfg, next: max(cfg.Next, 1), limit: cfg.Reserved, running: true,
		pressure: make(chan struct{}, 1), idle: make(chan struct{}),
	}
	c.wake.L = &c.mu
	go c.run()
	if cfg.Pressure != nil {
		go c.report()
	}
	return c
}

// Commit stamps b's ids and queues it. See store.Store.
func (c *Committer) Commit(b *store.Batch) {
	size := int64(b.Size())
	c.mu.Lock()
	c.next = b.Stamp(c.next)
	c.pending = append(c.pending, b)
	c.rouse()
	c.mu.Unlock()
	if total := c.pendingBytes.Add(size); c.levelOf(total) != c.levelOf(total-size) {
		c.signalPressure()
	}
}

// NextID takes an id from the sequence.
func (c *Committer) NextID() store.ID {
	c.mu.Lock()
	id := c.next
	c.next++
	if c.reserveDue() {
		c.rouse()
	}
	c.mu.Unlock()
	return id
}

// Peek returns the next id without taking it.
func (c *Committer) Peek() store.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next
}

// SkipTo gives out no id below next any more. The reservation goes with the next sync.
func (c *Committer) SkipTo(next store.ID) {
	c.mu.Lock()
	c.next = max(c.next, next)
	if c.reserveDue() {
		c.rouse()
	}
	c.mu.Unlock()
}

// Call has fn run on the committer's goroutine, between two groups, and does not wait. fn
// reports whether it wrote what is to be synced in time. After Close or Fail fn does run, but
// must not write any more: see Err.
func (c *Committer) Call(fn func() (wrote bool)) {
	c.mu.Lock()
	c.calls = append(c.calls, fn)
	c.rouse()
	c.mu.Unlock()
}

// Force has the next group synced, in any sync mode.
func (c *Committer) Force() {
	c.mu.Lock()
	c.syncDue = true
	c.rouse()
	c.mu.Unlock()
}

// Fail stops the committer: what has not been confirmed never is. The first error stays.
func (c *Committer) Fail(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = fmt.Errorf("%w: %w", store.ErrStopped, err)
	}
	c.rouse()
	c.mu.Unlock()
}

// Err says why nothing is applied any more, or nil.
func (c *Committer) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close has all that is pending committed and synced, and refuses what comes later. The
// channel is closed when that is done. Close may be called more than once.
func (c *Committer) Close() <-chan struct{} {
	c.mu.Lock()
	c.closing = true
	c.rouse()
	c.mu.Unlock()
	return c.idle
}

// rouse wakes the goroutine, or starts it again for batches that come after Close.
func (c *Committer) rouse() {
	switch {
	case !c.running:
		c.running = true
		go c.run()
	case c.waiting:
		c.waiting = false
		c.wake.Signal()
	}
}

// reserveDue reports whether half of the last reserved block is used up.
func (c *Committer) reserveDue() bool {
	return c.cfg.Block > 0 && c.err == nil && c.next+c.cfg.Block/2 > c.limit
}

// run is the goroutine. After Close it ends whenever there is nothing to do.
func (c *Committer) run() {
	for {
		c.mu.Lock()
		for len(c.pending) == 0 && len(c.calls) == 0 && !c.syncDue && !c.reserveDue() && !c.closing {
			c.waiting = true
			c.wake.Wait()
		}
		c.waiting = false
		c.work, c.pending = c.pending, c.work[:0]
		calls, due, err := c.calls, c.syncDue, c.err
		c.calls, c.syncDue = nil, false
		reserve := store.ID(0)
		if c.reserveDue() {
			reserve = c.next + c.cfg.Block
		}
		closing := c.closing
		c.mu.Unlock()

		for _, fn := range calls {
			if fn() {
				c.unsynced = true
			}
		}
		if len(c.work) > 0 || reserve > 0 {
			c.commit(reserve, due)
		} else if err == nil && c.unsynced && (due || closing) {
			c.apply(nil, true, 0)
		}
		c.arm()
		if closing && c.end() {
			return
		}
	}
}

// end ends the goroutine after Close, if nothing has come in between.
func (c *Committer) end() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending) > 0 || len(c.calls) > 0 || (c.err == nil && c.unsynced) {
		return false
	}
	if c.err == nil {
		c.err = store.ErrClosed
	}
	c.running = false
	select {
	case <-c.idle:
	default:
		close(c.idle)
		close(c.pressure)
	}
	return true
}

// commit ends all batches in work, in groups.
func (c *Committer) commit(reserve store.ID, due bool) {
	for from := 0; from < len(c.work) || reserve > 0; {
		to, bytes, durable := from, 0, false
		for to < len(c.work) && to-from < maxGroupBatches && (to == from || bytes < maxGroupBytes) {
			b := c.work[to]
			bytes += b.Size()
			durable = durable || b.Durability == store.Durable
			to++
		}
		sync := due || durable && c.cfg.Sync == Always
		err := c.apply(c.work[from:to], sync, reserve)
		c.finish(c.work[from:to], err)
		from, reserve = to, 0
	}
	clear(c.work)
	if cap(c.work) > 4*maxGroupBatches {
		c.work = nil
	}
}

// apply hands one group to the engine and counts it.
func (c *Committer) apply(batches []*store.Batch, sync bool, reserve store.ID) error {
	if err := c.Err(); err != nil {
		return err
	}
	ops := 0
	for _, b := range batches {
		ops += len(b.Ops())
	}
	if reserve > 0 {
		sync = sync || c.cfg.Sync != Never
	}
	sync = sync && (ops > 0 || reserve > 0 || c.unsynced)
	if ops > 0 || reserve > 0 || sync {
		c.group = Group{Batches: batches, Sync: sync, Reserve: reserve}
		start := time.Now()
		if err := c.cfg.Engine.Apply(&c.group); err != nil {
			c.Fail(err)
		}
		c.group.Batches = nil
		c.stats.group(len(batches), ops, sync, time.Since(start))
		c.unsynced = !sync
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && reserve > 0 {
		c.limit = reserve
	}
	return c.err // which the engine's background work may have set meanwhile
}

// finish runs Done for one group, and the hook after it.
func (c *Committer) finish(batches []*store.Batch, err error) {
	for _, b := range batches {
		size, done := int64(b.Size()), b.Done
		if done != nil {
			if e := b.Err(); e != nil && err == nil {
				done(b, e)
			} else {
				done(b, err)
			}
		}
		if total := c.pendingBytes.Add(-size); c.levelOf(total) != c.levelOf(total+size) {
			c.signalPressure()
		}
	}
	if c.cfg.Hooks.AfterGroup != nil && len(batches) > 0 {
		c.cfg.Hooks.AfterGroup()
	}
}

// arm sets the timer after which lazily applied data is synced.
func (c *Committer) arm() {
	if !c.unsynced || c.cfg.Sync == Never {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.armed || c.closing || c.err != nil {
		return
	}
	c.armed = true
	if c.lazy == nil {
		c.lazy = time.AfterFunc(c.cfg.LazySync, c.lazyDue)
	} else {
		c.lazy.Reset(c.cfg.LazySync)
	}
}

func (c *Committer) lazyDue() {
	c.mu.Lock()
	c.armed = false
	if !c.closing {
		c.syncDue = true
		c.rouse()
	}
	c.mu.Unlock()
}

// Sync waits until all that was committed before is on disk.
func (c *Committer) Sync(ctx context.Context) error {
	done := make(chan error, 1)
	b := store.GetBatch()
	b.Durability = store.Durable
	b.Done = func(b *store.Batch, err error) {
		store.PutBatch(b)
		done <- err
	}
	c.Force()
	c.Commit(b)
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
