package broker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/policy"
)

// limited is one client of the random test of limits, which sends and does not wait.
type limited struct {
	*client
	tx     *broker.Transaction
	inTx   map[address.Address][]string
	queues map[address.Address]*broker.Producer
	sent   int
	tokens []broker.Token
}

// TestLimitsAtRandom lets clients send at random, in and out of transactions, to queues that take
// only so much: everything that was accepted arrives once, each client's messages in the order in
// which they took effect, and everything is confirmed in order.
func TestLimitsAtRandom(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	for i := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { limitsAtRandom(t, seed+i) })
	}
}

func limitsAtRandom(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	n := startNode(t, broker.Options{
		Limits: broker.Limits{Memory: 200 << 10, Parked: 30},
		Policies: policies(t, "queue://full.>", func(p *policy.Policy) {
			p.Limits.Messages, p.Limits.Window = 10, 4<<10
		}),
	})
	list := []address.Address{q("full.a"), q("full.b"), q("free")}
	expected := map[address.Address]map[string][]string{}
	for _, a := range list {
		expected[a] = map[string][]string{}
	}
	var clients []*limited
	for i := range 3 {
		c := &limited{client: n.connect(fmt.Sprint("c", i)), queues: map[address.Address]*broker.Producer{}}
		for _, a := range list {
			p, err := c.Producer(a)
			if err != nil {
				t.Fatal(err)
			}
			c.queues[a] = p
		}
		clients = append(clients, c)
	}
	eater := n.connect("eater")
	var subs []*broker.Subscription
	for _, a := range list {
		subs = append(subs, eater.subscribe(on(a), 0))
	}
	eat := func(s *broker.Subscription, k int) {
		s.Extend(uint64(k))
		synctest.Wait()
		_, last := s.Credit()
		if _, err := s.Settle(1, last, broker.Outcome{}, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	for range 150 {
		c := clients[rng.IntN(len(clients))]
		switch k := rng.IntN(100); {
		case k < 70:
			a := list[rng.IntN(len(list))]
			for range 1 + rng.IntN(8) {
				c.sendLimited(a, rng.IntN(3) > 0, expected[a])
			}
		case k < 76 && c.tx == nil:
			c.tx, c.inTx = c.begin(), map[address.Address][]string{}
		case k < 84 && c.tx != nil:
			c.end(rng.IntN(4) > 0, expected)
		case k < 92:
			eat(subs[rng.IntN(len(subs))], 1+rng.IntN(30))
		default:
			<-time.After(time.Second)
		}
		if rng.IntN(3) > 0 {
			c.Flush()
		}
	}
	for _, c := range clients {
		if c.tx != nil {
			c.end(true, expected)
		}
		c.Flush()
	}
	for range 40 {
		for _, s := range subs {
			eat(s, 1000)
		}
		<-time.After(time.Second)
	}
	got := map[address.Address]map[string][]string{}
	for _, d := range eater.deliveries {
		m := got[d.Msg.Address]
		if m == nil {
			m = map[string][]string{}
			got[d.Msg.Address] = m
		}
		who := body(d.Msg)[:2]
		m[who] = append(m[who], body(d.Msg))
	}
	for _, a := range list {
		for _, c := range clients {
			who := c.ClientID()
			if !slices.Equal(got[a][who], expected[a][who]) {
				t.Errorf("%s got of %s\n%v instead of\n%v", a, who, got[a][who], expected[a][who])
			}
		}
	}
	for _, c := range clients {
		if reason := c.Blockage().Reason; reason != "" {
			t.Errorf("%s is blocked: %s", c.ClientID(), reason)
		}
		if !slices.Equal(c.order, c.tokens) {
			t.Errorf("%s: confirmed %v instead of %v", c.ClientID(), c.order, c.tokens)
		}
	}
	if u := n.Usage(); u.Memory != 0 || u.Temp != 0 {
		t.Errorf("%+v is still accounted for", u)
	}
}

// sendLimited sends one message, which may be refused when too many wait already.
func (c *limited) sendLimited(a address.Address, durable bool, expected map[string][]string) {
	c.sent++
	name := fmt.Sprintf("%s-%d", c.ClientID(), c.sent)
	m := text(name, durable)
	m.Address = a
	token := c.token()
	err := c.queues[a].Send(m, c.tx, token)
	switch {
	case fault.Is(err, fault.LimitReached):
		return
	case err != nil:
		c.t.Fatal(err)
	}
	c.tokens = append(c.tokens, token)
	if c.tx != nil {
		c.inTx[a] = append(c.inTx[a], name)
		return
	}
	expected[c.ClientID()] = append(expected[c.ClientID()], name)
}

// end commits the client's transaction, or rolls it back.
func (c *limited) end(commit bool, expected map[address.Address]map[string][]string) {
	c.t.Helper()
	tx := c.tx
	c.tx = nil
	if !commit {
		if err := tx.Rollback(); err != nil {
			c.t.Fatal(err)
		}
		return
	}
	token := c.token()
	c.tokens = append(c.tokens, token)
	if err := tx.Commit(token); err != nil {
		c.t.Fatal(err)
	}
	for a, names := range c.inTx {
		expected[a][c.ClientID()] = append(expected[a][c.ClientID()], names...)
	}
}
