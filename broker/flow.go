package broker

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// flow decides when producers wait. Settlement, commit of what was accepted, purge, delete
// and close never wait for a limit.
type flow struct {
	b        *Broker
	inflight atomic.Int64 // bytes on their way to the disk
	diskLow  atomic.Bool
	pressure atomic.Int32
	stopped  atomic.Pointer[error] // the store failed

	mu      sync.Mutex
	waiting map[*Connection]struct{}
	off     bool
}

// maxInflight is how many bytes may be on their way to the disk before producers wait.
const maxInflight = 64 << 20

func (f *flow) start(b *Broker) {
	f.b = b
	f.diskLow.Store(false)
	f.pressure.Store(0)
	f.inflight.Store(0)
	f.stopped.Store(nil)
	f.mu.Lock()
	f.waiting = make(map[*Connection]struct{})
	f.off = false
	f.mu.Unlock()
	b.env.Memory.OnFreed(func() { go f.release() })
	b.env.Temp.OnFreed(func() { go f.release() })
}

func (f *flow) stop() {
	f.mu.Lock()
	f.off = true
	f.waiting = nil
	f.mu.Unlock()
}

func (f *flow) pending(n int64) { f.inflight.Add(n) }

func (f *flow) done(n int64) {
	if n == 0 {
		return
	}
	if left := f.inflight.Add(-n); left < maxInflight/2 && left+n >= maxInflight/2 {
		go f.release()
	}
}

// parked is a send that waits for space, or a confirmation that waits for the sends before it.
type parked struct {
	p  *Producer // nil: a confirmation
	m  *message.Message
	t  Token
	tx *Transaction

	*extra
	since time.Time
}

// maxParkedBytes bounds what one connection may have parked, beside Limits.Parked and the last
// message.
const maxParkedBytes = 8 << 20

// park keeps a send until there is space. The caller holds c.mu.
func (c *Connection) park(k parked) error {
	size := int64(k.m.Size())
	if len(c.parked) >= c.b.Limits.Parked || c.parkedLen > maxParkedBytes {
		return fault.New(fault.LimitReached, "send", k.p.targets[0].Address.String(),
			"%d sends wait already: %s", len(c.parked), c.blockage.reason)
	}
	k.since = time.Now()
	c.parked = append(c.parked, k)
	c.parkedLen += size
	return nil
}

func (f *flow) wait(c *Connection) {
	f.mu.Lock()
	if !f.off {
		f.waiting[c] = struct{}{}
	}
	f.mu.Unlock()
}

func (f *flow) leave(c *Connection) {
	f.mu.Lock()
	delete(f.waiting, c)
	f.mu.Unlock()
	select {
	case c.unpark <- struct{}{}:
	default:
	}
}

// check lets those go on whose limit has moved without a word: a destination's own, a policy's.
func (f *flow) check() {
	f.mu.Lock()
	n := len(f.waiting)
	f.mu.Unlock()
	if n > 0 {
		f.release()
	}
}

// release lets the connections that wait try again.
func (f *flow) release() {
	f.mu.Lock()
	conns := make([]*Connection, 0, len(f.waiting))
	for c := range f.waiting {
		conns = append(conns, c)
	}
	f.mu.Unlock()
	for _, c := range conns {
		c.retry()
	}
}

// retry sends what is parked, as far as there is space.
func (c *Connection) retry() {
	c.mu.Lock()
	n := 0
	for ; n < len(c.parked) && !c.closed.Load(); n++ {
		k := &c.parked[n]
		if k.p == nil {
			c.confirmLocked(k.t)
			continue
		}
		if s := c.b.flow.blocks(k.p, k.m, k.tx != nil); s.reason != "" {
			if after := k.p.patience(); after <= 0 || time.Since(k.since) < after {
				c.blockage = s
				break
			}
			c.refuseLocked(k, spaceFault(k.p, &s))
		} else if err := c.admitLocked(k); err != nil {
			c.refuseLocked(k, err)
		}
		c.parkedLen -= int64(k.m.Size())
	}
	c.unparkLocked(n)
	c.mu.Unlock()
	c.Flush()
	c.handler.Wake()
}

// unparkLocked forgets the first n of what is parked; when nothing is left, sends go on.
func (c *Connection) unparkLocked(n int) {
	for i := range c.parked[:n] {
		if k := &c.parked[i]; k.p != nil {
			x := &k.p.targets[0].blocked
			x.sends.Add(1)
			x.nanos.Add(int64(time.Since(k.since)))
		}
	}
	rest := copy(c.parked, c.parked[n:])
	clear(c.parked[rest:])
	c.parked = c.parked[:rest]
	if rest > 0 {
		return
	}
	if c.blockage.limit != "" {
		c.blockage = shortage{}
		c.handler.Blocked("")
	}
	c.b.flow.leave(c)
}

// refuseLocked answers a send that was parked. A transaction that lacks it must not be committed.
func (c *Connection) refuseLocked(k *parked, err error) {
	if k.tx != nil && !k.tx.fail(err) {
		err = nil // it was rolled back, with this send
	}
	switch {
	case k.t == 0:
	case err == nil:
		c.confirmLocked(k.t)
	default: // in order with the others
		u := c.burstLocked()
		u.refused = append(u.refused, refusal{len(u.tokens), err})
		u.tokens = append(u.tokens, k.t)
	}
}

// forceParked lets what is parked before the commit of a transaction take effect, limit or not: the
// commit must neither overtake it nor wait. With [Login.Overtaking] it may overtake all but its own.
// What is parked is bounded, and so is what goes over a limit by this.
func (tx *Transaction) forceParked() {
	c := tx.c
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.parked)
	for c.login.Overtaking && n > 0 && c.parked[n-1].tx != tx {
		n--
	}
	if n == 0 {
		return
	}
	for i := range c.parked[:n] {
		k := &c.parked[i]
		if k.p == nil {
			c.confirmLocked(k.t)
			continue
		}
		c.parkedLen -= int64(k.m.Size())
		if err := c.admitLocked(k); err != nil {
			c.refuseLocked(k, err)
		}
	}
	c.unparkLocked(n)
}

// crowdPause is how long a producer pauses at most, per burst, for a crowded queue.
const crowdPause = 10 * time.Millisecond

// Throttle blocks while the connection's sends wait for space, and shortly when they go to a
// queue whose consumers do not keep up, unless the client has deliveries to settle: that would
// free the space. A reader calls it after each burst, before it reads on.
func (c *Connection) Throttle() {
	for !c.closed.Load() {
		if waiting, _ := c.Pause(); !waiting || c.hasUnsettled() {
			return
		}
		select {
		case <-c.unpark:
		case <-time.After(time.Second):
		}
	}
}

// Pause is Throttle for clients that wait for an answer to each send, and mostly hold back
// themselves: it does not wait for space. It reports whether sends do, and whether so many that it
// is time for Throttle, before some are refused.
func (c *Connection) Pause() (waiting, many bool) {
	c.mu.Lock()
	waiting, many = len(c.parked) > 0, len(c.parked) >= c.b.Limits.Parked/2 || c.parkedLen >= maxParkedBytes/2
	crowded := c.crowded
	c.crowded = nil
	c.mu.Unlock()
	if crowded != nil && !c.hasUnsettled() {
		crowded.WaitRoom(crowdPause)
	}
	return waiting, many
}

func (c *Connection) hasUnsettled() bool { return c.allowance.Used() > 0 }

// offerAll lets the connection's consumers go on when its allowance has room again.
func (c *Connection) offerAll() {
	c.state.Lock()
	subs := make([]*Subscription, 0, len(c.subs))
	for s := range c.subs {
		subs = append(subs, s)
	}
	c.state.Unlock()
	for _, s := range subs {
		s.Offer()
	}
}

// storeEvent hears the store.
func (b *Broker) storeEvent(e store.Event) {
	f := &b.flow
	switch e.Kind {
	case store.Pressure:
		f.pressure.Store(int32(e.Level))
		if e.Level < 3 {
			go f.release()
		}
	case store.DiskLow:
		if !f.diskLow.Swap(true) {
			b.Log.Error("disk nearly full: producers wait, consumers go on", "error", e.Err)
		}
	case store.DiskOK:
		if f.diskLow.Swap(false) {
			b.Log.Info("disk has space again: producers go on")
			go f.release()
		}
	case store.Corrupt:
		b.Log.Error("damage in the store", "list", e.List, "error", e.Err)
	case store.Fatal:
		b.Log.Error("the store has stopped, nothing is confirmed any more", "error", e.Err)
		f.stopped.Store(&e.Err)
	}
	b.events.publish(Event{Kind: StoreEvent, Store: e})
}

// storeFault makes an error of the store one of the core.
func storeFault(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrDiskFull):
		return fault.Wrap(fault.StoreFull, op, "store", err)
	case errors.Is(err, store.ErrTooLarge):
		return fault.Wrap(fault.TooLarge, op, "store", err)
	}
	return fault.Wrap(fault.Internal, op, "store", err)
}
