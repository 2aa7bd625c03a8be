package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/Azure/go-amqp"
)

// goAMQP goes through Azure/go-amqp. That has no transactions, and settles one by one.
type goAMQP struct {
	*inbox
	raw     net.Conn
	conn    *amqp.Conn
	session *amqp.Session
	senders map[string]*amqp.Sender // by destination
	ctx     context.Context         // ends with the connection
	cancel  context.CancelFunc
	work    sync.WaitGroup

	unsettled sync.Map // unsettledMessage by handle
	handles   uint64   // given out; by the receiver's goroutine
	receiving bool
}

type unsettledMessage struct {
	receiver *amqp.Receiver
	message  *amqp.Message
}

func dialGoAMQP(ctx context.Context, u *url.URL, clientID string) (Client, error) {
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	o := &amqp.ConnOptions{ContainerID: clientID, HostName: u.Hostname(), SASLType: amqp.SASLTypeAnonymous()}
	if u.User != nil {
		password, _ := u.User.Password()
		o.SASLType = amqp.SASLTypePlain(u.User.Username(), password)
	}
	c := &goAMQP{inbox: newInbox(), raw: raw, senders: make(map[string]*amqp.Sender)}
	if c.conn, err = amqp.NewConn(ctx, raw, o); err == nil {
		c.session, err = c.conn.NewSession(ctx, nil)
	}
	if err != nil {
		raw.Close()
		return nil, fmt.Errorf("login: %w", err)
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// Subscribe may be called once on a connection.
func (c *goAMQP) Subscribe(id string, s Subscription) error {
	if c.receiving {
		return errors.New("one subscription of a connection is all that is needed")
	}
	c.receiving = true
	o := &amqp.ReceiverOptions{Credit: 100, Name: "from " + id + " " + s.Destination}
	if s.Prefetch > 0 {
		o.Credit = int32(s.Prefetch)
	}
	if s.Durable != "" {
		o.Name, o.SourceDurability, o.SourceExpiryPolicy = s.Durable, amqp.DurabilityUnsettledState, amqp.ExpiryPolicyNever
	}
	switch s.Mode {
	case Individual:
		o.SettlementMode = amqp.ReceiverSettleModeSecond.Ptr() // an acceptance waits until the broker has settled
	case Unconfirmed:
		o.SettlementMode = amqp.ReceiverSettleModeFirst.Ptr()
	case Auto:
		o.RequestedSenderSettleMode = amqp.SenderSettleModeSettled.Ptr()
	default:
		return fmt.Errorf("the library does not settle as %v", s.Mode)
	}
	ctx, cancel := context.WithTimeout(c.ctx, confirmTimeout)
	defer cancel()
	r, err := c.session.NewReceiver(ctx, address(s.Destination), o)
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", s.Destination, err)
	}
	c.work.Go(func() {
		for {
			m, err := r.Receive(c.ctx, nil)
			if err != nil {
				c.fail(err)
				return
			}
			d := delivered(m)
			if d.Subscription = id; s.Mode != Auto {
				c.handles++
				d.Handle = strconv.FormatUint(c.handles, 10)
				c.unsettled.Store(d.Handle, unsettledMessage{r, m})
			}
			c.push(Event{Delivery: d})
		}
	})
	return nil
}

func delivered(m *amqp.Message) *Delivery {
	d := &Delivery{Redelivered: true, Body: m.GetData()}
	if m.Header != nil {
		d.Redelivered = !m.Header.FirstAcquirer || m.Header.DeliveryCount > 0
	}
	if label, ok := m.ApplicationProperties["torture"].(string); ok {
		d.Label = label
	}
	return d
}

func (c *goAMQP) sender(destination string) (*amqp.Sender, error) {
	if s := c.senders[destination]; s != nil {
		return s, nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, confirmTimeout)
	defer cancel()
	s, err := c.session.NewSender(ctx, address(destination), &amqp.SenderOptions{Name: "to " + destination})
	if err == nil {
		c.senders[destination] = s
	}
	return s, err
}

func (c *goAMQP) Send(m Message, token uint64) error {
	if m.Transaction != "" {
		return errNoTransactions
	}
	s, err := c.sender(m.Destination)
	if err != nil {
		return err
	}
	message := &amqp.Message{Header: &amqp.MessageHeader{Durable: m.Persistent, Priority: 4}, Data: [][]byte{m.Body}}
	if m.Label != "" {
		message.ApplicationProperties = map[string]any{"torture": m.Label}
	}
	if m.Group != "" {
		message.Properties = &amqp.MessageProperties{GroupID: &m.Group}
		if n := uint32(m.Sequence); n != 0 {
			message.Properties.GroupSequence = &n
		}
	}
	ctx, cancel := context.WithTimeout(c.ctx, confirmTimeout)
	defer cancel()
	if token == 0 {
		return s.Send(ctx, message, &amqp.SendOptions{Settled: true})
	}
	receipt, err := s.SendWithReceipt(ctx, message, nil)
	if err != nil {
		return err
	}
	c.work.Go(func() {
		state, err := receipt.Wait(c.ctx)
		if err != nil {
			c.fail(err)
			return
		}
		e := Event{Token: token}
		if _, ok := state.(*amqp.StateAccepted); !ok {
			e.Err = fmt.Errorf("the broker answered %T: %v", state, state)
		}
		c.push(e)
	})
	return nil
}

func (c *goAMQP) Ack(d Delivery, transaction string, token uint64) error {
	if transaction != "" {
		return errNoTransactions
	}
	v, ok := c.unsettled.LoadAndDelete(d.Handle)
	if !ok {
		return fmt.Errorf("delivery %s is not known", d.Handle)
	}
	m := v.(unsettledMessage)
	c.work.Go(func() {
		err := m.receiver.AcceptMessage(c.ctx, m.message)
		switch {
		case err != nil:
			c.fail(err)
		case token != 0:
			c.push(Event{Token: token})
		}
	})
	return nil
}

var errNoTransactions = errors.New("the library has no transactions")

func (c *goAMQP) Begin(string) error { return errNoTransactions }

func (c *goAMQP) Commit(string, uint64) error { return errNoTransactions }

func (c *goAMQP) Abort(string, uint64) error { return errNoTransactions }

// Flush has nothing to do: the library writes by itself.
func (c *goAMQP) Flush() error { return nil }

func (c *goAMQP) Next(wait time.Duration) (Event, error) { return c.next(wait) }

// Close ends the session first: its answer says that the broker has processed all before it.
func (c *goAMQP) Close() error {
	defer c.Abandon()
	ctx, cancel := context.WithTimeout(c.ctx, confirmTimeout)
	defer cancel()
	if err := c.session.Close(ctx); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return c.conn.Close()
}

func (c *goAMQP) Abandon() {
	c.cancel()
	c.raw.Close()
	c.work.Wait()
}
