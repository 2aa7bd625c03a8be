package broker

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/duplicate"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/store"
)

// MaxName is the longest destination name in bytes.
const MaxName = 32 << 10

// Destination is a queue or a topic.
type Destination struct {
	Address address.Address
	owner   *Connection  // of a temporary one
	queue   *queue.Queue // of a queue
	policy  atomic.Pointer[policy.Policy]
	gated   atomic.Bool                    // admit has something to say
	seen    atomic.Pointer[duplicate.Kept] // nil: nothing is remembered
	warning pacer                          // of the log, that producers wait
	gone    atomic.Bool                    // deleted: producers must look again
	b       *Broker
	virtual []*binding // to virtual topics

	forwarding *forwarding // nil: what is sent here stays here

	// Of a topic: what was published, and its subscribers' queues, for figures.
	published atomic.Int64
	repeated  atomic.Int64 // messages that were sent before

	producers atomic.Int64
	blocked   struct{ sends, nanos atomic.Int64 } // sends that waited for space, and for how long
	idleSince time.Time                           // see deleteInactive, which alone uses it
}

// destinationRecord is what the store keeps of a destination.
type destinationRecord struct {
	Name        string       `json:"name"`
	List        store.ListID `json:"list,omitempty"`
	Prioritized bool         `json:"prioritized,omitempty"`
}

// Policy returns the policy that holds for the destination.
func (d *Destination) Policy() *policy.Policy { return d.policy.Load() }

// Queue returns the queue behind the destination, nil for topics.
func (d *Destination) Queue() *queue.Queue { return d.queue }

// Published returns how many messages were sent to a topic since the start.
func (d *Destination) Published() int64 { return d.published.Load() }

// Consumers returns the number of a queue's consumers, or of the subscriptions that a topic's
// messages go to.
func (d *Destination) Consumers() int { return d.b.consumersOf(d) }

// Producers returns the number of producers that are open for the destination.
func (d *Destination) Producers() int64 { return d.producers.Load() }

// Blocked returns how many sends have waited for space, and for how long together.
func (d *Destination) Blocked() (sends int64, waited time.Duration) {
	return d.blocked.sends.Load(), time.Duration(d.blocked.nanos.Load())
}

// holders returns the queues whose messages this destination's policy governs.
func (d *Destination) holders() []*queue.Queue {
	if d.queue != nil {
		return []*queue.Queue{d.queue}
	}
	var out []*queue.Queue
	for _, b := range d.b.bindings.Match(d.Address.Name) {
		if b.session == nil { // whose messages come by many topics
			out = append(out, b.to.queue)
		}
	}
	return out
}

func (d *Destination) applyPolicy() {
	p := d.b.Policies.Lookup(d.Address)
	d.setPolicy(&p)
	if d.queue != nil {
		d.queue.SetOptions(queueOptions(&p))
	}
}

func queueOptions(p *policy.Policy) queue.Options {
	o := queue.Options{
		Prioritized: p.Prioritized, StrictOrder: p.StrictOrder, AllExclusive: p.AllExclusive,
		MaxDeliveries: p.MaxDeliveries, GroupLimit: p.GroupLimit, Window: p.Limits.Window,
		Redelivery: queue.Redelivery{Delay: p.Redelivery.Delay, Multiplier: p.Redelivery.Multiplier, MaxDelay: p.Redelivery.MaxDelay},
		Start:      queue.Start(p.Start),
		Tell:       tells(p),
	}
	if p.Redelivery.Spreads {
		o.Redelivery.Spread = float64(p.Redelivery.Spread) / 100
	}
	if p.Limits.Drops() {
		o.MaxEntries, o.MaxBytes = p.Limits.Messages, p.Limits.Memory
	}
	return o
}

// checkName reports whether a destination can have an address.
func checkName(op string, a address.Address) error {
	switch {
	case a.Kind == address.None || a.Name == "":
		return fault.New(fault.InvalidName, op, a.String(), "a destination needs a kind and a name")
	case len(a.Name) > MaxName:
		return fault.New(fault.TooLarge, op, a.Kind.String(), "the destination's name is longer than %d bytes", MaxName)
	case strings.ContainsRune(a.Name, 0):
		return fault.New(fault.InvalidName, op, a.Kind.String(), "a destination's name can't have a NUL character")
	}
	return nil
}

// Lookup returns the destination with an address, or nil.
func (b *Broker) Lookup(a address.Address) *Destination {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.destinations[a]
}

// Destinations returns all destinations, sorted by address.
func (b *Broker) Destinations() []*Destination {
	b.mu.RLock()
	list := make([]*Destination, 0, len(b.destinations))
	for _, d := range b.destinations {
		list = append(list, d)
	}
	b.mu.RUnlock()
	slices.SortFunc(list, func(x, y *Destination) int {
		if c := int(x.Address.Kind) - int(y.Address.Kind); c != 0 {
			return c
		}
		return strings.Compare(x.Address.Name, y.Address.Name)
	})
	return list
}

// resolve returns the destination with an address for a connection, and creates it if the
// connection may. A nil connection stands for the broker itself.
func (b *Broker) resolve(c *Connection, op string, a address.Address) (*Destination, error) {
	if b.Locator != nil {
		if err := b.Locator.Locate(a); err != nil {
			return nil, err
		}
	}
	if d := b.Lookup(a); d != nil {
		return d, nil
	}
	if err := checkName(op, a); err != nil {
		return nil, err
	}
	if a.Kind.IsTemp() { // nobody but its owner makes one, by CreateTemporary
		return nil, fault.New(fault.NotFound, op, a.String(), "The destination %s does not exist.", a)
	}
	if c != nil {
		if err := c.check(security.Admin, a); err != nil {
			return nil, err
		}
		if err := b.mayCreate(op, a); err != nil {
			return nil, err
		}
	}
	return b.create(a, nil)
}

// mayCreate reports whether there may be one more destination like one, as its policy says.
func (b *Broker) mayCreate(op string, a address.Address) error {
	p := b.Policies.Lookup(a)
	o := &p.Destinations
	if o.Max < 0 || isAdvisory(a) {
		return nil
	}
	match, n := address.Parse(o.Match, a.Kind), 0
	b.mu.RLock()
	defer b.mu.RUnlock()
	for other := range b.destinations {
		if other.Kind == a.Kind && address.Match(match.Name, other.Name) {
			n++
		}
	}
	if n < o.Max {
		return nil
	}
	return fault.New(fault.LimitReached, op, a.String(),
		"The maxmimum number of destinations allowed (%d) for the policy %s has already been reached.", o.Max, o.Match) // in ActiveMQ's spelling
}

// create makes a destination, or returns the one that is there. Its record reaches the disk
// with the next durable batch: until something durable refers to it, nothing is lost with it.
func (b *Broker) create(a address.Address, owner *Connection) (*Destination, error) {
	b.mu.Lock()
	if d := b.destinations[a]; d != nil {
		b.mu.Unlock()
		return d, nil
	}
	if len(b.destinations) >= b.Limits.Destinations {
		b.mu.Unlock()
		return nil, fault.New(fault.LimitReached, "create", a.String(), "there are %d destinations, which is the limit", b.Limits.Destinations)
	}
	d := &Destination{Address: a, owner: owner, b: b, forwarding: b.forwardingOf(a)}
	p := b.Policies.Lookup(a)
	d.setPolicy(&p)
	list := store.ListID(0)
	if a.Kind == address.Queue {
		list = b.newList()
	}
	if a.Kind.IsQueue() {
		d.queue = queue.New(b.env, a, list, queueOptions(&p))
		d.queue.Tag = d
	}
	if !a.Kind.IsTemp() {
		// Before anybody can send to it: whatever goes to its list is committed later.
		b.record(d, list)
	}
	b.destinations[a] = d
	b.bindVirtual(d)
	var watchers []*Subscription
	if a.Kind == address.Queue {
		for s := range b.watchers {
			watchers = append(watchers, s)
		}
	}
	b.mu.Unlock()
	for _, s := range watchers {
		s.watch(d)
	}
	b.events.publish(Event{Kind: DestinationCreated, Address: a})
	return d, nil
}

// record writes a destination's record.
func (b *Broker) record(d *Destination, list store.ListID) {
	rec := destinationRecord{Name: d.Address.String(), List: list, Prioritized: d.Policy().Prioritized}
	value, err := json.Marshal(rec)
	if err != nil {
		b.Log.Error("destination record", "destination", rec.Name, "error", err)
		return
	}
	batch := store.GetBatch()
	batch.Done = release
	batch.PutRecord(store.Destinations, []byte(rec.Name), value)
	b.store.Commit(batch)
}

func release(b *store.Batch, _ error) { store.PutBatch(b) }

// Create makes a queue or topic, as an administrator's operation. It blocks until that is on
// disk.
func (b *Broker) Create(ctx context.Context, a address.Address) error {
	if err := checkName("create", a); err != nil {
		return err
	}
	if a.Kind.IsTemp() {
		return fault.New(fault.Unsupported, "create", a.String(), "temporary destinations belong to a connection")
	}
	if b.Lookup(a) != nil {
		return fault.New(fault.Exists, "create", a.String(), "%s exists already", a)
	}
	if err := b.mayCreate("create", a); err != nil {
		return err
	}
	if _, err := b.create(a, nil); err != nil {
		return err
	}
	return b.store.Sync(ctx)
}

// Delete removes a destination with all that it holds. It fails with InUse while it has
// consumers. It blocks until that is on disk.
func (b *Broker) Delete(ctx context.Context, a address.Address) error {
	d := b.Lookup(a)
	if d != nil && b.consumersOf(d) > 0 {
		return fault.New(fault.InUse, "delete", a.String(), "Destination: %s still has an active subscription: %d", a, b.consumersOf(d))
	}
	b.mu.Lock()
	if d == nil || b.destinations[a] != d {
		b.mu.Unlock()
		return fault.New(fault.NotFound, "delete", a.String(), "%s does not exist", a)
	}
	delete(b.destinations, a)
	b.mu.Unlock()
	b.drop(d, fault.New(fault.NotFound, "delete", a.String(), "%s was deleted", a))
	b.events.publish(Event{Kind: DestinationDeleted, Address: a})
	return b.store.Sync(ctx)
}

func (b *Broker) consumersOf(d *Destination) int {
	if d.queue != nil {
		return d.queue.Consumers()
	}
	return len(b.bindings.Match(d.Address.Name))
}

// drop ends a destination that is no longer in the table.
func (b *Broker) drop(d *Destination, why error) {
	d.gone.Store(true)
	b.unbindVirtual(d)
	batch := store.GetBatch()
	batch.Done = release
	if d.queue != nil {
		d.queue.Close(why)
		if list := d.queue.List(); list != 0 {
			queue.DropList(batch, list)
		}
	}
	if !d.Address.Kind.IsTemp() {
		if w := d.seen.Swap(nil); w != nil {
			w.Delete(batch)
		}
		batch.DeleteRecord(store.Destinations, []byte(d.Address.String()))
	}
	b.store.Commit(batch)
}
