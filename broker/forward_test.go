package broker_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
)

func routing(t *testing.T, composites []broker.Composite, mirrors []broker.Mirror) *broker.Routing {
	t.Helper()
	r, err := broker.NewRouting(broker.DefaultVirtualTopics(), composites, mirrors)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func targets(list ...address.Address) (out []broker.CompositeTarget) {
	for _, a := range list {
		out = append(out, broker.CompositeTarget{Address: a})
	}
	return out
}

func TestCompositeDestinations(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Routing: routing(t, []broker.Composite{
		{Match: q("ONLY"), To: append(targets(q("A"), topic("T")), broker.CompositeTarget{Address: q("RED"), Selector: "color = 'red'"})},
		{Match: q("KEPT"), To: targets(q("A")), Keep: true},
		{Match: topic("NEWS.>"), To: targets(q("CHAIN"))},
		{Match: q("CHAIN"), To: targets(q("END"))},
	}, nil)})
	c := n.connect("c")
	sub := func(a address.Address) *client {
		k := n.connect(a.String())
		k.subscribe(on(a), 100)
		return k
	}
	a, red, tee, kept, only, end := sub(q("A")), sub(q("RED")), sub(topic("T")), sub(q("KEPT")), sub(q("ONLY")), sub(q("END"))
	color := func(s string) message.Field { return message.Field{Name: "color", Value: message.OfString(s)} }
	c.post(q("ONLY"), with("1", true, color("red")), with("2", false, color("blue")))
	c.post(q("KEPT"), with("3", true))
	c.post(topic("NEWS.today"), with("4", true))
	tx, err := c.Begin()
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Producer(q("ONLY"))
	if err != nil {
		t.Fatal(err)
	}
	m := with("5", true, color("red"))
	m.Address = q("ONLY")
	if err := p.Send(m, tx, 0); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(0); err != nil {
		t.Fatal(err)
	}
	c.post(q("ONLY"), later("6", 20, color("red")))
	equal(t, a.receive(5), []string{"1", "2", "3", "5", "6"})
	equal(t, red.receive(3), []string{"1", "5", "6"})
	equal(t, tee.receive(4), []string{"1", "2", "5", "6"})
	equal(t, kept.receive(1), []string{"3"})
	equal(t, end.receive(1), []string{"4"})
	only.mu.Lock()
	if len(only.deliveries) > 0 {
		t.Errorf("ONLY has %s", body(only.deliveries[0].Msg))
	}
	only.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if m := a.deliveries[0].Msg; m.Address != q("A") || m.Origin != q("ONLY") {
		t.Errorf("sent to %s, first to %s", m.Address, m.Origin)
	}
}

func TestCompositesMakeTheirMembersAnew(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Routing: routing(t, []broker.Composite{{Match: q("C"), To: targets(q("A"))}}, nil)})
	c := n.connect("c")
	p, err := c.Producer(q("C"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		m := text("m", true)
		m.Address = q("C")
		tok := c.token()
		if err := p.Send(m, nil, tok); err != nil {
			t.Fatal(err)
		}
		c.Flush()
		if err := c.confirm(tok); err != nil {
			t.Fatal(err)
		}
		if got := n.Lookup(q("A")).Queue().Counters().Entries.Load(); got != 1 {
			t.Fatalf("round %d: %d messages", i, got)
		}
		if err := n.Delete(t.Context(), q("A")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMirroredQueues(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Routing: routing(t, nil, []broker.Mirror{{Match: "ORDERS.>", Prefix: "VirtualTopic.Mirror."}})})
	c, copies, virtual := n.connect("c"), n.connect("copies"), n.connect("virtual")
	c.subscribe(on(q("ORDERS.1")), 100)
	copies.subscribe(on(topic("VirtualTopic.Mirror.ORDERS.1")), 100)
	virtual.subscribe(on(q("Consumer.X.VirtualTopic.Mirror.ORDERS.1")), 100)
	c.send(q("ORDERS.1"), true, "m")
	c.send(q("OTHER"), true, "other")
	equal(t, c.receive(1), []string{"m"})
	equal(t, copies.receive(1), []string{"m"})
	equal(t, virtual.receive(1), []string{"m"})
}

func TestRoutingThatMakesNoSense(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		composites []broker.Composite
		mirrors    []broker.Mirror
		want       string
	}{
		{[]broker.Composite{{Match: q("A"), To: targets(q("A"))}}, nil, "forwards to itself"},
		{[]broker.Composite{{Match: q("A"), To: targets(q("B"))}, {Match: q("B"), To: targets(topic("C"))}, {Match: topic("C"), To: targets(q("A"))}}, nil, "forwards to itself"},
		{[]broker.Composite{{Match: q("A.>"), To: targets(q("B"))}, {Match: q("*"), To: targets(q("A.1"))}}, nil, "forwards to itself"},
		{[]broker.Composite{{Match: topic("M.A"), To: targets(q("A"))}}, []broker.Mirror{{Match: "A", Prefix: "M."}}, "forwards to itself"},
		{[]broker.Composite{{Match: q("A"), To: targets(q("B.*"))}}, nil, "can't be forwarded to"},
		{[]broker.Composite{{Match: q("A"), To: []broker.CompositeTarget{{Address: q("B"), Selector: "a ="}}}}, nil, "is none"},
		{[]broker.Composite{{Match: q("A"), To: targets(q(""))}}, nil, "name"},
	} {
		_, err := broker.NewRouting(nil, x.composites, x.mirrors)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), x.want) {
			t.Errorf("%v %v: %v, want %q", x.composites, x.mirrors, err, x.want)
		}
	}
	fine := []broker.Composite{{Match: q("A"), To: targets(q("C"))}, {Match: q("B"), To: targets(q("C"))}, {Match: q("C"), To: targets(q("D"))}}
	if _, err := broker.NewRouting(nil, slices.Clone(fine), nil); err != nil {
		t.Error(err)
	}
}

func TestVirtualTopicsWithAPostfix(t *testing.T) {
	t.Parallel()
	r, err := broker.NewRouting([]broker.VirtualTopic{{Match: "V.>", Prefix: "C.*.", Postfix: ".in"}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := startNode(t, broker.Options{Routing: r})
	c := n.connect("c")
	for _, name := range []string{"C.a.V.T.in", "C.a.V.T", "C.a.V.in"} {
		if err := n.Create(t.Context(), q(name)); err != nil {
			t.Fatal(err)
		}
	}
	c.post(topic("V.T"), with("1", true))
	for name, want := range map[string]int64{"C.a.V.T.in": 1, "C.a.V.T": 0, "C.a.V.in": 0} {
		if got := n.Lookup(q(name)).Queue().Counters().Entries.Load(); got != want {
			t.Errorf("%s has %d messages, want %d", name, got, want)
		}
	}
}

func TestMessagesSayWhoHasSentThem(t *testing.T) {
	t.Parallel()
	for _, populate := range []bool{true, false} {
		n := startNode(t, broker.Options{PopulateUserID: populate})
		c := n.connect("c")
		m := with("1", true)
		m.UserID = "forged"
		c.post(q("Q"), m)
		c.subscribe(on(q("Q")), 1)
		c.receive(1)
		if got := c.deliveries[0].Msg.UserID; (got == "forged") == populate {
			t.Errorf("%t: %q has sent it", populate, got)
		}
	}
}

func TestCompositeKeepsWhatNoSelectorMatches(t *testing.T) {
	t.Parallel()
	r, err := broker.NewRouting(nil, []broker.Composite{{
		Match: q("in"), KeepUnmatched: true,
		To: []broker.CompositeTarget{{Address: q("red"), Selector: "color = 'red'"}, {Address: q("blue"), Selector: "color = 'blue'"}},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := startNode(t, broker.Options{Routing: r})
	c := n.connect("c")
	color := func(s string) message.Field { return message.Field{Name: "color", Value: message.OfString(s)} }
	c.post(q("in"), with("1", true, color("blue")), with("2", true, color("red")), with("3", true, color("green")), with("4", true))
	for name, want := range map[string]int64{"in": 2, "red": 1, "blue": 1} {
		if got := n.Lookup(q(name)).Queue().Counters().Entries.Load(); got != want {
			t.Errorf("%s has %d messages, want %d", name, got, want)
		}
	}
}

func TestSelectorAwareVirtualTopics(t *testing.T) {
	t.Parallel()
	r, err := broker.NewRouting([]broker.VirtualTopic{{Match: "V.>", Prefix: "C.*.", SelectorAware: true}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := startNode(t, broker.Options{Routing: r})
	c, red, all := n.connect("c"), n.connect("red"), n.connect("all")
	o := on(q("C.red.V.T"))
	o.Selector = "color = 'red'"
	s := red.subscribe(o, 100)
	all.subscribe(on(q("C.all.V.T")), 100)
	if err := n.Create(t.Context(), q("C.nobody.V.T")); err != nil {
		t.Fatal(err)
	}
	color := func(s string) message.Field { return message.Field{Name: "color", Value: message.OfString(s)} }
	c.post(topic("V.T"), with("1", true, color("blue")), with("2", true, color("red")))
	equal(t, red.receive(1), []string{"2"})
	equal(t, all.receive(2), []string{"1", "2"})
	s.Close(^uint64(0), 0)
	c.post(topic("V.T"), with("3", true, color("red")))
	for name, want := range map[string]int64{"C.red.V.T": 1, "C.all.V.T": 3, "C.nobody.V.T": 0} {
		if got := n.Lookup(q(name)).Queue().Counters().Entries.Load(); got != want {
			t.Errorf("%s has %d messages, want %d", name, got, want)
		}
	}
}
