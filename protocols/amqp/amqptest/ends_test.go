package amqptest_test

import (
	"crypto/rand"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
	queues "github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/protocols/amqp"
	"github.com/manifoldmq/manifold/protocols/amqp/amqptest"
	"github.com/manifoldmq/manifold/protocols/amqp/mapping"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/server"
)

// TestSilence shows that a client that says nothing for too long is closed with a reason, that it is told how often it has
// to speak, and that empty frames are enough.
func TestSilence(t *testing.T) {
	t.Parallel()
	const silence = 500 * time.Millisecond
	b := brokertest.Start(t, brokertest.WithAMQP(amqp.Options{IdleTimeout: silence}))
	target := amqptest.Target{Address: b.Addr("amqp")}
	alive, silent := open(t, target), open(t, target)
	if got := silent.Opened.Num(4); time.Duration(got)*time.Millisecond != silence/2 {
		t.Errorf("the broker asks for a frame each %d ms", got)
	}
	gone := make(chan struct{})
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		beat := time.NewTicker(silence / 10)
		defer beat.Stop()
		for {
			select {
			case <-beat.C:
				_ = alive.TryWrite(amqptest.Frame{}.Encode())
			case <-gone:
				return
			}
		}
	}()
	closed := silent.Failed("amqp:resource-limit-exceeded")
	close(gone)
	<-beating
	if text := amqptest.Text(closed.Fields); !strings.Contains(text, "local-idle-timeout expired") {
		t.Errorf("got %s", text)
	}
	alive.Closes()
}

// TestDefaults shows what the broker agrees on without being told: as ActiveMQ does.
func TestDefaults(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := open(t, amqptest.Target{Address: b.Addr("amqp")})
	if c.Opened.Str(0) != b.Core().Name || c.Opened.Num(2) != 128<<10 || c.Opened.Num(3) != 32767 || c.Opened.Num(4) != 15000 {
		t.Errorf("got %v", c.Opened)
	}
	s := c.Session()
	if s.Begun.Num(4) != 32767 {
		t.Errorf("got %v", s.Begun)
	}
	s.Sender("queue://defaults")
	s.Flow(uint32(0), nil, nil, nil, false, true)
	f := s.Await("the link's state", func(f amqptest.Frame) bool { return f.Code == amqptest.Flow && f.Fields.At(4) != nil })
	if f.Num(6) != 1000 {
		t.Errorf("a sender's credit: %v", f)
	}
}

// TestTransformerOfAListener shows that listeners may differ in how other protocols see what comes in.
func TestTransformerOfAListener(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithAMQP(amqp.Options{Transformers: map[string]mapping.Transformer{"amqp": mapping.Native}}))
	for listener, want := range map[string]message.PayloadKind{"amqp": message.BytesPayload, "auto": message.TextPayload} {
		s := open(t, amqptest.Target{Address: b.Addr(listener)}).Session()
		queue := "transformed." + listener
		s.Sender(queue).PutTexts("hello")
		seen := 0
		err := b.Core().Browse(t.Context(), address.Address{Kind: address.Queue, Name: queue}, "", func(v queues.View) bool {
			seen++
			if p, err := v.Msg.Payload(); err != nil || p.Kind != want {
				t.Errorf("%s: %+v, %v", listener, p, err)
			}
			return true
		})
		if err != nil || seen != 1 {
			t.Errorf("%s: %d messages, %v", listener, seen, err)
		}
	}
}

// TestSlowLogin shows that a client has to get to its open in time.
func TestSlowLogin(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithAMQP(amqp.Options{ConnectTimeout: 300 * time.Millisecond}))
	target := amqptest.Target{Address: b.Addr("amqp")}
	early := amqptest.Dial(t, target)
	early.WriteRaw([]byte(amqptest.SASLHeader))
	late := amqptest.Dial(t, target)
	late.Login()
	done := open(t, target)
	early.Ends()
	late.Ends()
	done.Session().Sync()
}

// TestClosedByTheBroker shows what clients are told that are closed by an operator or because the broker stops: failover
// clients connect again on it.
func TestClosedByTheBroker(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	target := amqptest.Target{Address: b.Addr("amqp")}
	kicked, id := amqptest.Dial(t, target), "kicked-"+rand.Text()
	kicked.Login()
	kicked.Open(id)
	others := open(t, target)
	others.Session().Receiver("queue://stopped").Credit(10)
	if err := b.Core().Kick(id, "asked to"); err != nil {
		t.Fatal(err)
	}
	if f := kicked.Failed("amqp:connection:forced"); !strings.Contains(amqptest.Text(f.Fields), "asked to") {
		t.Errorf("got %v", f)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- b.Close() }()
	others.Failed("amqp:connection:forced")
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestCreditWithTheAttach shows that credit which comes while the broker answers the attach counts, whatever it does at the
// same time.
func TestCreditWithTheAttach(t *testing.T) {
	t.Parallel()
	s := open(t, hostileTarget(t)).Session()
	snd := s.Sender("queue://early")
	text := amqptest.TextMessage("x")
	for i := range 1000 {
		l := s.AttachWith(amqptest.Terms{Source: amqptest.Terminus{Address: "queue://early"}}, func() {
			for range i % 50 * 20 {
				runtime.Gosched() // so that the two meet now and then
			}
		}, 1)
		snd.Post(text, true, nil)
		l.Receive().Accept()
		l.Detach(true)
	}
}

// TestFullMemory shows that a broker whose memory is full lets producers wait, and serves consumers of the same connection
// and session: what they accept makes room.
func TestFullMemory(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t, brokertest.WithLimits(brokertest.Limits{Memory: 1 << 20}))
	s := open(t, target).Session()
	snd, rcv := s.Sender("queue://full"), s.Receiver("queue://full")
	const count = 40
	m := amqptest.Message{Data: [][]byte{make([]byte, 100<<10)}}
	for range count {
		snd.Post(m, false, nil)
	}
	for range count {
		rcv.Take().Accept()
	}
	if list := rcv.Drain(5); len(list) > 0 {
		t.Errorf("%d more came", len(list))
	}
}

// TestRefusedAtALimit shows that where a full queue refuses messages, a producer hears why, and its link goes on when there
// is room.
func TestRefusedAtALimit(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t, brokertest.With(func(o *server.Options) {
		o.Policies = []policy.Entry{{Match: "queue://refusing", Values: []policy.Value{{Name: "limits", Set: func(p *policy.Policy) {
			p.Limits.Memory, p.FailIfNoSpace = 100<<10, true
		}}}}}
	}))
	s := open(t, target).Session()
	snd, rcv := s.Sender("queue://refusing"), s.Receiver("queue://refusing")
	m := amqptest.Message{Data: [][]byte{make([]byte, 40<<10)}}
	taken := 0
	for ; taken < 10; taken++ {
		if state := snd.Send(m); amqptest.Code(state) != amqptest.Accepted {
			if amqptest.Condition(state) != "amqp:resource-limit-exceeded" {
				t.Fatalf("got %s", amqptest.Text(state))
			}
			break
		}
	}
	if taken == 0 || taken == 10 {
		t.Fatalf("%d were taken", taken)
	}
	for range taken {
		rcv.Take().Accept()
	}
	snd.Put(m)
}

// TestFramesOutOfPlace sends every performative where it has no place: first, or once more than it may come. The
// connection or the session ends with an error, and others don't notice.
func TestFramesOutOfPlace(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t)
	sings := canary(t, target)
	performatives := map[string]amqptest.Frame{
		"begin":       amqptest.P(0, amqptest.Begin, nil, uint32(0), uint32(1), uint32(1)),
		"attach":      amqptest.P(0, amqptest.Attach, "l", uint32(0), true, nil, nil, amqptest.Terminus{Address: "queue://a"}.Source(), amqptest.D(amqptest.TargetCode)),
		"flow":        amqptest.P(0, amqptest.Flow, uint32(0), uint32(1), uint32(0), uint32(1)),
		"transfer":    amqptest.P(0, amqptest.Transfer, uint32(0), uint32(0), []byte{1}, uint32(0)),
		"disposition": amqptest.P(0, amqptest.Disposition, true, uint32(0), uint32(0), true),
		"detach":      amqptest.P(0, amqptest.Detach, uint32(0), true),
		"end":         amqptest.P(0, amqptest.End),
	}
	for name, f := range performatives {
		first := amqptest.Dial(t, target)
		first.Login()
		first.Write(f)
		first.Expect(amqptest.Open)
		first.Failed("amqp:connection:framing-error")
		if name != "begin" {
			c := open(t, target)
			c.Write(f)
			c.Failed("amqp:connection:framing-error") // there is no session
		}
	}
	c := open(t, target)
	s := c.Session()
	l := s.Receiver("queue://a")
	l.Detach(true)
	s.WriteOn(performatives["detach"])
	s.Failed("amqp:session:unattached-handle")
	s = c.Session()
	s.Ends()
	s.WriteOn(performatives["end"])
	c.Failed("amqp:connection:framing-error")
	sings()
}
