package broker

import (
	"context"
	"encoding/binary"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/line"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/recent"
	"github.com/manifoldmq/manifold/broker/retained"
	"github.com/manifoldmq/manifold/broker/route"
	"github.com/manifoldmq/manifold/broker/schedule"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/store"
)

// Options make a broker.
type Options struct {
	Name     string // broker name, part of message and connection identifiers
	Formats  []message.Format
	Security *security.Authority // nil: open to everyone
	Policies *policy.Set         // nil: defaults
	Limits   Limits
	Log      *slog.Logger
	// OpenStore opens the store; Activate calls it. The hooks are the broker's.
	OpenStore func(ctx context.Context, hooks store.Hooks) (store.Store, error)
	// Routing are the rules that take messages to further destinations; nil: those of
	// DefaultVirtualTopics alone.
	Routing *Routing
	// AtStart are destinations that are made at the start.
	AtStart []address.Address
	// Locator says who serves a destination; nil: this broker serves all.
	Locator Locator
	// Connectors tells the URLs that clients connect to, by protocol; nil: none is told.
	Connectors func() map[string]string
	// NoScheduler leaves the properties that schedule messages without effect.
	NoScheduler bool
	// ScheduledRepeats is how many repeats one scheduled message may ask for; 0: ActiveMQ's 1,000.
	ScheduledRepeats int
	// LinkStealing names the listeners whose connections end another one with the same client
	// identifier, whatever their protocol.
	LinkStealing []string
	// PopulateUserID writes into each message who has sent it, whatever the message says.
	PopulateUserID bool
}

// Locator finds the broker that serves a destination.
type Locator interface {
	// Locate returns nil for a destination that is served here, and otherwise a fault of kind
	// Moved that says where it is. It must not block.
	Locate(a address.Address) error
}

// Limits bound what clients may take. Zero means the default.
type Limits struct {
	Memory        int64 // bytes of messages in memory, 1 GiB
	Store         int64 // bytes on disk, 100 GiB
	Temp          int64 // bytes of non-durable messages on disk, 50 GiB
	Connections   int   // 10,000
	PerUser       int   // connections per user, no limit
	Subscriptions int   // per connection, 10,000
	Transactions  int   // open ones per connection, 1,000
	TxBytes       int64 // bytes of an open transaction, 256 MiB
	Unsettled     int   // deliveries without outcome per connection, 1,000,000
	TempQueues    int   // temporary destinations per connection, 1,000
	Parked        int   // sends of one connection that wait for space, 1,000
	Destinations  int   // 1,000,000
	Sessions      int   // 1,000,000
	Retained      int   // messages that topics keep, 1,000,000
	RetainedBytes int64 // of those, a quarter of Memory
	Scheduled     int   // messages that wait for their time, no limit

	FailIfNoSpace bool          // sends fail at a limit instead of waiting
	FailAfter     time.Duration // sends fail after waiting for so long; 0: they wait
}

// Role is what a broker process is at the moment.
type Role int32

// The roles. Standby processes hold no store and accept no connections.
const (
	Standby Role = iota
	Activating
	Active
	Deactivating
)

var roleNames = [...]string{"standby", "activating", "active", "deactivating"}

// String returns the role in lower case.
func (r Role) String() string { return roleNames[r] }

// Broker is the core.
type Broker struct {
	Options
	boot string // distinguishes identifiers of this start

	role   atomic.Int32
	store  store.Store
	env    *queue.Env
	flow   flow
	done   dispatcher
	events events
	told   *line.Line[Event] // events from where locks are held

	figuresMu sync.Mutex
	figures   counts // as of the last time that the statistics destinations were to begin anew
	total     Totals
	watch     watch

	scheduler *schedule.Scheduler // nil: turned off

	mu           sync.RWMutex
	destinations map[address.Address]*Destination
	durables     map[subscriptionKey]*durable
	watchers     map[*Subscription]struct{} // wildcard consumers of queues
	connections  map[*Connection]struct{}
	clients      map[string]*Connection // by client identifier
	perUser      map[string]int
	branches     map[string]*Transaction // prepared, by xid
	bindings     *route.Table[*binding]

	onceMu    sync.Mutex
	onces     map[string]*Once
	sequences map[string]*Sequence // guarded by onceMu too

	sessionMu   sync.Mutex // a leaf
	sessions    map[string]*clientSession
	nextSession atomic.Uint64
	plain       *note.Set // of bindings without identifiers
	orphanWills []*pendingWill

	retained *retained.Table
	recent   *recent.Table[*binding]

	listMu sync.Mutex   // a leaf: it is taken with a queue's lock held
	lists  store.ListID // highest in use

	lastID    atomic.Uint64 // highest id that is known to be done
	nextConn  atomic.Uint64
	begun     atomic.Uint32 // transactions, which are numbered by it
	stop      chan struct{}
	housework sync.WaitGroup
	progress  atomic.Int64 // of recovery, in percent
}

// Totals count over all destinations; they never go down.
type Totals struct {
	Connections, Received, Delivered, Expired, DeadLettered atomic.Int64
}

// New returns a broker that is not active yet.
func New(o Options) *Broker {
	if o.Name == "" {
		o.Name = "localhost"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Policies == nil {
		o.Policies = new(policy.Set)
	}
	if o.Routing == nil {
		o.Routing = &Routing{VirtualTopics: DefaultVirtualTopics()}
	}
	o.Limits.setDefaults()
	return &Broker{Options: o}
}

func (l *Limits) setDefaults() {
	or := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	or64 := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	or64(&l.Memory, 1<<30)
	or64(&l.Store, 100<<30)
	or64(&l.Temp, 50<<30)
	or64(&l.TxBytes, 256<<20)
	or(&l.Connections, 10000)
	or(&l.Subscriptions, 10000)
	or(&l.Transactions, 1000)
	or(&l.Unsettled, 1000000)
	or(&l.TempQueues, 1000)
	or(&l.Parked, 1000)
	or(&l.Destinations, 1000000)
	or(&l.Sessions, 1000000)
	or(&l.Retained, 1000000)
	or64(&l.RetainedBytes, l.Memory/4)
}

// Role returns what the broker is at the moment.
func (b *Broker) Role() Role { return Role(b.role.Load()) }

// Progress returns how far Activate has come, in percent.
func (b *Broker) Progress() int { return int(b.progress.Load()) }

// Store returns the open store, for management; nil while the broker is not active.
func (b *Broker) Store() store.Store {
	if b.Role() != Active {
		return nil
	}
	return b.store
}

func nowMillis() int64 { return time.Now().UnixMilli() }

// Activate opens the store, recovers what it holds, and lets connections in. It blocks until
// that is done. On error the broker stays what it was.
func (b *Broker) Activate(ctx context.Context) error {
	if !b.role.CompareAndSwap(int32(Standby), int32(Activating)) {
		return fault.New(fault.InUse, "activate", b.Name, "the broker is %s", b.Role())
	}
	b.progress.Store(0)
	if err := b.activate(ctx); err != nil {
		if b.store != nil {
			_ = b.store.Close(ctx)
			b.store = nil
		}
		b.role.Store(int32(Standby))
		return err
	}
	b.progress.Store(100)
	b.role.Store(int32(Active))
	return nil
}

func (b *Broker) activate(ctx context.Context) error {
	b.boot = bootID()
	b.destinations = make(map[address.Address]*Destination)
	b.durables = make(map[subscriptionKey]*durable)
	b.watchers = make(map[*Subscription]struct{})
	b.connections = make(map[*Connection]struct{})
	b.clients = make(map[string]*Connection)
	b.perUser = make(map[string]int)
	b.branches = make(map[string]*Transaction)
	b.onces = make(map[string]*Once)
	b.sequences = make(map[string]*Sequence)
	b.sessions = make(map[string]*clientSession)
	b.plain = note.NewSet(0)
	b.retained = retained.New()
	b.recent = recent.New[*binding]()
	b.bindings = route.New[*binding]()
	b.stop = make(chan struct{})
	b.told = line.New(line.Bounds{Things: maxTold, Bytes: maxToldBytes}, sizeOfEvent, b.events.publish)
	b.watch.set(b.Policies)
	b.done.start()
	s, err := b.OpenStore(ctx, store.Hooks{AfterGroup: b.done.signal, Event: b.storeEvent})
	if err != nil {
		b.done.stop()
		return err
	}
	b.store = s
	b.lastID.Store(uint64(s.NextID()))
	b.env = &queue.Env{
		Store:     s,
		Formats:   message.NewFormats(b.Formats...),
		Memory:    queue.NewMemory(b.Limits.Memory),
		Temp:      queue.NewMemory(b.Limits.Temp),
		Log:       b.Log,
		Delivered: &b.total.Delivered,
		Encode:    b.encode,
		NewList:   b.newList,
		Remove:    b.removed,
		Now:       nowMillis,
		Tell:      b.tell,
		Room:      func() { go b.flow.release() },
	}
	b.flow.start(b)
	if err := b.recover(ctx); err != nil {
		b.flow.stop()
		b.done.stop()
		return err
	}
	if err := b.startScheduler(ctx); err != nil {
		b.flow.stop()
		b.done.stop()
		return err
	}
	for _, a := range b.AtStart {
		if _, err := b.resolve(nil, "create", a); err != nil {
			b.Log.Error("destination of the configuration", "destination", a.String(), "error", err)
		}
	}
	b.housework.Add(1)
	go b.keepHouse()
	b.startSessions()
	return nil
}

// Deactivate ends all connections with the reason, lets what was accepted reach the disk, and
// closes the store. The broker may be activated again.
func (b *Broker) Deactivate(ctx context.Context, reason error) error {
	if !b.role.CompareAndSwap(int32(Active), int32(Deactivating)) {
		return nil
	}
	close(b.stop)
	b.housework.Wait()
	b.mu.RLock()
	conns := make([]*Connection, 0, len(b.connections))
	for c := range b.connections {
		conns = append(conns, c)
	}
	b.mu.RUnlock()
	for _, c := range conns {
		c.end(reason)
	}
	b.stopSessions()
	if b.scheduler != nil {
		b.scheduler.Stop()
	}
	b.flow.stop()
	b.told.Close()
	err := b.markClean(ctx)
	if closeErr := b.store.Close(ctx); err == nil {
		err = closeErr
	}
	b.done.stop()
	b.role.Store(int32(Standby))
	return err
}

// keepHouse searches for expired messages until the broker stops.
func (b *Broker) keepHouse() {
	defer b.housework.Done()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-b.stop:
			return
		case now := <-tick.C:
			b.expireAll(now)
			b.deleteInactive(now)
			b.deleteOffline(now)
			b.closeSlow(now)
			if now.Unix()%retainedSweep == 0 {
				b.SweepRetained(now)
			}
			b.trimRecent()
			b.flow.check()
		}
	}
}

func (b *Broker) expireAll(now time.Time) {
	var due []*Destination
	b.mu.RLock()
	for _, d := range b.destinations {
		if period := d.Policy().ExpirePeriod; period > 0 && now.Unix()%max(1, int64(period/time.Second)) == 0 {
			due = append(due, d)
		}
	}
	b.mu.RUnlock()
	for _, d := range due {
		for _, q := range d.holders() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			if err := q.Expire(ctx); err != nil {
				b.Log.Warn("search for expired messages failed", "queue", q.Address.String(), "error", err)
			}
			cancel()
		}
	}
	if now.Unix()%sessionExpirePeriod != 0 {
		return
	}
	for _, s := range b.allSessions() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if err := s.queue.Expire(ctx); err != nil {
			b.Log.Warn("search for expired messages failed", "session", s.client, "error", err)
		}
		cancel()
	}
}

// sessionExpirePeriod is how often, in seconds, what waits for sessions is searched for messages
// that have ended.
const sessionExpirePeriod = 30

// newList takes an unused list identifier. It may be called with locks held.
func (b *Broker) newList() store.ListID {
	b.listMu.Lock()
	defer b.listMu.Unlock()
	b.lists++
	if b.lists%listBlock == 0 {
		b.reserveLists()
	}
	return b.lists
}

// reserveLists keeps the reservation of list identifiers ahead of their use. A start reserves
// one block from an arbitrary number on, so it is renewed well before it can be used up.
func (b *Broker) reserveLists() {
	var block [4]byte
	binary.BigEndian.PutUint32(block[:], uint32(b.lists)+2*listBlock)
	batch := store.GetBatch()
	batch.Done = release
	batch.PutRecord(store.Marks, []byte(listsKey), block[:])
	b.store.Commit(batch)
}
