package amqptest

import (
	"crypto/rand"
	"strings"
)

// openScenarios prove the opening and closing of connections [AMQP 2.4].
func openScenarios() []Scenario {
	return []Scenario{
		{Name: "open/answer", RabbitMQ: "offers no capabilities", Ref: "the broker's open names its container, its largest frame and channel, and what it can", Run: func(e *Env) {
			c := e.Connect()
			if c.Opened.Str(0) == "" || c.Opened.Num(2) < 512 || c.Opened.Channel != 0 {
				e.t.Errorf("got %v", c.Opened)
			}
			for _, capability := range []Symbol{"ANONYMOUS-RELAY", "DELAYED_DELIVERY", "SHARED-SUBS"} {
				if !Has(c.Opened.Fields.At(7), capability) {
					e.t.Errorf("%s is not offered: %v", capability, c.Opened)
				}
			}
			c.Closes()
			c.Ends()
		}},
		{Name: "open/jms-properties", Ref: "the broker's open tells JMS clients the prefixes of queues and topics, as strings", RabbitMQ: "has none", Run: func(e *Env) {
			c := e.ConnectJMS("amqptest-" + rand.Text())
			properties, _ := c.Opened.Fields.At(9).(Map)
			if properties.Get(Symbol("queue-prefix")) != "queue://" || properties.Get(Symbol("topic-prefix")) != "topic://" {
				e.t.Errorf("got %s", Text(properties))
			}
			for _, name := range []Symbol{"product", "version", "platform"} {
				if s, _ := properties.Get(name).(string); s == "" {
					e.t.Errorf("no %s in %s", name, Text(properties))
				}
			}
		}},
		{Name: "open/close", RabbitMQ: "leaves the socket open after the close", Ref: "a close is answered by a close, and then the connection ends", Run: func(e *Env) {
			c := e.Connect()
			c.Closes()
			c.Ends()
		}},
		{Name: "open/close-with-links", Ref: "a close needs no detach or end before it", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue(""))
			s.Receiver(e.Queue("")).Credit(10)
			s.Closes()
		}},
		{Name: "open/small-frames", Ref: "a client that takes frames of 512 octets gets no larger ones", Run: func(e *Env) {
			c := e.ConnectAs("amqptest-"+rand.Text(), e.target.Host(), uint32(512))
			s := c.Session()
			text := strings.Repeat("0123456789abcdef", 1000)
			s.Sender(e.Queue("")).PutTexts(text)
			d := s.Receiver(e.Queue("")).Take()
			if d.Text() != text || d.Frames < len(text)/512 {
				e.t.Errorf("%d octets in %d frames", len(d.Text()), d.Frames)
			}
			d.Accept()
		}},
		{Name: "open/too-small-frames", Ref: "a largest frame below 512 octets is refused", RabbitMQ: "takes it", Run: func(e *Env) {
			c := e.Dial()
			c.Login()
			c.Write(P(0, Open, "small", nil, uint32(511)))
			c.Expect(Open)
			c.Failed("amqp:connection:framing-error", "amqp:invalid-field")
		}},
		{Name: "open/idle-time-out", Ref: "a broker that has nothing to say sends empty frames in time", Run: func(e *Env) {
			c := e.ConnectAs("amqptest-"+rand.Text(), e.target.Host(), nil, nil, uint32(1000))
			for c.Beats < 3 {
				if f, err := c.Read(); err != nil || f.Code != 0 {
					e.t.Fatalf("got %v, %v", f, err)
				}
			}
			c.Closes()
		}},
		{Name: "open/again", Ref: "a second open is an error of the connection", RabbitMQ: "stays silent", Run: func(e *Env) {
			c := e.Connect()
			c.Write(P(0, Open, "again"))
			c.Failed("amqp:illegal-state", "amqp:connection:framing-error", "amqp:not-allowed")
		}},
		{Name: "open/without-container", Ref: "an open without a container id is refused", RabbitMQ: "stays silent", Run: func(e *Env) {
			c := e.Dial()
			c.Login()
			c.Write(P(0, Open))
			c.Expect(Open)
			c.Failed("amqp:invalid-field", "amqp:decode-error")
		}},
		{Name: "open/begin-before-open", Ref: "no performative comes before open", RabbitMQ: "stays silent", Run: func(e *Env) {
			c := e.Dial()
			c.Login()
			c.Write(P(0, Begin, nil, uint32(0), uint32(10), uint32(10)))
			c.Failed("amqp:illegal-state", "amqp:connection:framing-error", "amqp:not-allowed")
		}},
		{Name: "open/client-id-in-use", Ref: "a JMS client whose id another connection has is refused as JMS clients expect it", RabbitMQ: "allows it", Run: func(e *Env) {
			id := "amqptest-" + rand.Text()
			first := e.ConnectJMS(id)
			c := e.Dial()
			c.Login()
			c.Write(P(0, Open, id, e.target.Host(), nil, nil, nil, nil, nil, nil, Array{Symbol("sole-connection-for-container")}))
			f := c.Expect(Open)
			properties, _ := f.Fields.At(9).(Map)
			if properties.Get(Symbol("amqp:connection-establishment-failed")) != true {
				e.t.Errorf("got %v", f)
			}
			closed := c.Failed("amqp:invalid-field")
			info, _ := Fields(closed.Fields.At(0)).At(2).(Map)
			if info.Get(Symbol("invalid-field")) != Symbol("container-id") {
				e.t.Errorf("got %v", closed)
			}
			first.Session().Sync()
		}},
		{Name: "open/container-id-shared", Ref: "others may have the same container id", ActiveMQ: "refuses every second connection of a container id",
			Why: "the standard allows it; clients that want it refused say so by the capability sole-connection-for-container", Run: func(e *Env) {
				id := "amqptest-" + rand.Text()
				first, second := e.ConnectAs(id).Session(), e.ConnectAs(id).Session()
				first.Sync()
				second.Sync()
			}},
		{Name: "open/other-channel", RabbitMQ: "stays silent", Ref: "an open on another channel than 0 is refused", Run: func(e *Env) {
			c := e.Dial()
			c.Login()
			c.Write(P(1, Open, "amqptest-"+rand.Text()))
			c.Failed("amqp:connection:framing-error", "amqp:not-allowed", "amqp:illegal-state")
		}},
		{Name: "open/any-hostname", Ref: "the host that a client names is of no matter", Run: func(e *Env) {
			c := e.ConnectAs("amqptest-"+rand.Text(), "nowhere.example")
			c.Session().Sender(e.Queue("")).PutTexts("a")
		}},
		{Name: "open/idle-too-short", RabbitMQ: "takes it", Ref: "an idle-time-out that nobody can keep to is refused", Run: func(e *Env) {
			c := e.Dial()
			c.Login()
			c.Write(P(0, Open, "amqptest-"+rand.Text(), nil, nil, nil, uint32(1)))
			c.Expect(Open)
			c.Failed("amqp:invalid-field", "amqp:resource-limit-exceeded", "amqp:precondition-failed")
		}},
		{Name: "open/sole-connection", RabbitMQ: "does not know the wish", Ref: "a client that asks to be the only one of its container is told that it is", Run: func(e *Env) {
			c := e.ConnectJMS("amqptest-" + rand.Text())
			properties, _ := c.Opened.Fields.At(9).(Map)
			if !Has(c.Opened.Fields.At(7), "sole-connection-for-container") || properties.Get(Symbol("sole-connection-detection-policy")) != uint32(0) {
				e.t.Errorf("got %v", c.Opened)
			}
		}},
		{Name: "open/close-existing", RabbitMQ: "leaves both", Ref: "a client that asks for it takes the place of the connection that has its container id", Run: func(e *Env) {
			id := "amqptest-" + rand.Text()
			first := e.ConnectJMS(id)
			c := e.ConnectAs(id, e.target.Host(), nil, nil, nil, nil, nil, nil, Array{Symbol("sole-connection-for-container")},
				Map{Symbol("sole-connection-enforcement-policy"), uint32(1)})
			closed := first.Failed("amqp:resource-locked")
			info, _ := Fields(closed.Fields.At(0)).At(2).(Map)
			if info.Get(Symbol("sole-connection-enforcement")) != true {
				e.t.Errorf("got %v", closed)
			}
			c.Session().Sender(e.Queue("")).PutTexts("a")
		}},
		{Name: "open/refused-pipelined", RabbitMQ: "allows two of one container id, and serves both", Ref: "what comes behind an open that is refused is of no matter", Run: func(e *Env) {
			id := "amqptest-" + rand.Text()
			first := e.ConnectJMS(id).Session()
			c := e.Dial()
			c.Login()
			c.Write(
				P(0, Open, id, e.target.Host(), nil, nil, nil, nil, nil, nil, Array{Symbol("sole-connection-for-container")}),
				P(0, Begin, nil, uint32(0), uint32(100), uint32(100)),
				P(0, Attach, "ghost", uint32(0), true, nil, nil, Terminus{Address: e.Queue("")}.Source(), D(TargetCode)),
				P(0, Flow, uint32(0), uint32(100), uint32(0), uint32(100), uint32(0), uint32(0), uint32(10)),
			)
			c.Expect(Open)
			c.Expect(Close)
			// No consumer of the refused connection takes it.
			first.Sender(e.Queue("")).PutTexts("a")
			first.Receiver(e.Queue("")).Take().Accept()
		}},
	}
}
