package torture

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// Workload says what a run does. The zero value of a field means none of it, if nothing else is
// said.
type Workload struct {
	Seed uint64 // of all that is random; also the run's number
	Name string // prefix of the names of all destinations

	Queues        int // filled by producers, drained by consumers
	Relays        int // pairs of queues with a consumer of one that sends to the other in transactions
	Topics        int
	Subscriptions int // durable ones, to each topic

	Producers int
	Window    int // sends and commits of a producer that wait for their confirmation; at least 1
	Consumers int // of each queue
	Prefetch  int // 0: the broker's default
	Backlog   int // producers pause while more copies than this wait to be settled; 0: they don't

	Sizes    []Size  // of bodies; none: 1 KiB
	Volatile float64 // share of sends that are not persistent
	Grouped  float64 // share of a producer's steps, and of a consumer's, that are transactions
	Batch    int     // sends or settlements in a transaction, at most; at least 1
	Aborts   float64 // share of transactions that are aborted
	Cuts     float64 // chance of a client to cut its connection after a step

	// AtMostOnce is how many queues there are whose consumers are handed their messages settled: what
	// those lose is lost, but nothing else may go wrong with it.
	AtMostOnce  int
	Unconfirmed float64             // share of sends outside of transactions that ask for no confirmation
	Modes       []client.Settlement // of consumers, in turn; none: all settle one by one
}

// Size is a size of bodies, with its share relative to that of the others.
type Size struct {
	Octets int
	Weight int
}

// Crash returns the workload behind crash tests: four producers with windows, big bodies,
// transactions, relays and durable subscriptions.
func Crash(seed uint64) Workload {
	return Workload{
		Seed: seed, Name: "torture",
		Queues: 2, Relays: 1, Topics: 1, Subscriptions: 2,
		Producers: 4, Window: 64, Consumers: 2, Prefetch: 100, Backlog: 2000,
		Sizes:   []Size{{100, 40}, {1 << 10, 40}, {16 << 10, 18}, {300 << 10, 1}, {2 << 20, 1}},
		Grouped: 0.2, Batch: 8, Aborts: 0.2, Cuts: 0.001,
		Modes: []client.Settlement{client.Individual, client.Cumulative},
	}
}

// queue, topic and the like name the workload's destinations.

func (w *Workload) queue(i int) Target { return w.single(fmt.Sprintf("/queue/%s.%d", w.Name, i)) }

func (w *Workload) atMostOnce(i int) Target {
	t := w.single(fmt.Sprintf("/queue/%s.once.%d", w.Name, i))
	t.AtMostOnce = true
	return t
}

func (w *Workload) relayIn(i int) Target {
	return w.single(fmt.Sprintf("/queue/%s.relay.%d", w.Name, i))
}

func (w *Workload) relayOut(i int) Target {
	return w.single(fmt.Sprintf("/queue/%s.relayed.%d", w.Name, i))
}

func (w *Workload) single(name string) Target {
	return Target{Destination: name, Places: []string{name}}
}

func (w *Workload) topic(i int) Target {
	t := Target{Destination: fmt.Sprintf("/topic/%s.%d", w.Name, i)}
	for s := range w.Subscriptions {
		t.Places = append(t.Places, fmt.Sprintf("%s#%d", t.Destination, s))
	}
	return t
}

// sources returns what producers send to.
func (w *Workload) sources() []Target {
	var all []Target
	for i := range w.Queues {
		all = append(all, w.queue(i))
	}
	for i := range w.AtMostOnce {
		all = append(all, w.atMostOnce(i))
	}
	for i := range w.Relays {
		all = append(all, w.relayIn(i))
	}
	for i := range w.Topics {
		all = append(all, w.topic(i))
	}
	return all
}

// outlets returns every place with a way to drain it.
func (w *Workload) outlets() []outlet {
	var all []outlet
	add := func(t Target) { all = append(all, outlet{place: t.Places[0], from: t}) }
	for i := range w.Queues {
		add(w.queue(i))
	}
	for i := range w.AtMostOnce {
		add(w.atMostOnce(i))
	}
	for i := range w.Relays {
		add(w.relayIn(i))
		add(w.relayOut(i))
	}
	for i := range w.Topics {
		t := w.topic(i)
		for s, place := range t.Places {
			name := fmt.Sprintf("%s-%d-%d", w.Name, i, s)
			all = append(all, outlet{place: place, from: t, durable: name})
		}
	}
	return all
}

// outlet is a place, and how a consumer gets at it.
type outlet struct {
	place   string
	from    Target
	durable string // name of the durable subscription, and of its client; "" for a queue
}

func (o outlet) subscription(mode client.Settlement, prefetch int) client.Subscription {
	return client.Subscription{Destination: o.from.Destination, Mode: mode, Prefetch: prefetch, Durable: o.durable}
}

// mode returns how a consumer settles: the n-th of the outlet with the given index.
func (w *Workload) mode(o outlet, index, n int) client.Settlement {
	switch {
	case o.from.AtMostOnce:
		return client.Auto
	case len(w.Modes) == 0:
		return client.Individual
	}
	return w.Modes[(index+n)%len(w.Modes)]
}

// dice is the workload's random choices for one worker.
type dice struct {
	*rand.Rand
	w     *Workload
	total int
}

// LibraryAMQP returns the workload for a client library of AMQP, unmodified: unsettled and settled
// sends and deliveries, and transactions where the library has them.
func LibraryAMQP(seed uint64, transactions bool) Workload {
	w := Crash(seed)
	w.Producers, w.AtMostOnce, w.Unconfirmed = 3, 1, 0.2
	w.Modes = []client.Settlement{client.Individual, client.Unconfirmed}
	if !transactions {
		w.Relays, w.Grouped = 0, 0
	}
	return w
}

// dice for a worker: its own stream, the same for the same seed.
func (w *Workload) dice(worker uint64) dice {
	d := dice{Rand: rand.New(rand.NewPCG(w.Seed, worker)), w: w}
	for _, s := range w.Sizes {
		d.total += s.Weight
	}
	return d
}

// size picks the size of a body.
func (d dice) size() int {
	if d.total == 0 {
		return 1 << 10
	}
	n := d.IntN(d.total)
	for _, s := range d.w.Sizes {
		if n -= s.Weight; n < 0 {
			return s.Octets
		}
	}
	return 1 << 10
}

// chance is true with a probability.
func (d dice) chance(p float64) bool { return p > 0 && d.Float64() < p }

// some picks a number from 1 to n.
func (d dice) some(n int) int { return 1 + d.IntN(max(n, 1)) }

// How long a worker looks for events before it looks around, and how long it waits for a
// confirmation before it gives the connection up.
const (
	glance   = 5 * time.Millisecond
	patience = 60 * time.Second
)
