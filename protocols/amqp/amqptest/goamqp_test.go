package amqptest_test

import (
	"context"
	"crypto/rand"
	"reflect"
	"testing"
	"time"

	"github.com/Azure/go-amqp"

	"github.com/manifoldmq/manifold/protocols/amqp/amqptest"
)

// goClient runs one test of the go-amqp client.
type goClient struct {
	*testing.T
	target amqptest.Target
	name   string
}

// TestGoAMQP runs the go-amqp client against the broker under test, plain and over TLS with a password, a client
// certificate and permissions.
func TestGoAMQP(t *testing.T) {
	t.Parallel()
	l := underTest(t)
	t.Run("plain", func(t *testing.T) { runGoAMQP(t, l.Plain) })
	t.Run("tls", func(t *testing.T) {
		if l.Secure == nil {
			t.Skip("no TLS listener")
		}
		runGoAMQP(t, *l.Secure)
	})
}

// TestGoAMQPRabbitMQ runs what RabbitMQ can of the same against it, which proves that the tests are right.
func TestGoAMQPRabbitMQ(t *testing.T) { runGoAMQP(t, rabbitMQ(t)) }

func runGoAMQP(t *testing.T, target amqptest.Target) {
	for _, c := range []struct {
		name   string
		rabbit bool // RabbitMQ can do it
		run    func(*goClient)
	}{
		{"roundtrip", true, (*goClient).roundtrip},
		{"sections", false, (*goClient).sections},
		{"types", false, (*goClient).types},
		{"ids", true, (*goClient).ids},
		{"modes", false, (*goClient).modes},
		{"outcomes", false, (*goClient).outcomes},
		{"second", false, (*goClient).second},
		{"credit", false, (*goClient).credit},
		{"selector", false, (*goClient).selector},
		{"browse", false, (*goClient).browse},
		{"dynamic", false, (*goClient).dynamic},
		{"relay", false, (*goClient).relay},
		{"durable", false, (*goClient).durable},
		{"topic", true, (*goClient).topic},
		{"big", true, (*goClient).big},
		{"burst", false, (*goClient).burst},
		{"expiry", false, (*goClient).expiry},
		{"errors", false, (*goClient).refusals},
		{"login", true, (*goClient).login},
	} {
		t.Run(c.name, func(t *testing.T) {
			if target.Peer == amqptest.RabbitMQ && !c.rabbit {
				t.Skip("not with RabbitMQ 3.10")
			}
			t.Parallel()
			c.run(&goClient{T: t, target: target, name: "goamqp." + c.name + "-" + rand.Text()[:8]})
		})
	}
}

// ctx bounds one call.
func (c *goClient) ctx() context.Context {
	ctx, cancel := context.WithTimeout(c.Context(), 20*time.Second)
	c.Cleanup(cancel)
	return ctx
}

func (c *goClient) must(what string, err error) {
	c.Helper()
	if err != nil {
		c.Fatalf("%s: %v", what, err)
	}
}

func (c *goClient) equal(what string, got, want any) {
	c.Helper()
	if !reflect.DeepEqual(got, want) {
		c.Errorf("%s is %#v, want %#v", what, got, want)
	}
}

func (c *goClient) queue() string {
	if c.target.Peer == amqptest.RabbitMQ {
		return "/queue/" + c.name
	}
	return "queue://" + c.name
}

func (c *goClient) topicName() string {
	if c.target.Peer == amqptest.RabbitMQ {
		return "/topic/" + c.name
	}
	return "topic://" + c.name
}

func (c *goClient) options() *amqp.ConnOptions {
	o := &amqp.ConnOptions{SASLType: amqp.SASLTypeAnonymous(), HostName: c.target.Host()}
	if c.target.User != "" {
		o.SASLType = amqp.SASLTypePlain(c.target.User, c.target.Pass)
	}
	return o
}

// dial opens a connection with options, or the default ones.
func (c *goClient) dial(o *amqp.ConnOptions) (*amqp.Conn, error) {
	if o == nil {
		o = c.options()
	}
	socket, err := c.target.Dial()
	if err != nil {
		return nil, err
	}
	conn, err := amqp.NewConn(c.ctx(), socket, o)
	if err != nil {
		_ = socket.Close()
		return nil, err
	}
	c.Cleanup(func() { _ = conn.Close() })
	return conn, nil
}

func (c *goClient) connect() *amqp.Conn {
	c.Helper()
	conn, err := c.dial(nil)
	c.must("connect", err)
	return conn
}

func (c *goClient) session() *amqp.Session {
	c.Helper()
	s, err := c.connect().NewSession(c.ctx(), nil)
	c.must("session", err)
	return s
}

func (c *goClient) sender(s *amqp.Session, address string, o *amqp.SenderOptions) *amqp.Sender {
	c.Helper()
	l, err := s.NewSender(c.ctx(), address, o)
	c.must("sender", err)
	return l
}

func (c *goClient) receiver(s *amqp.Session, address string, o *amqp.ReceiverOptions) *amqp.Receiver {
	c.Helper()
	l, err := s.NewReceiver(c.ctx(), address, o)
	c.must("receiver", err)
	return l
}

// text returns a durable message.
func text(body string) *amqp.Message {
	return &amqp.Message{Header: &amqp.MessageHeader{Durable: true}, Value: body}
}

func (c *goClient) send(l *amqp.Sender, messages ...*amqp.Message) {
	c.Helper()
	for _, m := range messages {
		c.must("send", l.Send(c.ctx(), m, nil))
	}
}

func (c *goClient) receive(l *amqp.Receiver) *amqp.Message {
	c.Helper()
	m, err := l.Receive(c.ctx(), nil)
	c.must("receive", err)
	return m
}

func (c *goClient) accept(l *amqp.Receiver, m *amqp.Message) {
	c.Helper()
	c.must("accept", l.AcceptMessage(c.ctx(), m))
}

// want receives messages with these values and accepts them.
func (c *goClient) want(l *amqp.Receiver, values ...any) {
	c.Helper()
	for _, v := range values {
		m := c.receive(l)
		if !reflect.DeepEqual(m.Value, v) {
			c.Fatalf("received %#v, want %#v of %v", m.Value, v, values)
		}
		c.accept(l, m)
	}
}
