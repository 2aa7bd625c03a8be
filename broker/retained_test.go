package broker_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
	"github.com/manifoldmq/manifold/broker/session"
)

func (n *node) retained(pattern string) (list []string) {
	n.Retained(pattern, func(m *message.Message) bool {
		list = append(list, m.Address.Name+"="+body(m))
		return true
	})
	return list
}

func TestRetainedMessageIsTheLastOne(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	p := n.connect("p")
	p.publish("a.b", "old", message.AtLeastOnce, message.Retain)
	p.publish("a.b", "new", message.AtMostOnce, message.Retain)
	p.publish("a.b", "not kept", message.AtLeastOnce, 0)
	p.publish("a.c", "gone", message.ExactlyOnce, message.Retain)
	p.publish("a.c", "", message.AtMostOnce, message.Retain)
	p.publish("$hidden", "secret", message.AtLeastOnce, message.Retain)
	p.publish("b", "b", message.ExactlyOnce, message.Retain)
	for _, restarted := range []bool{false, true} {
		if restarted {
			n.restart()
		}
		for pattern, want := range map[string][]string{
			"a.b": {"a.b=new"}, "a.c": nil, ">": {"a.b=new", "b=b"}, "*": {"b=b"}, "a.>": {"a.b=new"}, "*.b": {"a.b=new"},
			"$hidden": {"$hidden=secret"}, "$hidden.>": {"$hidden=secret"},
		} {
			got := n.retained(pattern)
			if fmt.Sprint(got) != fmt.Sprint(want) && !(restarted && len(got) == len(want)) {
				t.Errorf("restarted %v, %s: %v", restarted, pattern, got)
			}
		}
		if count, bytes := n.RetainedUsed(); count != 3 || bytes <= 0 {
			t.Errorf("%d retained, %d bytes", count, bytes)
		}
	}
	if err := n.DeleteRetained(context.Background(), "b"); err != nil {
		t.Fatal(err)
	}
	if err := n.DeleteRetained(context.Background(), "b"); !fault.Is(err, fault.NotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	n.restart()
	if got := n.retained("b"); got != nil {
		t.Errorf("after it was deleted: %v", got)
	}
}

func TestNewBindingBringsRetainedMessages(t *testing.T) {
	t.Parallel()
	for _, expiry := range []time.Duration{0, time.Hour} {
		n := startNode(t, broker.Options{})
		p := n.connect("p")
		for i, a := range []message.Assurance{message.AtMostOnce, message.AtLeastOnce, message.ExactlyOnce} {
			p.publish(fmt.Sprint("r.", i), fmt.Sprint(i), a, message.Retain)
		}
		m := n.open("c", broker.SessionOptions{Expiry: expiry})
		m.publish("r.own", "own", message.AtLeastOnce, message.Retain)
		m.Subscription().Limit(100)
		b := to("r.*", message.AtLeastOnce)
		b.Identifier, b.NoLocal = 4, true
		m.bind(b)
		p.publish("r.1", "live", message.AtLeastOnce, message.Retain)
		m.receive(4)
		seen := make(map[string]note.Of)
		for i := range 4 {
			seen[body(m.at(i).Msg)] = note.Of(m.at(i).Note)
		}
		for s, want := range map[string]message.Assurance{"0": 0, "1": 1, "2": 1} {
			if got := seen[s]; got == nil || got.Assurance() != want || !got.Retain() {
				t.Errorf("%s: %v", s, got)
			}
			for id := range seen[s].Identifiers {
				if id != 4 {
					t.Errorf("identifier %d", id)
				}
			}
		}
		if got := seen["live"]; got == nil || got.Retain() {
			t.Errorf("live: %v", got)
		}
		m.settle(1, 4)
		b.NoLocal, b.Retained = false, session.SendRetainedIfNew
		m.bind(b)
		b.Retained = session.NoRetained
		m.bind(b)
		p.publish("r.x", "marker", message.AtLeastOnce, 0)
		if got := m.receive(5); got[4] != "marker" {
			t.Errorf("after a replacement: %v", got)
		}
		b.Retained = session.SendRetained
		m.bind(b)
		m.receive(9) // with its own, as it does not ask for others' only
		plain := n.connect("plain")
		o := on(topic("r.>"))
		plain.subscribe(o, 100)
		o.Retained = true
		plain.subscribe(o, 100)
		plain.receive(4)
		if d := plain.deliveries[0]; !note.Of(d.Note).Retain() {
			t.Errorf("note of a plain subscriber: %v", d.Note)
		}
	}
}

func TestRetainedMessagesOfASleeperAreKept(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	p := n.connect("p")
	p.publish("r", "1", message.ExactlyOnce, message.Retain)
	m := n.open("c", broker.SessionOptions{Expiry: time.Hour})
	m.bind(to("r", message.ExactlyOnce))
	m.hangUp()
	n.restart()
	m = n.open("c", broker.SessionOptions{Expiry: time.Hour})
	m.Subscription().Limit(10)
	equal(t, m.receive(1), []string{"1"})
	if got := note.Of(m.at(0).Note); !got.Retain() || got.Assurance() != message.ExactlyOnce {
		t.Errorf("note %v", got)
	}
}

func TestRetainedMessagesEndAndAreLimited(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Limits: broker.Limits{Retained: 2}})
	p := n.connect("p")
	m := text("short", true)
	m.Flags, m.Expiry = message.Retain, time.Now().Add(50*time.Millisecond).UnixMilli()
	p.post(topic("a"), m)
	p.publish("b", "b", message.AtLeastOnce, message.Retain)
	full := text("full", true)
	full.Address, full.Flags = topic("c"), message.Retain
	send, err := p.Producer(topic("c"))
	if err != nil {
		t.Fatal(err)
	}
	if err := send.Send(full, nil, 0); !fault.Is(err, fault.LimitReached) {
		t.Errorf("beyond the limit: %v", err)
	}
	p.publish("b", "again", message.AtLeastOnce, message.Retain)
	deadline := time.Now().Add(10 * time.Second)
	for len(n.retained("a")) > 0 && time.Now().Before(deadline) {
		n.Broker.SweepRetained(time.Now())
	}
	n.Broker.SweepRetained(time.Now())
	if count, _ := n.RetainedUsed(); count != 1 {
		t.Errorf("%d messages are kept", count)
	}
	p.publish("c", "now", message.AtLeastOnce, message.Retain)
	n.restart()
	if got := n.retained(">"); len(got) != 2 {
		t.Errorf("after the restart: %v", got)
	}
}

func TestRetainedMessagesOfTransactions(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	keep := func(c *client, tx *broker.Transaction, name, s string) {
		t.Helper()
		m := text(s, true)
		m.Address, m.Flags = topic(name), message.Retain
		p, err := c.Producer(topic(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Send(m, tx, 0); err != nil {
			t.Fatal(err)
		}
	}
	c := n.connect("c")
	tx, err := c.Begin()
	if err != nil {
		t.Fatal(err)
	}
	keep(c, tx, "a", "committed")
	if got := n.retained("a"); got != nil {
		t.Errorf("before the commit: %v", got)
	}
	tok := c.token()
	if err := tx.Commit(tok); err != nil {
		t.Fatal(err)
	}
	if err := c.confirm(tok); err != nil {
		t.Fatal(err)
	}
	if got := n.retained("a"); len(got) != 1 {
		t.Errorf("after the commit: %v", got)
	}
	for _, restart := range []bool{false, true} {
		c := n.connect(fmt.Sprint("xa", restart))
		if tx, err = c.Begin(); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint("x.", restart)
		keep(c, tx, name, "prepared")
		keep(c, tx, "a", "")
		tok = c.token()
		if err := tx.Prepare(name, tok); err != nil {
			t.Fatal(err)
		}
		c.Flush()
		if err := c.confirm(tok); err != nil {
			t.Fatal(err)
		}
		if got := n.retained(name); got != nil {
			t.Errorf("prepared only: %v", got)
		}
		if restart {
			n.restart()
		}
		done := make(chan error, 1)
		if err := n.CommitPrepared(name, func(err error) { done <- err }); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := n.retained(name); len(got) != 1 {
			t.Errorf("restart %v: %v", restart, got)
		}
		if got := n.retained("a"); got != nil {
			t.Errorf("restart %v: cleared, but %v", restart, got)
		}
	}
}

// TestSubscriberMissesNoRetainedMessage subscribes while the topic's message changes all the time:
// whoever subscribes must see a run of versions without a gap, and none twice.
func TestSubscriberMissesNoRetainedMessage(t *testing.T) {
	t.Parallel()
	for _, a := range []message.Assurance{message.AtMostOnce, message.AtLeastOnce} {
		n := startNode(t, broker.Options{})
		const versions = 400
		var wg sync.WaitGroup
		p := n.connect("p")
		p.publish("t", "0", a, message.Retain)
		wg.Add(1)
		go func() {
			defer wg.Done()
			prod, err := p.Producer(topic("t"))
			if err != nil {
				t.Error(err)
				return
			}
			for i := 1; i < versions; i++ {
				m := text(fmt.Sprint(i), a != message.AtMostOnce)
				m.Address, m.Flags = topic("t"), message.Retain
				if err := prod.Send(m, nil, 0); err != nil {
					t.Error(err)
				}
				p.Flush()
			}
		}()
		var members []*member
		for i := range 50 {
			m := n.open(fmt.Sprint("m", i), broker.SessionOptions{Expiry: time.Duration(i%2) * time.Hour})
			m.Subscription().Limit(10 * versions)
			pattern := "t"
			if i%3 == 0 {
				pattern = ">"
			}
			m.bind(to(pattern, message.AtLeastOnce))
			members = append(members, m)
		}
		wg.Wait()
		p.publish("t", "end", a, message.Retain)
		for _, m := range members {
			m.await("the end", func() bool {
				return len(m.deliveries) > 0 && body(m.deliveries[len(m.deliveries)-1].Msg) == "end"
			})
			var first int
			if _, err := fmt.Sscan(body(m.at(0).Msg), &first); err != nil {
				continue // it came at the very end
			}
			want := series("", versions)[first:]
			got := m.receive(1)
			equal(t, got[:len(got)-1], want)
		}
	}
}
