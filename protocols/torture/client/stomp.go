package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/manifoldmq/manifold/protocols/stomp/frame"
)

// What a connection waits for at most, so that a broker that hangs is noticed.
const (
	writeTimeout   = 60 * time.Second
	confirmTimeout = 60 * time.Second
)

// stompClient speaks STOMP 1.2 with any number of receipts outstanding.
type stompClient struct {
	conn   net.Conn
	in     *frame.Reader
	out    *bufio.Writer
	head   []byte // the frame being built, without its body
	queued []Event
}

func dialStomp(ctx context.Context, u *url.URL, clientID string) (Client, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	limits := frame.DefaultLimits()
	limits.Data = 1 << 30
	c := &stompClient{
		conn: conn,
		in:   frame.NewReader(conn, frame.Options{Limits: limits}),
		out:  bufio.NewWriterSize(conn, 64<<10),
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err = c.login(u, clientID)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *stompClient) login(u *url.URL, clientID string) error {
	c.begin(frame.Connect)
	c.plain("accept-version", "1.2")
	c.plain("host", u.Hostname())
	c.plain("heart-beat", "0,0")
	if u.User != nil {
		c.plain("login", u.User.Username())
		password, _ := u.User.Password()
		c.plain("passcode", password)
	}
	if clientID != "" {
		c.plain("client-id", clientID)
	}
	if err := errors.Join(c.end(nil), c.Flush(), c.conn.SetReadDeadline(time.Now().Add(confirmTimeout))); err != nil {
		return err
	}
	f, err := c.in.Next()
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	if f.Command != frame.Connected {
		return fmt.Errorf("login: %w", refusal(f))
	}
	c.in.SetVersion(frame.V12)
	return nil
}

func (c *stompClient) begin(command frame.Command) {
	c.head = frame.AppendCommand(c.head[:0], command)
}

// plain adds a header of CONNECT, where nothing is escaped.
func (c *stompClient) plain(name, value string) {
	c.head = append(append(append(append(c.head, name...), ':'), value...), '\n')
}

// header adds a header, unless its value is empty.
func (c *stompClient) header(name, value string) {
	if value != "" {
		c.head = frame.AppendHeader(c.head, frame.V12, name, value)
	}
}

// receipt asks for a confirmation.
func (c *stompClient) receipt(token uint64) {
	if token != 0 {
		c.head = append(c.head, "receipt:"...)
		c.head = append(strconv.AppendUint(c.head, token, 10), '\n')
	}
}

// end buffers the frame with its body. The deadline holds for what a full buffer has to write.
func (c *stompClient) end(body []byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	c.head = frame.AppendEnd(c.head)
	for _, part := range [...][]byte{c.head, body, {0, '\n'}} {
		if _, err := c.out.Write(part); err != nil {
			return err
		}
	}
	return nil
}

func (c *stompClient) Subscribe(id string, s Subscription) error {
	c.begin(frame.Subscribe)
	c.header("id", id)
	c.header("destination", s.Destination)
	c.header("ack", s.Mode.String())
	if s.Prefetch > 0 {
		c.header("activemq.prefetchSize", strconv.Itoa(s.Prefetch))
	}
	c.header("activemq.subscriptionName", s.Durable)
	if err := c.call("subscribed"); err != nil {
		return fmt.Errorf("subscribe to %s: %w", s.Destination, err)
	}
	return nil
}

// call sends the frame that was begun, and waits for its receipt.
func (c *stompClient) call(receipt string) error {
	c.header("receipt", receipt)
	if err := errors.Join(c.end(nil), c.Flush()); err != nil {
		return err
	}
	for {
		e, got, err := c.read(confirmTimeout)
		switch {
		case err != nil:
			return err
		case got == receipt:
			return e.Err
		}
		c.queued = append(c.queued, e)
	}
}

// Leave implements Leaver.
func (c *stompClient) Leave(id string) error {
	c.begin(frame.Unsubscribe)
	c.header("id", id)
	return c.call("left")
}

func (c *stompClient) Send(m Message, token uint64) error {
	c.begin(frame.Send)
	c.header("destination", m.Destination)
	if m.Persistent {
		c.header("persistent", "true")
	}
	c.header("torture", m.Label)
	c.header("JMSXGroupID", m.Group)
	if m.Sequence != 0 {
		c.header("JMSXGroupSeq", strconv.Itoa(m.Sequence))
	}
	c.header("transaction", m.Transaction)
	c.receipt(token)
	c.head = frame.AppendHeaderInt(c.head, frame.ContentLength, int64(len(m.Body)))
	return c.end(m.Body)
}

func (c *stompClient) Ack(d Delivery, transaction string, token uint64) error {
	c.begin(frame.Ack)
	c.header("id", d.Handle)
	c.header("transaction", transaction)
	c.receipt(token)
	return c.end(nil)
}

func (c *stompClient) Begin(transaction string) error {
	return c.demarcate(frame.Begin, transaction, 0)
}

func (c *stompClient) Commit(transaction string, token uint64) error {
	return c.demarcate(frame.Commit, transaction, token)
}

func (c *stompClient) Abort(transaction string, token uint64) error {
	return c.demarcate(frame.Abort, transaction, token)
}

func (c *stompClient) demarcate(command frame.Command, transaction string, token uint64) error {
	c.begin(command)
	c.header("transaction", transaction)
	c.receipt(token)
	return c.end(nil)
}

func (c *stompClient) Flush() error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return c.out.Flush()
}

func (c *stompClient) Next(wait time.Duration) (Event, error) {
	if len(c.queued) > 0 {
		e := c.queued[0]
		c.queued = c.queued[1:]
		return e, nil
	}
	if c.out.Buffered() > 0 {
		if err := c.Flush(); err != nil {
			return Event{}, err
		}
	}
	e, _, err := c.read(wait)
	return e, err
}

// read returns the next frame as an event, with its receipt id if it has one.
func (c *stompClient) read(wait time.Duration) (Event, string, error) {
	if !c.in.More() {
		if err := c.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return Event{}, "", err
		}
	}
	f, err := c.in.Next()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Event{}, "", ErrIdle
	case err != nil:
		return Event{}, "", err
	}
	receipt := f.Headers.String(frame.ReceiptID)
	token, _ := strconv.ParseUint(receipt, 10, 64)
	switch f.Command {
	case frame.Receipt:
		return Event{Token: token}, receipt, nil
	case frame.ErrorFrame:
		return Event{Token: token, Err: refusal(f)}, receipt, nil
	case frame.Message:
		label, _ := f.Headers.Find("torture")
		return Event{Delivery: &Delivery{
			Subscription: f.Headers.String(frame.Subscription),
			Handle:       f.Headers.String(frame.AckHeader),
			Label:        string(label),
			Redelivered:  f.Headers.Is(frame.Redelivered, "true"),
			Body:         f.Body, // in a block of its own
		}}, "", nil
	}
	return Event{}, "", fmt.Errorf("unexpected %s frame", f.Command)
}

// refusal is what an ERROR frame says.
func refusal(f *frame.Frame) error {
	return fmt.Errorf("the broker answered %s: %s", f.Command, f.Headers.String(frame.MessageHeader))
}

func (c *stompClient) Close() error {
	defer c.conn.Close()
	const goodbye = "goodbye"
	c.begin(frame.Disconnect)
	c.header("receipt", goodbye)
	if err := errors.Join(c.end(nil), c.Flush()); err != nil {
		return err
	}
	for {
		e, receipt, err := c.read(confirmTimeout)
		switch {
		case err != nil:
			return fmt.Errorf("disconnect: %w", err)
		case receipt == goodbye:
			return e.Err
		}
	}
}

func (c *stompClient) Abandon() { c.conn.Close() }
