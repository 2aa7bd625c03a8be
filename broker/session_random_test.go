package broker_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
	"github.com/manifoldmq/manifold/store/memory"
)

// device is a client that keeps account over its connections, as one of MQTT does.
type device struct {
	name     string
	m        *member // nil: away
	seen     []seen
	held     map[uint32]bool // tags of messages taken exactly once that are not released
	handled  int             // deliveries looked at
	bindings []broker.Binding
}

type seen struct {
	body  string
	a     message.Assurance
	group bool // by the shared subscription
}

// tribe is a broker with devices and somebody who publishes.
type tribe struct {
	*node
	rng       *rand.Rand
	devices   []*device
	p         *client
	published []string // confirmed
	maybe     map[string]bool
	next      int
}

func (x *tribe) chance(percent int) bool { return x.rng.IntN(100) < percent }

// publish sends a few messages. With wait they are confirmed when it returns.
func (x *tribe) publish(wait bool) {
	if x.p == nil {
		x.p = x.connect("publisher")
	}
	sent := make(map[broker.Token]string)
	for range 1 + x.rng.IntN(5) {
		name := []string{"t.1", "t.2", "u", "s.1"}[x.rng.IntN(4)]
		a := message.AtLeastOnce + message.Assurance(x.rng.IntN(2))
		s := fmt.Sprintf("%s/%d/%d", name, a, x.next)
		x.next++
		m := text(s, true)
		m.Address = topic(name)
		if a == message.ExactlyOnce {
			m.Flags |= message.OnceOnly
		}
		if x.chance(10) {
			m.Flags |= message.Retain // nobody asks for these
		}
		p, err := x.p.Producer(topic(name))
		if err != nil {
			x.t.Fatal(err)
		}
		tok := x.p.token()
		if err := p.Send(m, nil, tok); err != nil {
			x.t.Fatal(err)
		}
		sent[tok] = s
		x.maybe[s] = true
	}
	x.p.Flush()
	if !wait {
		return
	}
	for tok := range sent {
		if err := x.p.confirm(tok); err != nil {
			x.t.Fatal(err)
		}
	}
	for tok := x.p.next - broker.Token(len(sent)) + 1; tok <= x.p.next; tok++ {
		x.published = append(x.published, sent[tok])
	}
}

// come lets a device connect.
func (x *tribe) come(d *device) {
	d.m = x.open(d.name, broker.SessionOptions{Expiry: broker.Forever})
	d.handled = 0
	if !d.m.Present() {
		for i := range d.bindings {
			d.bindings[i].Retained = 2
		}
		d.m.bind(d.bindings...)
	}
	d.m.Subscription().Limit(uint64(1 + x.rng.IntN(8)))
}

// work lets a device look at what it got and answer some of it.
func (x *tribe) work(d *device, percent int) {
	m := d.m
	m.mu.Lock()
	list := append([]broker.Delivery(nil), m.deliveries[d.handled:]...)
	m.mu.Unlock()
	for i := range list {
		if !x.chance(percent) {
			return // in order, as MQTT wants it
		}
		d.handled++
		x.take(d, &list[i])
		m.Subscription().Extend(1)
	}
}

// take is the receiver's part of a hand-over.
func (x *tribe) take(d *device, v *broker.Delivery) {
	m, n := d.m, note.Of(v.Note)
	group := strings.HasPrefix(body(v.Msg), "s.")
	settle := func() {
		if _, err := m.Subscription().Settle(v.Number, v.Number, broker.Outcome{}, nil, 0); err != nil {
			x.t.Error(err)
		}
		m.mu.Lock()
		delete(m.used, v.Tag)
		m.mu.Unlock()
	}
	if n.Assurance() != message.ExactlyOnce {
		d.seen = append(d.seen, seen{body(v.Msg), n.Assurance(), group})
		settle()
		return
	}
	if v.Tag == 0 {
		x.t.Errorf("%s: exactly once without a tag", d.name)
	}
	if v.Phase == 0 {
		if !d.held[v.Tag] {
			d.held[v.Tag] = true
			d.seen = append(d.seen, seen{body(v.Msg), n.Assurance(), group})
		}
		tok := m.token()
		if err := m.Subscription().SetPhase(v.Number, 1, tok); err != nil {
			x.t.Errorf("%s: phase: %v", d.name, err)
			return
		}
		if err := m.confirm(tok); err != nil {
			x.t.Error(err)
		}
		if x.chance(20) {
			return // the release is lost with the connection, or comes never
		}
	}
	delete(d.held, v.Tag)
	settle()
}

// audit compares what the devices saw with what was published.
func (x *tribe) audit() {
	group := make(map[string]int)
	for _, d := range x.devices {
		times := make(map[string]int)
		last := make(map[string]int)
		for _, s := range d.seen {
			times[s.body]++
			if s.group {
				group[s.body]++
			}
			part := strings.Split(s.body, "/")
			seq, _ := strconv.Atoi(part[2])
			// First copies are in order, per topic; a shared subscription gives no order when
			// what one member had goes to another.
			if key := part[0] + fmt.Sprint(s.a); !s.group && times[s.body] == 1 {
				if seq < last[key] {
					x.t.Errorf("%s: %s came behind %d", d.name, s.body, last[key])
				}
				last[key] = seq
			}
			if s.a == message.ExactlyOnce && times[s.body] > 1 && !s.group {
				x.t.Errorf("%s: %s came %d times", d.name, s.body, times[s.body])
			}
			if !x.maybe[s.body] {
				x.t.Errorf("%s: %s was never sent", d.name, s.body)
			}
		}
		for _, s := range x.published {
			if !strings.HasPrefix(s, "s.") && d.wants(s) && times[s] == 0 {
				x.t.Errorf("%s: %s is lost", d.name, s)
			}
		}
	}
	for _, s := range x.published {
		exactly := strings.Contains(s, "/2/")
		if strings.HasPrefix(s, "s.") && (group[s] == 0 || exactly && group[s] > 1) {
			x.t.Errorf("the shared subscription brought %s %d times", s, group[s])
		}
	}
}

func (d *device) wants(s string) bool {
	name, _, _ := strings.Cut(s, "/")
	for _, b := range d.bindings {
		if b.Share == "" && (b.Address.Name == name || b.Address.Name == ">" || b.Address.Name == "t.*" && strings.HasPrefix(name, "t.")) {
			return true
		}
	}
	return false
}

// TestSessionsAtRandom lets devices come and go, and the broker stop and crash, while messages are
// published: at least once loses nothing, exactly once neither loses nor repeats, and order stays.
// MANIFOLD_SEED repeats one run.
func TestSessionsAtRandom(t *testing.T) {
	t.Parallel()
	first, runs := uint64(time.Now().UnixNano()%1e6), 20
	if s := os.Getenv("MANIFOLD_SEED"); s != "" {
		first, _ = strconv.ParseUint(s, 10, 64)
		runs = 1
	}
	for i := range runs {
		seed := first + uint64(i)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			randomTribe(t, seed)
		})
	}
}

func randomTribe(t *testing.T, seed uint64) {
	x := &tribe{node: startNode(t, broker.Options{}), rng: rand.New(rand.NewPCG(seed, 1)), maybe: make(map[string]bool)}
	all := []broker.Binding{
		to("t.*", message.ExactlyOnce), to("t.1", message.AtLeastOnce), to("u", message.ExactlyOnce), to("t.2", message.ExactlyOnce),
	}
	for i := range 4 {
		d := &device{name: fmt.Sprint("d", i), held: make(map[uint32]bool)}
		for _, b := range all {
			if x.chance(50) {
				d.bindings = append(d.bindings, b)
			}
		}
		d.bindings = append(d.bindings, share("g", "s.*", message.ExactlyOnce))
		x.devices = append(x.devices, d)
		x.come(d)
	}
	for range 60 {
		d := x.devices[x.rng.IntN(len(x.devices))]
		switch k := x.rng.IntN(100); {
		case k < 35:
			x.publish(true)
		case k < 70 && d.m != nil:
			x.work(d, 80)
		case k < 90:
			if d.m == nil {
				x.come(d)
			} else {
				d.m.hangUp()
				d.m = nil
			}
		case k < 97:
			for _, d := range x.devices {
				d.m = nil
			}
			if x.chance(50) {
				x.publish(false)
				x.Store().(*memory.Store).Fail(errors.New("power failure"))
				x.crash()
			} else {
				x.restart()
			}
			x.p = nil
		}
	}
	// In the end everybody gets everything.
	deadline := time.Now().Add(30 * time.Second)
	for quiet := 0; quiet < 3; {
		quiet++
		for _, d := range x.devices {
			if d.m == nil {
				x.come(d)
			}
			d.m.Subscription().Extend(1000)
			before := d.handled
			x.work(d, 100)
			if d.handled != before {
				quiet = 0
			}
			d.m.hangUp() // what was left without a release comes again
			d.m = nil
		}
		if quiet > 0 {
			waiting := int64(0)
			x.Sessions(func(i broker.SessionInfo) bool { waiting += i.Counters.Entries.Load(); return true })
			for _, i := range x.Durables() {
				waiting += i.Counters.Entries.Load()
			}
			if waiting > 0 && time.Now().Before(deadline) {
				quiet = 0
			}
		}
	}
	x.audit()
}
