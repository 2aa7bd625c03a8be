package amqptest_test

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/amqp/amqptest"
	"github.com/manifoldmq/manifold/protocols/brokertest"
)

// thief is one of several clients that have the same container-id and attach links of the same
// names, on which each takes them from the others, again and again.
type thief struct {
	*amqptest.Session
	t      *testing.T
	target amqptest.Target
	links  map[string]uint32 // our handles, by name, of links that are attached
	names  map[uint32]string // by handle, of those that neither side has detached
	left   map[uint32]bool   // handles of those that we have detached
	next   uint32            // handle
	ids    uint32            // of deliveries
	sent   map[uint32]bool   // deliveries that wait for their outcome
	taken  int               // deliveries that were accepted
	txn    []byte            // the transaction that the last declare gave
	got    []uint32          // deliveries received
	asked  bool              // the answer to ask is not here yet
	dry    bool              // a receiver was drained
}

// connect opens the thief's connection anew.
func (k *thief) connect() {
	c := amqptest.Dial(k.t, k.target)
	c.Login()
	c.Open("thieves")
	*k = thief{Session: c.Session(), t: k.t, target: k.target, taken: k.taken,
		links: make(map[string]uint32), names: make(map[uint32]string), left: make(map[uint32]bool), sent: make(map[uint32]bool),
	}
}

// take attaches a link, which takes it from whoever has it.
func (k *thief) take(name string, receiver bool, source, target any) {
	k.links[name], k.names[k.next] = k.next, name
	k.WriteOn(amqptest.P(0, amqptest.Attach, name, k.next, receiver, uint8(2), uint8(0), source, target, nil, nil, uint32(0)))
	k.next++
}

// takeSender attaches a link on which the thief sends.
func (k *thief) takeSender(name string, target any) {
	k.take(name, false, amqptest.Terminus{Outcomes: amqptest.AllOutcomes()}.Source(), target)
}

// post sends a message on a link, if that is attached.
func (k *thief) post(name string, m amqptest.Message, state any) {
	handle, ok := k.links[name]
	if !ok {
		return
	}
	f := amqptest.P(0, amqptest.Transfer, handle, k.ids, fmt.Append(nil, k.ids), uint32(0), false, false, nil, state)
	f.Payload = m.Encode()
	k.sent[k.ids] = true
	k.ids++
	k.WriteOn(f)
}

// flow says how much the thief has sent, and what else is given.
func (k *thief) flow(fields ...any) {
	k.WriteOn(amqptest.P(0, amqptest.Flow, append([]any{uint32(0), uint32(1 << 20), k.ids, uint32(1 << 20)}, fields...)...))
}

// until reads until a condition holds.
func (k *thief) until(done func() bool) {
	for !done() {
		f, err := k.Client.Read()
		if err != nil {
			k.t.Fatal(err)
		}
		switch f.Code {
		case amqptest.Disposition:
			k.outcome(f)
		case amqptest.Detach:
			k.lost(f)
		case amqptest.Transfer:
			k.got = append(k.got, f.Num(1))
		case amqptest.End, amqptest.Close:
			k.t.Fatalf("got %v", f)
		case amqptest.Flow:
			k.asked = k.asked && f.Fields.At(4) != nil
			k.dry = k.dry || f.Bool(8)
		}
	}
}

func (k *thief) outcome(f amqptest.Frame) {
	last := f.Num(1)
	if f.Fields.At(2) != nil {
		last = f.Num(2)
	}
	for id := f.Num(1); id <= last; id++ {
		if !k.sent[id] {
			continue // of a link that was stolen before
		}
		delete(k.sent, id)
		switch state := f.Fields.At(4); amqptest.Code(state) {
		case amqptest.Accepted:
			k.taken++
		case amqptest.Declared:
			k.txn, _ = amqptest.Fields(state).At(0).([]byte)
		}
	}
}

// lost answers a detach. The broker detaches what was attached, and that once.
func (k *thief) lost(f amqptest.Frame) {
	handle := f.Num(0)
	name, ours := k.names[handle]
	if k.left[handle] {
		delete(k.left, handle)
		return // stolen, or closed as was asked
	}
	if condition := amqptest.Condition(f); !ours || condition != "amqp:link:stolen" && condition != "amqp:transaction:unknown-id" {
		k.t.Fatalf("got %v", f)
	}
	delete(k.names, handle)
	if k.links[name] == handle {
		delete(k.links, name)
	}
	k.WriteOn(amqptest.P(0, amqptest.Detach, handle, true))
}

// leave detaches a link, if it is attached.
func (k *thief) leave(name string) {
	handle, ok := k.links[name]
	if !ok {
		return
	}
	delete(k.links, name)
	delete(k.names, handle)
	k.left[handle] = true
	k.WriteOn(amqptest.P(0, amqptest.Detach, handle, true))
	k.until(func() bool { return !k.left[handle] })
}

// settle waits until each delivery on a link has an outcome, or the link was stolen.
func (k *thief) settle(name string) {
	k.until(func() bool {
		_, attached := k.links[name]
		if !attached {
			clear(k.sent)
		}
		return len(k.sent) == 0
	})
	k.asked = true
	k.flow(nil, nil, nil, nil, false, true)
	k.until(func() bool { return !k.asked })
}

// eventually waits for a condition of which nothing is heard.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(10 * time.Second); !is(); {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("waiting for %s", what)
		}
	}
}

// TestStolenRelay lets clients of one container take an anonymous link from each other while it
// sends to many addresses, and cuts some of their connections. What was confirmed is there, and
// no producer is left of a link that was lost.
func TestStolenRelay(t *testing.T) {
	t.Parallel()
	const clients, messages, addresses = 3, 900, 240
	b := brokertest.Start(t)
	target := amqptest.Target{Address: b.Addr("amqp")}
	taken := make([]int, clients)
	t.Run("clients", func(t *testing.T) {
		for i := range clients {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				k := &thief{t: t, target: target}
				k.connect()
				for n := 0; n < messages/clients; {
					k.takeSender("relay", amqptest.Terminus{}.Target())
					for range 10 {
						k.post("relay", amqptest.TextMessage("x").With(amqptest.To, fmt.Sprint("queue://stolen.", (i+clients*n)%addresses)), nil)
						n++
					}
					k.settle("relay")
					if n%100 == 0 {
						k.Cut()
						k.connect()
					}
				}
				taken[i] = k.taken
				k.Client.Closes()
			})
		}
	})
	confirmed, there := 0, int64(0)
	for i := range clients {
		confirmed += taken[i]
	}
	for i := range addresses {
		d := b.Core().Lookup(address.Address{Kind: address.Queue, Name: fmt.Sprint("stolen.", i)})
		if d == nil {
			continue
		}
		there += d.Queue().Counters().Entries.Load()
		eventually(t, "the producers to end", func() bool { return d.Producers() == 0 })
	}
	if int64(confirmed) > there || there > messages || confirmed == 0 {
		t.Errorf("of %d messages %d were confirmed, and %d are there", messages, confirmed, there)
	}
}

// TestStolenCoordinator lets clients of one container take the coordinator's link from each other
// while they move messages from one queue to another in transactions. Each ends whole.
func TestStolenCoordinator(t *testing.T) {
	t.Parallel()
	const clients, messages, rounds = 3, 40, 100
	b := brokertest.Start(t)
	target := amqptest.Target{Address: b.Addr("amqp")}
	in := open(t, target).Session().Sender("queue://thieves.in")
	for range messages {
		in.Put(amqptest.TextMessage("x"))
	}
	coordinator := amqptest.D(amqptest.CoordinatorCode, amqptest.Array{amqptest.Symbol("amqp:local-transactions")})
	source, output := amqptest.JMSSource("queue://thieves.in"), amqptest.Terminus{Address: "queue://thieves.out"}.Target()
	t.Run("clients", func(t *testing.T) {
		for i := range clients {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				k := &thief{t: t, target: target}
				k.connect()
				for range rounds {
					k.takeSender("coordinator", coordinator)
					k.txn = nil
					k.post("coordinator", amqptest.Message{Value: amqptest.D(amqptest.Declare)}, nil)
					k.settle("coordinator")
					if k.txn == nil {
						continue
					}
					out, in := "out"+rand.Text(), "in"+rand.Text()
					k.takeSender(out, output)
					k.take(in, true, source.Source(), amqptest.Terminus{}.Target())
					k.got, k.dry = nil, false
					k.flow(k.links[in], uint32(0), uint32(2), nil, true)
					k.until(func() bool { return k.dry || len(k.got) == 2 })
					for _, id := range k.got {
						k.post(out, amqptest.TextMessage("x"), amqptest.D(amqptest.Transactional, k.txn))
						k.WriteOn(amqptest.P(0, amqptest.Disposition, true, id, nil, true, amqptest.D(amqptest.Transactional, k.txn, amqptest.D(amqptest.Accepted))))
					}
					k.settle(out)
					k.post("coordinator", amqptest.Message{Value: amqptest.D(amqptest.Discharge, k.txn, false)}, nil)
					k.settle("coordinator")
					k.leave(out)
					k.leave(in)
				}
				k.Client.Closes()
			})
		}
	})
	count := func(name string) int64 {
		d := b.Core().Lookup(address.Address{Kind: address.Queue, Name: "thieves." + name})
		eventually(t, "deliveries to end", func() bool { return d.Queue().Counters().InFlight.Load() == 0 })
		return d.Queue().Counters().Entries.Load()
	}
	left, moved := count("in"), count("out")
	if left+moved != messages || moved == 0 {
		t.Errorf("of %d messages %d are left, and %d were moved", messages, left, moved)
	}
}

// TestStolenTransaction shows that transactions end with the coordinator's link, whoever takes that
// and whatever its owner does: what it had settled comes again at once.
func TestStolenTransaction(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t)
	coordinator := amqptest.Terms{
		Name: "coordinator", Source: amqptest.Terminus{Outcomes: amqptest.AllOutcomes()},
		Target: amqptest.D(amqptest.CoordinatorCode, amqptest.Array{amqptest.Symbol("amqp:local-transactions")}),
	}
	connect := func() *amqptest.Session {
		c := amqptest.Dial(t, target)
		c.Login()
		c.Open("owner")
		return c.Session()
	}
	s := connect()
	s.Sender("queue://held").PutTexts("1")
	l := s.SenderWith(coordinator)
	id, _ := amqptest.Fields(l.Send(amqptest.Message{Value: amqptest.D(amqptest.Declare)})).At(0).([]byte)
	d := s.Receiver("queue://held").Take()
	d.Settle(amqptest.D(amqptest.Transactional, id, amqptest.D(amqptest.Accepted)), true)
	s.Sync()
	connect().SenderWith(coordinator)
	again := open(t, target).Session().Receiver("queue://held").Take()
	if again.Text() != "1" || again.Failures() != 1 {
		t.Errorf("got %q with %d failures", again.Text(), again.Failures())
	}
	l.Failed("amqp:link:stolen")
}

// TestLinksOfUsers shows that nobody takes a link of another user, although the containers call
// themselves and the link the same.
func TestLinksOfUsers(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithSecurity(security.Options{Users: []security.User{
		{Name: "one", Hash: hash(t, "one")}, {Name: "two", Hash: hash(t, "two")},
	}}))
	lasting := amqptest.Terminus{Address: "queue://shared", Expiry: "never"}
	var sessions []*amqptest.Session
	var senders, receivers []*amqptest.Link
	for _, user := range []string{"one", "two"} {
		c := amqptest.Dial(t, amqptest.Target{Address: b.Addr("amqp"), User: user, Pass: user})
		c.Login()
		c.Open("same")
		s := c.Session()
		sessions = append(sessions, s)
		senders = append(senders, s.SenderWith(amqptest.Terms{Name: "link", Target: lasting, Rcv: uint8(1), Unsettled: amqptest.Map{}}))
		receivers = append(receivers, s.ReceiverWith(amqptest.Terms{Name: "link", Source: amqptest.Terminus{Address: "queue://of." + user}}))
	}
	for i, user := range []string{"one", "two"} {
		sessions[i].Sender("queue://of." + user).PutTexts("to " + user)
		receivers[i].Credit(1)
		receivers[i].WantTexts("to " + user)[0].Accept()
		// Both send the same delivery-tag and content, which is the same message only on one link.
		senders[i].Post(amqptest.TextMessage("mine"), false, nil)
		sessions[i].Sync()
	}
	d := b.Core().Lookup(address.Address{Kind: address.Queue, Name: "shared"})
	eventually(t, "both messages", func() bool { return d.Queue().Counters().Entries.Load() == 2 })
}

// TestLinksBeginAnew shows that a message on a link that begins anew is none of those that were sent
// on it before, although tag and content are the same.
func TestLinksBeginAnew(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithStore(t.TempDir()))
	target := amqptest.Target{Address: b.Addr("amqp")}
	lasting := amqptest.Terminus{Address: "queue://anew", Expiry: "never"}
	const times = 30
	for range times {
		c := amqptest.Dial(t, target)
		c.Login()
		c.Open("anew")
		s := c.Session()
		id := s.SenderWith(amqptest.Terms{Name: "link", Target: lasting, Rcv: uint8(1)}).Post(amqptest.TextMessage("same").Durable(), false, nil)
		f := s.Await("the outcome", func(f amqptest.Frame) bool { return f.Code == amqptest.Disposition && f.Num(1) == id })
		if f.Bool(3) || amqptest.Code(f.Fields.At(4)) != amqptest.Accepted {
			t.Fatalf("got %v", f)
		}
		c.Cut()
	}
	d := b.Core().Lookup(address.Address{Kind: address.Queue, Name: "anew"})
	if got := d.Queue().Counters().Entries.Load(); got != times {
		t.Errorf("%d messages, of %d", got, times)
	}
}
