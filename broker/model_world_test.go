package broker_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/store/memory"
)

// world is a broker, its clients, and the model of both. It lives in a bubble of synctest:
// when everything is idle, nothing is under way.
type world struct {
	t        *testing.T
	seed     uint64
	rng      *rand.Rand
	policies *policy.Set
	disk     modelDisk
	broker   *broker.Broker

	clients  []*modelClient
	queues   []*modelQueue
	dlq      *modelQueue
	branches []*modelTx
	sels     []modelSelector

	steps     int
	trace     []string
	notes     map[string][]string // what became of a message, by its body
	serial    int                 // messages, subscriptions, connections and branches so far
	crashing  bool
	ending    bool
	undecided []*atom
	early     bool          // a dead letter came before its expiry was certain: it may be another's
	maybe     []*modelEntry // expired, or gone with the consumer whose queue held them
	closing   []*modelSub   // consumers that were closed in this step
	opened    []*modelSub   // and those that were opened
	got       []receipt     // deliveries of this step

	tags     atomic.Uint32
	mu       sync.Mutex
	arrivals []arrival
}

// arrival is a delivery as it came to a client.
type arrival struct {
	s   *modelSub
	d   broker.Delivery
	now int64
}

// modelClient is a connection.
type modelClient struct {
	w         *world
	id, label string
	conn      *broker.Connection
	subs      []*modelSub
	txs       []*modelTx
	producers map[string]*broker.Producer
	next      broker.Token
	*modelHandler
}

// modelHandler hears one connection.
type modelHandler struct {
	mu        sync.Mutex
	confirmed map[broker.Token]error
	order     []broker.Token
	ended     error
}

func (c *modelHandler) Confirmed(t broker.Token, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.confirmed[t] = err
	c.order = append(c.order, t)
}

func (c *modelHandler) Blocked(string) {}
func (c *modelHandler) Wake()          {}

func (c *modelHandler) Closed(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = errors.Join(reason, errors.New("closed by the broker"))
}

func (c *modelClient) token() broker.Token {
	c.next++
	return c.next
}

// done reports whether a token was confirmed, without an error.
func (c *modelClient) done(t broker.Token) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	err, ok := c.confirmed[t]
	return ok && err == nil
}

// modelSub is a consumer, and its sink.
type modelSub struct {
	c       *modelClient
	ears    *modelHandler
	name    string
	o       broker.SubscribeOptions
	sel     modelSelector
	sub     *broker.Subscription
	durable *modelDurable
	queues  []*modelQueue
	limit   uint64
	most    uint64 // the highest limit in this step
	moved   bool   // its limit was changed in this step
	last    uint64
	keep    int // messages of a topic subscriber that may wait, 0 = all
	closed  bool
	upTo    uint64
	drained int
	drains  int
}

func (s *modelSub) Deliver(ds []broker.Delivery) bool {
	w := s.c.w
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range ds {
		w.arrivals = append(w.arrivals, arrival{s, d, time.Now().UnixMilli()})
	}
	return true
}

func (s *modelSub) Drained(*queue.Consumer) {
	s.c.w.mu.Lock()
	defer s.c.w.mu.Unlock()
	s.drained++
}

func (s *modelSub) Closed(_ *queue.Consumer, err error) { s.ears.Closed(err) }
func (s *modelSub) Wake()                               {}

func (s *modelSub) credit() bool { return !s.closed && s.last < s.limit }

const modelWindow = 8 * (message.Overhead + 150) // bytes of about eight entries

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), disk: &twin{disk: memory.NewDisk()}, sels: modelSelectors(), notes: map[string][]string{}}
	if seed%pebbleEach == 0 {
		w.disk = &crashable{fs: vfs.NewCrashableMem(), rng: w.rng}
	}
	set := func(match string, fn func(*policy.Policy)) policy.Entry {
		return policy.Entry{Match: match, Values: []policy.Value{{Name: "test", Set: fn}}}
	}
	var err error
	w.policies, err = policy.NewSet([]policy.Entry{
		set(">", func(p *policy.Policy) { p.Limits.Window, p.ExpirePeriod = modelWindow, time.Second }),
		set("queue://q.prio", func(p *policy.Policy) { p.Prioritized = true }),
		set("queue://q.few", func(p *policy.Policy) { p.MaxDeliveries = 3 }),
		set("queue://q.late", func(p *policy.Policy) { p.Redelivery.Delay = 1500 * time.Millisecond }),
		set("topic://t.few", func(p *policy.Policy) { p.MaxDeliveries = 2 }),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.start()
	for _, name := range []string{"q.plain", "q.prio", "q.few", "q.late", "q.group", virtualQueue, "ActiveMQ.DLQ"} {
		mq := w.newQueue(q(name))
		if err := w.broker.Create(context.Background(), mq.addr); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"t.some", "t.few", virtualTopic} {
		if err := w.broker.Create(context.Background(), topic(name)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 4 {
		w.clients = append(w.clients, &modelClient{w: w, id: fmt.Sprint("c", i)})
		w.connect(w.clients[i])
	}
	synctest.Wait()
	return w
}

// pebbleEach is how many runs use the store in memory for one that uses the real engine, which is
// slower.
const pebbleEach = 5

const (
	virtualTopic = "VirtualTopic.V"
	virtualQueue = "Consumer.A." + virtualTopic
)

// newQueue adds an empty queue to the model.
func (w *world) newQueue(a address.Address) *modelQueue {
	mq := &modelQueue{name: a.Name, addr: a, prioritized: a.Name == "q.prio", owners: map[string]*modelSub{}}
	switch a.Name {
	case "q.few":
		mq.max = 3
	case "q.late":
		mq.delay = 1500
	case virtualQueue:
		mq.of = virtualTopic
	case "ActiveMQ.DLQ":
		w.dlq = mq
	}
	w.queues = append(w.queues, mq)
	return mq
}

func (w *world) start() {
	w.broker = broker.New(broker.Options{
		Policies: w.policies, OpenStore: w.disk.open,
	})
	if err := w.broker.Activate(context.Background()); err != nil {
		w.fail("activate: %v", err)
	}
}

func (w *world) stop() { _ = w.broker.Deactivate(context.Background(), nil) }

func (w *world) connect(c *modelClient) {
	w.serial++
	c.label = fmt.Sprintf("%s#%d", c.id, w.serial)
	c.subs, c.txs, c.producers = nil, nil, map[string]*broker.Producer{}
	c.next, c.modelHandler = 0, &modelHandler{confirmed: map[broker.Token]error{}}
	conn, err := w.broker.Connect(context.Background(), broker.Login{Protocol: "model", ClientID: c.id}, c.modelHandler)
	if err != nil {
		w.fail("connect %s: %v", c.id, err)
	}
	c.conn = conn
}

func (w *world) now() int64 { return time.Now().UnixMilli() }

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

func pick[T any](w *world, list []T) T { return list[w.rng.IntN(len(list))] }

func (w *world) say(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%d: %s", w.steps, fmt.Sprintf(format, args...)))
}

// note keeps what became of a message.
func (w *world) note(e *modelEntry, format string, args ...any) {
	w.notes[e.body] = append(w.notes[e.body], fmt.Sprintf("%d: %v %s", w.steps, e, fmt.Sprintf(format, args...)))
}

// fail ends the test with what led to the difference, and with the history of the messages
// that it speaks of.
func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	text := fmt.Sprintf(format, args...)
	for _, word := range strings.Fields(text) {
		if list := w.notes[strings.Trim(word, "[],")]; list != nil {
			w.t.Logf("history of %s:\n%s", word, strings.Join(list, "\n"))
		}
	}
	w.t.Fatalf("seed %d, step %d: %s\nThe last operations:\n%s", w.seed, w.steps, fmt.Sprintf(format, args...),
		strings.Join(w.trace[max(0, len(w.trace)-2000):], "\n"))
}

// advance lets time pass, in whole seconds.
func (w *world) advance(seconds int) {
	<-time.After(time.Duration(seconds) * time.Second)
	synctest.Wait()
}

// message makes up a message.
func (w *world) message(a address.Address) *modelMessage {
	w.serial++
	m := &modelMessage{
		body: fmt.Sprint("m", w.serial), color: pick(w, []string{"red", "green", "blue"}), n: int32(w.rng.IntN(10)),
		prio: uint8(w.rng.IntN(10)), durable: w.chance(60),
	}
	if a.Name == "q.group" || w.chance(3) {
		m.group, m.groupSeq = fmt.Sprint("g", w.rng.IntN(3)), int32(2+w.rng.IntN(9))
		if w.chance(6) {
			m.groupSeq = pick(w, []int32{-1, 1})
		}
	}
	switch {
	case w.chance(1):
		m.expiry = w.now() - 500
	case w.chance(10):
		m.expiry = w.now() + int64(w.rng.IntN(6))*1000 + 500
	}
	return m
}

// make returns the message for the broker.
func (m *modelMessage) make(a address.Address) *message.Message {
	out := with(m.body, m.durable, message.Field{Name: "color", Value: message.OfString(m.color)}, message.Field{Name: "n", Value: message.OfInt(m.n)})
	out.ID.Origin = m.body
	out.Address, out.Priority, out.Expiry, out.GroupID, out.GroupSeq = a, m.prio, m.expiry, m.group, m.groupSeq
	return out
}

func (c *modelClient) producer(to []address.Address) (*broker.Producer, error) {
	key := fmt.Sprint(to)
	if p := c.producers[key]; p != nil {
		return p, nil
	}
	p, err := c.conn.Producer(to...)
	if err == nil {
		c.producers[key] = p
	}
	return p, err
}

// subscribe opens a consumer.
func (w *world) subscribe(c *modelClient, o broker.SubscribeOptions, sel modelSelector, credit uint64) *modelSub {
	w.serial++
	if o.Name == "" && !w.ending && w.chance(15) {
		sel = w.sels[len(w.sels)-1] // what has a tag does not expire
		o.Track = func(_ *message.Message, _ []byte, tag uint32) (uint32, bool) {
			if tag != 0 {
				return tag, true
			}
			return w.tags.Add(1), true
		}
	}
	s := &modelSub{c: c, ears: c.modelHandler, name: fmt.Sprintf("s%d of %s", w.serial, c.label), o: o, sel: sel, limit: credit, most: credit}
	s.o.Selector, s.o.Tag = sel.text, s.name
	a := o.Addresses[0]
	switch {
	case o.Name != "":
		s.joinDurable(w)
	case a.Kind == address.Topic:
		s.keep = o.MaxPending
		mq := &modelQueue{name: "queue of " + s.name, addr: a, private: s, owners: map[string]*modelSub{}}
		w.queues = append(w.queues, mq)
		s.queues = []*modelQueue{mq}
	default:
		for _, mq := range w.queues {
			if mq.public() && slices.ContainsFunc(o.Addresses, func(a address.Address) bool {
				return a.Kind == mq.addr.Kind && address.Match(a.Name, mq.addr.Name)
			}) {
				s.queues = append(s.queues, mq)
			}
		}
	}
	w.say("%s subscribes to %v name %q selector %q priority %d exclusive %v keep %d tracked %v, credit %d",
		s.name, o.Addresses, o.Name, sel.text, o.Priority, o.Exclusive, o.MaxPending, s.o.Track != nil, credit)
	var err error
	if s.sub, err = c.conn.Subscribe(s.o, s, c.token()); err != nil {
		w.fail("subscribe: %v", err)
	}
	c.conn.Flush()
	s.sub.Limit(credit)
	for _, mq := range s.queues {
		mq.consumers = append(mq.consumers, s)
		mq.mixed = mq.mixed || sel.text != ""
	}
	c.subs = append(c.subs, s)
	w.opened = append(w.opened, s)
	return s
}

// joinDurable finds or makes the durable subscription of a consumer, anew if it has changed.
func (s *modelSub) joinDurable(w *world) {
	client := s.c.id
	if s.o.Shared {
		client = ""
	}
	for _, mq := range w.queues {
		d := mq.sub
		if d == nil || d.client != client || d.name != s.o.Name {
			continue
		}
		if d.sel.text == s.sel.text && d.o.NoLocal == s.o.NoLocal && d.o.Addresses[0] == s.o.Addresses[0] {
			s.durable, s.queues = d, []*modelQueue{mq}
			return
		}
		w.drop(mq)
		break
	}
	d := &modelDurable{client: client, name: s.o.Name, o: s.o, sel: s.sel}
	d.q = &modelQueue{name: fmt.Sprintf("subscription %s/%s of s%d", client, s.o.Name, w.serial), addr: s.o.Addresses[0], sub: d, owners: map[string]*modelSub{}}
	if d.q.addr.Name == "t.few" {
		d.q.max = 2
	}
	w.queues = append(w.queues, d.q)
	s.durable, s.queues = d, []*modelQueue{d.q}
}
