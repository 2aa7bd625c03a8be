package broker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/policy"
)

func TestRecoveryPolicies(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("x", 1000)
	for name, x := range map[string]struct {
		set  policy.Recovery
		want []string
	}{
		"nothing":        {policy.Recovery{}, nil},
		"last image":     {policy.Recovery{Count: 1}, []string{"5"}},
		"fixed count":    {policy.Recovery{Count: 3}, []string{"3", "4", "5"}},
		"fixed size":     {policy.Recovery{Bytes: 3500}, []string{"4", "5"}}, // each counts with 512 bytes more
		"timed":          {policy.Recovery{Age: time.Hour}, []string{"0", "1", "2", "3", "4", "5"}},
		"the narrowest":  {policy.Recovery{Age: time.Hour, Count: 2}, []string{"4", "5"}},
		"too old by now": {policy.Recovery{Age: time.Nanosecond}, nil},
	} {
		n := startNode(t, broker.Options{Policies: policies(t, "topic://>", func(p *policy.Policy) { p.Recovery = x.set })})
		for _, durable := range []bool{false, true} {
			c := n.connect("c")
			to := topic(map[bool]string{false: "T.plain", true: "T.durable"}[durable])
			for _, s := range series("", 6) {
				c.send(to, durable, s+body)
			}
			plain, back, wild := n.connect("plain"), n.connect("back"), n.connect("wild")
			plain.subscribe(on(to), 100)
			o := on(to)
			o.Retroactive = true
			back.subscribe(o, 100)
			o = on(topic("T.>"))
			o.Retroactive = true
			wild.subscribe(o, 100)
			c.send(to, durable, "live")
			equal(t, plain.receive(1), []string{"live"})
			var got []string
			for _, s := range back.receive(len(x.want) + 1) {
				got = append(got, strings.TrimSuffix(s, body))
			}
			t.Log(name)
			equal(t, got, append(append([]string(nil), x.want...), "live"))
			wild.await("what all topics remember", func() bool {
				return lastIsLive(wild.deliveries) && len(wild.deliveries) >= len(x.want)+1
			})
			for _, k := range []*client{c, plain, back, wild} {
				k.Close()
			}
		}
		n.ReloadPolicies()
	}
}

// lastIsLive reports whether the last delivery is the live message.
func lastIsLive(list []broker.Delivery) bool {
	return len(list) > 0 && body(list[len(list)-1].Msg) == "live"
}

// Whoever subscribes while messages are sent gets each of them once, and in order.
func TestRetroactiveSubscribersMissNothing(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, "topic://>", func(p *policy.Policy) { p.Recovery.Count = 100000 })})
	pub := n.connect("pub")
	const count = 2000
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		p, err := pub.Producer(topic("T"))
		if err != nil {
			t.Error(err)
			return
		}
		for i, s := range series("m", count) {
			m := text(s, i%3 == 0)
			m.Address = topic("T")
			if err := p.Send(m, nil, 0); err != nil {
				t.Error(err)
			}
			if i%7 == 0 {
				pub.Flush()
			}
		}
		pub.Flush()
	}()
	var subs []*client
	for i := range 20 {
		c := n.connect(series("sub", 20)[i])
		o := on(topic("T"))
		o.Retroactive = true
		c.subscribe(o, count*2)
		subs = append(subs, c)
	}
	<-sent
	for _, c := range subs {
		seen := make(map[string]bool)
		for _, s := range c.receive(count) {
			if seen[s] {
				t.Fatalf("%s came twice", s)
			}
			seen[s] = true
		}
	}
}
