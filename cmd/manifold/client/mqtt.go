package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// mqttConn is a connection that speaks MQTT 3.1.1.
type mqttConn struct {
	client  mqtt.Client
	target  Target
	timeout time.Duration
	stop    func() bool
	arrived chan mqtt.Message
	lost    chan error // what has ended the connection
	over    chan struct{}
}

// keepAlive is how often a quiet connection shows that it lives.
const keepAlive = 30 * time.Second

// dialMQTT logs in over a connection.
func (o Options) dialMQTT(raw net.Conn, t Target, stop func() bool) (Conn, error) {
	c := &mqttConn{
		target: t, timeout: o.Timeout, stop: stop,
		arrived: make(chan mqtt.Message), lost: make(chan error, 1), over: make(chan struct{}),
	}
	id := o.ClientID
	if id == "" {
		id = "manifold-" + rand.Text()[:14]
	}
	po := mqtt.NewClientOptions().AddBroker("tcp://" + t.Address).SetClientID(id).SetCleanSession(!o.Durable).
		SetProtocolVersion(4).SetAutoReconnect(false).SetConnectRetry(false).SetAutoAckDisabled(true).SetKeepAlive(keepAlive).
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) { return raw, nil }).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { c.lost <- err }).
		SetDefaultPublishHandler(c.received)
	if t.User != "" || t.Password != "" {
		po.SetUsername(t.User).SetPassword(t.Password)
	}
	if o.Timeout > 0 {
		po.SetConnectTimeout(o.Timeout).SetWriteTimeout(o.Timeout)
		_ = raw.SetReadDeadline(time.Now().Add(o.Timeout))
	}
	c.client = mqtt.NewClient(po)
	token := c.client.Connect().(*mqtt.ConnectToken)
	if err := c.wait(token); err != nil {
		err = fmt.Errorf("login at %s: %w", t.Address, err)
		switch token.ReturnCode() {
		case 2, 4, 5:
			return nil, sysexit.With(sysexit.Permission, err)
		}
		return nil, brokerError(err)
	}
	_ = raw.SetReadDeadline(time.Time{})
	return c, nil
}

// received hands a message to whoever receives; the library waits meanwhile.
func (c *mqttConn) received(_ mqtt.Client, m mqtt.Message) {
	select {
	case c.arrived <- m:
	case <-c.over:
	}
}

// wait waits for the outcome of an operation.
func (c *mqttConn) wait(token mqtt.Token) error {
	if c.timeout > 0 {
		if !token.WaitTimeout(c.timeout) {
			return sysexit.Errorf(sysexit.Timeout, "no answer within %v", c.timeout)
		}
		return token.Error()
	}
	token.Wait()
	return token.Error()
}

// Send implements Conn. Persistent messages go with QoS 1, others with QoS 0, which the header
// qos changes; the header retain makes them retained ones. MQTT 3.1.1 has no others.
func (c *mqttConn) Send(m Message) error {
	qos, retain := 0, false
	if m.Persistent {
		qos = 1
	}
	if m.ContentType != "" {
		return sysexit.Errorf(sysexit.Usage, "messages of MQTT 3.1.1 have no content type")
	}
	for _, h := range m.Headers {
		var err error
		switch h.Name {
		case "qos":
			if qos, err = strconv.Atoi(h.Value); err == nil && (qos < 0 || qos > 2) {
				err = errors.New("it is 0, 1 or 2")
			}
		case "retain":
			retain, err = strconv.ParseBool(h.Value)
		default:
			err = errors.New("MQTT 3.1.1 has only qos and retain")
		}
		if err != nil {
			return sysexit.Errorf(sysexit.Usage, "header %s: %w", h.Name, err)
		}
	}
	token := c.client.Publish(c.target.Destination, byte(qos), retain, m.Body)
	if !m.Confirm {
		return nil
	}
	return brokerError(c.wait(token))
}

// Receive implements Conn.
func (c *mqttConn) Receive(ctx context.Context, s Subscription, each func(Received) error) error {
	switch {
	case s.Selector != "":
		return sysexit.Errorf(sysexit.Usage, "MQTT has no selectors; a topic filter chooses messages")
	case len(s.Headers) > 0:
		return sysexit.Errorf(sysexit.Usage, "subscriptions of MQTT 3.1.1 have no headers")
	}
	qos := byte(2)
	if s.Ack == "auto" {
		qos = 0
	}
	token := c.client.Subscribe(c.target.Destination, qos, nil)
	if err := c.wait(token); err != nil {
		return brokerError(err)
	}
	// The library takes a refusal for success.
	if granted := token.(*mqtt.SubscribeToken).Result()[c.target.Destination]; granted >= 0x80 {
		return sysexit.Errorf(sysexit.Permission, "the broker refused the subscription to %s", c.target.Destination)
	}
	var timer *time.Timer
	var late <-chan time.Time
	if s.Wait > 0 {
		timer = time.NewTimer(s.Wait)
		defer timer.Stop()
		late = timer.C
	}
	for n := 0; s.Count == 0 || n < s.Count; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-late:
			if n < s.Count {
				return sysexit.Errorf(sysexit.Timeout, "%d of %d messages came within %v of each other", n, s.Count, s.Wait)
			}
			return nil
		case err := <-c.lost:
			return sysexit.Errorf(sysexit.Unavailable, "the broker closed the connection: %w", err)
		case m := <-c.arrived:
			if err := each(receivedMQTT(m)); err != nil {
				return err
			}
			m.Ack()
			if timer != nil {
				timer.Reset(s.Wait)
			}
		}
	}
	return nil
}

func receivedMQTT(m mqtt.Message) Received {
	return Received{Destination: m.Topic(), Body: m.Payload(), Headers: []Header{
		{"topic", m.Topic()}, {"qos", strconv.Itoa(int(m.Qos()))}, {"retain", strconv.FormatBool(m.Retained())}, {"duplicate", strconv.FormatBool(m.Duplicate())},
	}}
}

// Close implements Conn.
func (c *mqttConn) Close() error {
	defer c.stop()
	close(c.over)
	c.client.Disconnect(quiesce)
	return nil
}

// quiesce is how long the library may take for what is under way, in milliseconds.
const quiesce = 1000
