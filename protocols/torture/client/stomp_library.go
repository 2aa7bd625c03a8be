package client

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/go-stomp/stomp/v3"
	"github.com/go-stomp/stomp/v3/frame"
)

// libraryClient goes through the public client library. That waits for each receipt itself, so
// the events of tokens are there at once; it proves that what holds for our frames holds for
// those of others.
type libraryClient struct {
	raw  net.Conn
	conn *stomp.Conn
	txs  map[string]*stomp.Transaction

	unsettled map[string]*stomp.Message // by handle
	confirmed []Event

	// The library stops reading when a subscription's channel is full, and then never comes to
	// the receipt that it waits for. So what arrives is taken away at once.
	mu      sync.Mutex
	arrived []arrival
	signal  chan struct{} // has room for one: something arrived
}

type arrival struct {
	subscription string
	message      *stomp.Message
}

func dialLibrary(ctx context.Context, u *url.URL, clientID string) (Client, error) {
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	options := []func(*stomp.Conn) error{
		stomp.ConnOpt.Host(u.Hostname()),
		stomp.ConnOpt.HeartBeat(0, 0),
		stomp.ConnOpt.RcvReceiptTimeout(confirmTimeout),
		stomp.ConnOpt.DisconnectReceiptTimeout(confirmTimeout),
		stomp.ConnOpt.Logger(quiet{}),
	}
	if u.User != nil {
		password, _ := u.User.Password()
		options = append(options, stomp.ConnOpt.Login(u.User.Username(), password))
	}
	if clientID != "" {
		options = append(options, stomp.ConnOpt.Header("client-id", clientID))
	}
	conn, err := stomp.ConnectWithContext(ctx, raw, options...)
	if err != nil {
		raw.Close()
		return nil, fmt.Errorf("login: %w", err)
	}
	return &libraryClient{
		raw: raw, conn: conn,
		txs:       make(map[string]*stomp.Transaction),
		unsettled: make(map[string]*stomp.Message),
		signal:    make(chan struct{}, 1),
	}, nil
}

func (c *libraryClient) Subscribe(id string, s Subscription) error {
	modes := [...]stomp.AckMode{Individual: stomp.AckClientIndividual, Cumulative: stomp.AckClient, Auto: stomp.AckAuto}
	header := stomp.SubscribeOpt.Header
	options := []func(*frame.Frame) error{stomp.SubscribeOpt.Id(id)}
	if s.Prefetch > 0 {
		options = append(options, header("activemq.prefetchSize", strconv.Itoa(s.Prefetch)))
	}
	if s.Durable != "" {
		options = append(options, header("activemq.subscriptionName", s.Durable))
	}
	sub, err := c.conn.Subscribe(s.Destination, modes[s.Mode], options...)
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", s.Destination, err)
	}
	go func() {
		for m := range sub.C {
			c.mu.Lock()
			c.arrived = append(c.arrived, arrival{id, m})
			c.mu.Unlock()
			c.wake()
		}
	}()
	// The library takes a subscription's receipt for its end, so that of an empty transaction
	// behind it says that it is in effect.
	tx, err := c.conn.BeginWithError()
	if err != nil {
		return err
	}
	return tx.AbortWithReceipt()
}

func (c *libraryClient) wake() {
	select {
	case c.signal <- struct{}{}:
	default:
	}
}

func (c *libraryClient) Send(m Message, token uint64) error {
	header := stomp.SendOpt.Header
	var options []func(*frame.Frame) error
	if m.Persistent {
		options = append(options, header("persistent", "true"))
	}
	if m.Label != "" {
		options = append(options, header("torture", m.Label))
	}
	if m.Group != "" {
		options = append(options, header("JMSXGroupID", m.Group))
		if m.Sequence != 0 {
			options = append(options, header("JMSXGroupSeq", strconv.Itoa(m.Sequence)))
		}
	}
	body := bytes.Clone(m.Body) // the library writes it later
	if m.Transaction != "" {
		return c.txs[m.Transaction].Send(m.Destination, "", body, options...)
	}
	if token != 0 {
		options = append(options, stomp.SendOpt.Receipt)
	}
	return c.confirm(token, c.conn.Send(m.Destination, "", body, options...))
}

// confirm notes that the library has waited for a token's receipt.
func (c *libraryClient) confirm(token uint64, err error) error {
	if err == nil && token != 0 {
		c.confirmed = append(c.confirmed, Event{Token: token})
	}
	return err
}

// Ack with a token is a transaction of its own: the library asks for receipts of commits, and
// not of acks.
func (c *libraryClient) Ack(d Delivery, transaction string, token uint64) error {
	m := c.unsettled[d.Handle]
	switch {
	case m == nil:
		return fmt.Errorf("delivery %s is not known", d.Handle)
	case transaction != "":
		return c.txs[transaction].Ack(m) // an abort makes it unsettled again
	case token == 0:
		delete(c.unsettled, d.Handle)
		return c.conn.Ack(m)
	}
	delete(c.unsettled, d.Handle)
	tx, err := c.conn.BeginWithError()
	if err != nil {
		return err
	}
	if err := tx.Ack(m); err != nil {
		return err
	}
	return c.confirm(token, tx.CommitWithReceipt())
}

func (c *libraryClient) Begin(transaction string) error {
	tx, err := c.conn.BeginWithError()
	c.txs[transaction] = tx
	return err
}

func (c *libraryClient) Commit(transaction string, token uint64) error {
	defer delete(c.txs, transaction)
	return c.confirm(token, c.txs[transaction].CommitWithReceipt())
}

func (c *libraryClient) Abort(transaction string, token uint64) error {
	defer delete(c.txs, transaction)
	return c.confirm(token, c.txs[transaction].AbortWithReceipt())
}

// Flush has nothing to do: the library writes by itself.
func (c *libraryClient) Flush() error { return nil }

func (c *libraryClient) Next(wait time.Duration) (Event, error) {
	if len(c.confirmed) > 0 {
		e := c.confirmed[0]
		c.confirmed = c.confirmed[1:]
		return e, nil
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	for {
		if a, ok := c.take(); ok {
			return c.event(a)
		}
		select {
		case <-c.signal:
		case <-late.C:
			return Event{}, ErrIdle
		}
	}
}

func (c *libraryClient) take() (arrival, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.arrived) == 0 {
		return arrival{}, false
	}
	a := c.arrived[0]
	c.arrived = c.arrived[1:]
	return a, true
}

func (c *libraryClient) event(a arrival) (Event, error) {
	m := a.message
	if m.Err != nil {
		return Event{}, m.Err
	}
	handle := m.Header.Get(frame.Ack)
	c.unsettled[handle] = m
	return Event{Delivery: &Delivery{
		Subscription: a.subscription,
		Handle:       handle,
		Label:        m.Header.Get("torture"),
		Redelivered:  m.Header.Get("redelivered") == "true",
		Body:         m.Body,
	}}, nil
}

func (c *libraryClient) Close() error { return c.conn.Disconnect() }

func (c *libraryClient) Abandon() { c.raw.Close() }

// quiet drops the library's log: what matters comes back as an error.
type quiet struct{}

func (quiet) Debugf(string, ...any)   {}
func (quiet) Infof(string, ...any)    {}
func (quiet) Warningf(string, ...any) {}
func (quiet) Errorf(string, ...any)   {}
func (quiet) Debug(string)            {}
func (quiet) Info(string)             {}
func (quiet) Warning(string)          {}
func (quiet) Error(string)            {}
