package amqptest_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/go-amqp"

	"github.com/manifoldmq/manifold/protocols/amqp/amqptest"
	"github.com/manifoldmq/manifold/protocols/clienttest"
)

func (c *goClient) roundtrip() {
	conn := c.connect()
	s, err := conn.NewSession(c.ctx(), nil)
	c.must("session", err)
	snd, rcv := c.sender(s, c.queue(), nil), c.receiver(s, c.queue(), nil)
	c.send(snd, text("one"), text("Grüße 😀 \x00"))
	c.want(rcv, "one", "Grüße 😀 \x00")
	c.send(snd, amqp.NewMessage([]byte{0, 1, 2}))
	m := c.receive(rcv)
	c.equal("data", m.GetData(), []byte{0, 1, 2})
	c.accept(rcv, m)
	if c.target.Peer != amqptest.RabbitMQ { // whose answer to a closing detach does not close
		c.must("close the sender", snd.Close(c.ctx()))
		c.must("close the receiver", rcv.Close(c.ctx()))
		c.must("close the session", s.Close(c.ctx()))
	}
	c.must("close", conn.Close())
}

func (c *goClient) sections() {
	s := c.session()
	snd, rcv := c.sender(s, c.queue(), nil), c.receiver(s, c.queue(), &amqp.ReceiverOptions{Credit: 10})
	contentType, subject, group := "text/plain", "kind", "g"
	sequence := uint32(7)
	created := time.UnixMilli(1700000000000)
	to, replyTo := c.queue(), "queue://reply"
	sent := &amqp.Message{
		Header:      &amqp.MessageHeader{Durable: true, Priority: 7, TTL: time.Minute},
		Annotations: amqp.Annotations{"x-opt-a": "b"},
		Properties: &amqp.MessageProperties{
			MessageID: "id", UserID: []byte("user"), To: &to, Subject: &subject, ReplyTo: &replyTo, CorrelationID: "corr",
			ContentType: &contentType, CreationTime: &created, GroupID: &group, GroupSequence: &sequence,
		},
		ApplicationProperties: map[string]any{"k": "v"},
		Data:                  [][]byte{[]byte("a"), []byte("b")},
		Footer:                amqp.Annotations{"x-f": int32(1)},
	}
	c.send(snd, sent)
	m := c.receive(rcv)
	c.equal("properties", m.Properties, sent.Properties)
	c.equal("application-properties", m.ApplicationProperties, sent.ApplicationProperties)
	c.equal("data", m.Data, sent.Data)
	c.equal("footer", m.Footer, sent.Footer)
	c.equal("annotation", m.Annotations["x-opt-a"], "b")
	c.equal("durable", m.Header.Durable, true)
	c.equal("priority", m.Header.Priority, uint8(7))
	if m.Header.TTL <= 0 || m.Header.TTL > time.Minute {
		c.Errorf("ttl %v", m.Header.TTL)
	}
	c.accept(rcv, m)
	for _, body := range []*amqp.Message{
		{Value: []any{"a", int32(1), nil}}, {Value: map[string]any{"k": int64(1)}}, {Sequence: [][]any{{"x", true}}}, {Value: amqp.Null{}},
	} {
		c.send(snd, body)
		m := c.receive(rcv)
		c.equal("sequence", m.Sequence, body.Sequence)
		if _, null := body.Value.(amqp.Null); !null {
			c.equal("value", m.Value, body.Value)
		}
		c.accept(rcv, m)
	}
}

func (c *goClient) types() {
	s := c.session()
	snd, rcv := c.sender(s, c.queue(), nil), c.receiver(s, c.queue(), nil)
	all := map[string]any{
		"bool": true, "u8": uint8(200), "u16": uint16(60000), "u32": uint32(4e9), "u64": uint64(1 << 63), "i8": int8(-5), "i16": int16(-5), "i32": int32(-5),
		"i64": int64(-5), "f32": float32(1.5), "f64": 2.5, "string": "ü", "binary": []byte{1}, "uuid": amqp.UUID{1, 2}, "time": time.UnixMilli(1700000000000),
	}
	m := text("x")
	m.ApplicationProperties = all
	c.send(snd, m)
	got := c.receive(rcv)
	c.equal("application-properties", got.ApplicationProperties, all)
	c.accept(rcv, got)
}

func (c *goClient) ids() {
	s := c.session()
	snd, rcv := c.sender(s, c.queue(), nil), c.receiver(s, c.queue(), nil)
	for _, id := range []any{"text", uint64(7), amqp.UUID{9, 8}, []byte{1, 2}} {
		m := text("x")
		m.Properties = &amqp.MessageProperties{MessageID: id, CorrelationID: id}
		c.send(snd, m)
		got := c.receive(rcv)
		c.equal("message-id", got.Properties.MessageID, id)
		c.equal("correlation-id", got.Properties.CorrelationID, id)
		c.accept(rcv, got)
	}
}

func (c *goClient) modes() {
	s := c.session()
	for _, mode := range []amqp.SenderSettleMode{amqp.SenderSettleModeUnsettled, amqp.SenderSettleModeSettled, amqp.SenderSettleModeMixed} {
		address := fmt.Sprint(c.queue(), ".", mode)
		snd := c.sender(s, address, &amqp.SenderOptions{SettlementMode: &mode})
		c.send(snd, text("a"), text("b"))
		if mode == amqp.SenderSettleModeMixed {
			c.must("send settled", snd.Send(c.ctx(), text("c"), &amqp.SendOptions{Settled: true}))
		}
		o := &amqp.ReceiverOptions{Credit: 5}
		if mode != amqp.SenderSettleModeMixed {
			o.RequestedSenderSettleMode = &mode
		}
		rcv := c.receiver(s, address, o)
		c.want(rcv, "a", "b")
		if mode == amqp.SenderSettleModeMixed {
			c.want(rcv, "c")
		}
	}
}

func (c *goClient) outcomes() {
	s := c.session()
	snd, rcv := c.sender(s, c.queue(), nil), c.receiver(s, c.queue(), nil)
	c.send(snd, text("a"))
	m := c.receive(rcv)
	c.must("release", rcv.ReleaseMessage(c.ctx(), m))
	m = c.receive(rcv)
	c.equal("delivery-count after a release", m.Header.DeliveryCount, uint32(0))
	c.must("modify", rcv.ModifyMessage(c.ctx(), m, &amqp.ModifyMessageOptions{DeliveryFailed: true, Annotations: amqp.Annotations{"x-opt-note": "tried"}}))
	m = c.receive(rcv)
	c.equal("delivery-count after a failure", m.Header.DeliveryCount, uint32(1))
	c.equal("annotation", m.Annotations["x-opt-note"], "tried")
	dead := c.receiver(s, "queue://ActiveMQ.DLQ", &amqp.ReceiverOptions{Filters: []amqp.LinkFilter{amqp.NewSelectorFilter("k = '" + c.name + "'")}})
	c.accept(rcv, m)
	m = text("poison")
	m.ApplicationProperties = map[string]any{"k": c.name}
	c.send(snd, m)
	c.must("reject", rcv.RejectMessage(c.ctx(), c.receive(rcv), &amqp.Error{Condition: "x:bad", Description: "poison"}))
	c.want(dead, "poison")
}

func (c *goClient) second() {
	s := c.session()
	mode := amqp.ReceiverSettleModeSecond
	snd := c.sender(s, c.queue(), nil)
	c.send(snd, text("a"), text("b"), text("c"))
	rcv := c.receiver(s, c.queue(), &amqp.ReceiverOptions{Credit: 5, SettlementMode: &mode})
	c.want(rcv, "a", "b", "c")
	c.must("close", rcv.Close(c.ctx()))
	c.nothingOn(s, c.queue())
}

// nothingOn looks whether an address has a message left. The library drops credit that it has not sent when it drains, so
// that a credit comes first that is used up.
func (c *goClient) nothingOn(s *amqp.Session, address string) {
	c.Helper()
	c.send(c.sender(s, address, nil), text("last"))
	rcv := c.receiver(s, address, &amqp.ReceiverOptions{Credit: 10})
	c.want(rcv, "last")
	c.must("close", rcv.Close(c.ctx()))
}

func (c *goClient) credit() {
	s := c.session()
	snd := c.sender(s, c.queue(), nil)
	for i := range 5 {
		c.send(snd, text(fmt.Sprint(i)))
	}
	rcv := c.receiver(s, c.queue(), &amqp.ReceiverOptions{Credit: -1})
	c.must("credit", rcv.IssueCredit(2))
	c.want(rcv, "0", "1")
	c.must("credit", rcv.IssueCredit(10))
	c.want(rcv, "2", "3", "4")
	c.must("drain", rcv.DrainCredit(c.ctx(), nil))
	c.send(snd, text("5"))
	if m := rcv.Prefetched(); m != nil {
		c.Errorf("%v came after a drain", m.Value)
	}
	c.must("credit", rcv.IssueCredit(1))
	c.want(rcv, "5")
	c.must("drain without credit", rcv.DrainCredit(c.ctx(), nil))
}

func (c *goClient) selector() {
	s := c.session()
	snd := c.sender(s, c.queue(), nil)
	for i := range 6 {
		m := text(fmt.Sprint(i))
		m.ApplicationProperties = map[string]any{"n": int32(i), "color": []string{"red", "blue"}[i%2]}
		c.send(snd, m)
	}
	const expression = "color = 'blue' AND n BETWEEN 2 AND 5"
	rcv := c.receiver(s, c.queue(), &amqp.ReceiverOptions{Credit: 5, Filters: []amqp.LinkFilter{amqp.NewSelectorFilter(expression)}})
	c.equal("filter in force", rcv.LinkSourceFilterValue("apache.org:selector-filter:string"), any(expression))
	c.want(rcv, "3", "5")
}

func (c *goClient) browse() {
	s := c.session()
	snd := c.sender(s, c.queue(), nil)
	c.send(snd, text("1"), text("2"))
	rcv := c.receiver(s, c.queue(), &amqp.ReceiverOptions{Credit: -1, SourceDistributionMode: amqp.SourceDistributionModeCopy})
	c.must("credit", rcv.IssueCredit(10))
	c.want(rcv, "1", "2")
	c.must("drain", rcv.DrainCredit(c.ctx(), nil))
	if m := rcv.Prefetched(); m != nil {
		c.Errorf("%v came twice", m.Value)
	}
	c.must("close", rcv.Close(c.ctx()))
	c.want(c.receiver(s, c.queue(), nil), "1", "2")
}

func (c *goClient) dynamic() {
	s := c.session()
	replies := c.receiver(s, "", &amqp.ReceiverOptions{DynamicAddress: true})
	if replies.Address() == "" {
		c.Fatal("the dynamic address has no name")
	}
	service := c.session()
	work := c.receiver(service, c.queue(), nil)
	to := replies.Address()
	request := text("ping")
	request.Properties = &amqp.MessageProperties{MessageID: "1", ReplyTo: &to}
	c.send(c.sender(s, c.queue(), nil), request)
	m := c.receive(work)
	answer := text("pong")
	answer.Properties = &amqp.MessageProperties{CorrelationID: m.Properties.MessageID}
	c.send(c.sender(service, *m.Properties.ReplyTo, nil), answer)
	c.accept(work, m)
	got := c.receive(replies)
	c.equal("correlation-id", got.Properties.CorrelationID, any("1"))
	c.accept(replies, got)
}

func (c *goClient) relay() {
	s := c.session()
	snd := c.sender(s, "", nil)
	for _, suffix := range []string{".a", ".b"} {
		to := c.queue() + suffix
		m := text(suffix)
		m.Properties = &amqp.MessageProperties{To: &to}
		c.send(snd, m)
		c.want(c.receiver(s, to, nil), suffix)
	}
	var refused *amqp.Error
	if err := snd.Send(c.ctx(), text("nowhere"), nil); !errors.As(err, &refused) {
		c.Errorf("without to: %v", err)
	}
}

func (c *goClient) durable() {
	o := c.options()
	o.ContainerID = "client-" + c.name
	attach := func() (*amqp.Conn, *amqp.Receiver) {
		conn, err := c.dial(o)
		c.must("connect", err)
		s, err := conn.NewSession(c.ctx(), nil)
		c.must("session", err)
		return conn, c.receiver(s, c.topicName(), &amqp.ReceiverOptions{
			Name: "sub", Credit: 10, SourceDurability: amqp.DurabilityUnsettledState, SourceExpiryPolicy: amqp.ExpiryPolicyNever,
		})
	}
	conn, rcv := attach()
	snd := c.sender(c.session(), c.topicName(), nil)
	c.send(snd, text("1"))
	c.want(rcv, "1")
	c.must("close", conn.Close())
	c.send(snd, text("2"), text("3"))
	_, rcv = attach()
	c.want(rcv, "2", "3")
	c.must("unsubscribe", rcv.Close(c.ctx()))
}

func (c *goClient) topic() {
	s := c.session()
	one, two := c.receiver(s, c.topicName(), &amqp.ReceiverOptions{Credit: 5}), c.receiver(s, c.topicName(), &amqp.ReceiverOptions{Credit: 5})
	snd := c.sender(s, c.topicName(), nil)
	c.send(snd, text("a"), text("b"))
	c.want(one, "a", "b")
	c.want(two, "a", "b")
}

func (c *goClient) big() {
	s := c.session()
	body := bytes.Repeat([]byte("0123456789abcdef"), 10<<16)
	mode := amqp.SenderSettleModeUnsettled
	snd, rcv := c.sender(s, c.queue(), &amqp.SenderOptions{SettlementMode: &mode}), c.receiver(s, c.queue(), nil)
	c.send(snd, amqp.NewMessage(body))
	m := c.receive(rcv)
	if !bytes.Equal(m.GetData(), body) {
		c.Errorf("%d octets became %d", len(body), len(m.GetData()))
	}
	c.accept(rcv, m)
}

func (c *goClient) burst() {
	const n = 3000
	s := c.session()
	snd, rcv := c.sender(s, c.queue(), nil), c.receiver(s, c.queue(), &amqp.ReceiverOptions{Credit: 200})
	sent := make(chan error, 1)
	go func() {
		receipts := make([]amqp.SendReceipt, 0, n)
		for i := range n {
			r, err := snd.SendWithReceipt(c.ctx(), text(fmt.Sprint(i)), nil)
			if err != nil {
				sent <- err
				return
			}
			receipts = append(receipts, r)
		}
		for i := range receipts {
			state, err := receipts[i].Wait(c.ctx())
			if _, ok := state.(*amqp.StateAccepted); err != nil || !ok {
				sent <- fmt.Errorf("message %d: %v, %w", i, state, err)
				return
			}
		}
		sent <- nil
	}()
	for i := range n {
		m := c.receive(rcv)
		if m.Value != fmt.Sprint(i) {
			c.Fatalf("got %v, want %d", m.Value, i)
		}
		c.accept(rcv, m)
	}
	c.must("send", <-sent)
}

func (c *goClient) expiry() {
	s := c.session()
	snd := c.sender(s, c.queue(), nil)
	gone, stays := text("gone"), text("stays")
	past := time.UnixMilli(1000)
	gone.Properties = &amqp.MessageProperties{AbsoluteExpiryTime: &past}
	stays.Header.TTL = time.Hour
	c.send(snd, gone, stays)
	c.want(c.receiver(s, c.queue(), nil), "stays")
}

func (c *goClient) refusals() {
	s := c.session()
	var e *amqp.Error
	_, err := s.NewReceiver(c.ctx(), c.queue(), &amqp.ReceiverOptions{Filters: []amqp.LinkFilter{amqp.NewSelectorFilter("a = (")}})
	if !errors.As(err, &e) || e.Condition != amqp.ErrCondInvalidField {
		c.Errorf("bad selector: %v", err)
	}
	if _, err = s.NewSender(c.ctx(), "temp-queue://nowhere-"+c.name, nil); !errors.As(err, &e) || e.Condition == "" {
		c.Errorf("no such temporary queue: %v", err)
	}
	// The session lives.
	c.send(c.sender(s, c.queue(), nil), text("a"))
	c.want(c.receiver(s, c.queue(), nil), "a")
}

func (c *goClient) login() {
	if c.target.User == "" {
		c.Skip("the target asks for no password")
	}
	o := c.options()
	o.SASLType = amqp.SASLTypePlain(c.target.User, c.target.Pass+"x")
	if _, err := c.dial(o); err == nil {
		c.Error("a wrong password is taken")
	}
	if c.target.TLS == nil || c.target.TLS.Cert == "" {
		return
	}
	o.SASLType = amqp.SASLTypeExternal("")
	conn, err := c.dial(o)
	c.must("login with the certificate", err)
	s, err := conn.NewSession(c.ctx(), nil)
	c.must("session", err)
	c.send(c.sender(s, c.queue(), nil), text("a"))
	c.want(c.receiver(s, c.queue(), nil), "a")
	// Without a certificate there is no connection at all.
	config, err := (clienttest.TLSFiles{CA: c.target.TLS.CA}).Config()
	c.must("config", err)
	if socket, err := tls.Dial("tcp", c.target.Address, config); err == nil {
		defer socket.Close()
		if _, err := amqp.NewConn(c.ctx(), socket, c.options()); err == nil {
			c.Error("a client without a certificate is let in")
		}
	}
}
