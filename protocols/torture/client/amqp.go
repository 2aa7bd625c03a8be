package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/manifoldmq/manifold/protocols/amqp/frame"
)

// Sizes of the AMQP client: the frames that it takes and sends, and the transfers that it takes.
const (
	amqpFrame  = 64 << 10
	amqpWindow = 1<<31 - 1
)

// amqpClient speaks AMQP 1.0 with any number of unsettled deliveries, in one session. What is sent
// with a token, and in transactions, is unsettled; the rest is settled.
type amqpClient struct {
	conn   net.Conn
	in     *bufio.Reader
	out    *bufio.Writer
	buf    []byte
	queued []Event

	maxFrame     int
	window       uint32 // transfers that the broker takes
	nextOutgoing uint32
	nextIncoming uint32
	nextDelivery uint32

	senders  map[string]*amqpLink // by destination; the coordinator's is ""
	links    map[uint32]*amqpLink // by the broker's handle
	handles  uint32
	sent     map[uint32]uint64       // tokens of what was sent, by delivery-id
	settling map[uint32]uint64       // and of what was settled
	declared map[uint32]*[]byte      // where transaction ids are awaited
	ids      map[string][]byte       // of transactions, by name
	retired  map[string][]retirement // of open transactions, by name
	closed   bool
}

func dialAMQP(ctx context.Context, u *url.URL, clientID string) (Client, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	c := &amqpClient{
		conn: conn, in: bufio.NewReaderSize(conn, 2*amqpFrame), out: bufio.NewWriterSize(conn, 64<<10),
		senders: make(map[string]*amqpLink), links: make(map[uint32]*amqpLink), sent: make(map[uint32]uint64),
		settling: make(map[uint32]uint64), declared: make(map[uint32]*[]byte), ids: make(map[string][]byte),
		retired: make(map[string][]retirement),
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err = c.login(u, clientID)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("login: %w", err)
	}
	return c, nil
}

func (c *amqpClient) login(u *url.URL, clientID string) error {
	init := frame.Init{Mechanism: "ANONYMOUS", Response: []byte("torture"), Hostname: u.Hostname()}
	if u.User != nil {
		password, _ := u.User.Password()
		init.Mechanism, init.Response = "PLAIN", []byte("\x00"+u.User.Username()+"\x00"+password)
	}
	if clientID == "" {
		clientID = "torture-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	}
	open := frame.Open{Container: clientID, Hostname: u.Hostname(), MaxFrame: amqpFrame, ChannelMax: 1}
	begin := frame.Begun{IncomingWindow: amqpWindow, OutgoingWindow: amqpWindow, HandleMax: 1000}
	b := frame.AppendPrelude(nil, frame.SASL)
	b = init.Append(b)
	b = frame.AppendPrelude(b, frame.AMQP)
	b = open.Append(b)
	c.write(begin.Append(b, 0))
	if err := c.Flush(); err != nil {
		return err
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(confirmTimeout)); err != nil {
		return err
	}
	if err := c.prelude(); err != nil {
		return err
	}
	for {
		code, f, _, err := c.frame()
		if err != nil {
			return err
		}
		if code != frame.CodeOutcome {
			continue
		}
		if o, err := frame.ParseOutcome(f); err != nil || o.Code != 0 {
			return errors.Join(fmt.Errorf("outcome %d", o.Code), err)
		}
		break
	}
	if err := c.prelude(); err != nil {
		return err
	}
	for {
		code, f, _, err := c.frame()
		switch {
		case err != nil:
			return err
		case code == frame.CodeOpen:
			o, err := frame.ParseOpen(f)
			if err != nil {
				return err
			}
			c.maxFrame = int(min(o.MaxFrame, amqpFrame))
		case code == frame.CodeBegin:
			b, err := frame.ParseBegin(f)
			c.window, c.nextIncoming = b.IncomingWindow, b.NextOutgoing
			return err
		case code == frame.CodeClose:
			k, err := frame.ParseClose(f)
			return errors.Join(fmt.Errorf("the broker closed: %w", k.Error), err)
		}
	}
}

func (c *amqpClient) Close() error {
	defer c.conn.Close()
	c.closed = true
	goodbye := frame.Close{}
	c.write(goodbye.Append(c.buf))
	if err := c.Flush(); err != nil {
		return err
	}
	for {
		switch err := c.read(confirmTimeout); {
		case errors.Is(err, errGoodbye):
			return nil
		case err != nil:
			return fmt.Errorf("close: %w", err)
		}
	}
}

func (c *amqpClient) Abandon() { c.conn.Close() }

func (c *amqpClient) Next(wait time.Duration) (Event, error) {
	if c.out.Buffered() > 0 && len(c.queued) == 0 {
		if err := c.Flush(); err != nil {
			return Event{}, err
		}
	}
	for len(c.queued) == 0 {
		if err := c.read(wait); err != nil {
			return Event{}, err
		}
	}
	e := c.queued[0]
	c.queued = c.queued[1:]
	return e, nil
}
