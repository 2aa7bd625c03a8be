package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/Azure/go-amqp"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// amqpConn is a connection that speaks AMQP 1.0.
type amqpConn struct {
	conn    *amqp.Conn
	session *amqp.Session
	sender  *amqp.Sender // made by the first Send
	target  Target
	timeout time.Duration
	stop    func() bool
}

// dialAMQP logs in over a connection and begins a session.
func (o Options) dialAMQP(ctx context.Context, raw net.Conn, t Target, stop func() bool) (Conn, error) {
	options := &amqp.ConnOptions{ContainerID: o.ClientID, HostName: t.Host, SASLType: amqp.SASLTypeAnonymous()}
	switch {
	case t.User != "" || t.Password != "":
		options.SASLType = amqp.SASLTypePlain(t.User, t.Password)
	case o.Certificate != "":
		options.SASLType = amqp.SASLTypeExternal("")
	}
	conn, err := amqp.NewConn(ctx, raw, options)
	if err != nil {
		err = fmt.Errorf("login at %s: %w", t.Address, err)
		if strings.Contains(err.Error(), "SASL") { // the library has no kinds of errors for it
			return nil, sysexit.With(sysexit.Permission, err)
		}
		return nil, amqpError(err)
	}
	s, err := conn.NewSession(ctx, nil)
	if err != nil {
		return nil, errors.Join(amqpError(err), conn.Close())
	}
	return &amqpConn{conn: conn, session: s, target: t, timeout: o.Timeout, stop: stop}, nil
}

// address is the target's destination as an address of AMQP.
func (c *amqpConn) address() string {
	kind, name, _ := strings.Cut(strings.TrimPrefix(c.target.Destination, "/"), "/")
	return kind + "://" + name
}

// bounded returns a context for one call.
func (c *amqpConn) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.timeout > 0 {
		return context.WithTimeout(ctx, c.timeout)
	}
	return context.WithCancel(ctx)
}

// Send implements Conn. Headers that stand for a field of AMQP set it, by the names that they have
// in STOMP; others become application properties.
func (c *amqpConn) Send(m Message) error {
	ctx, cancel := c.bounded(context.Background())
	defer cancel()
	if c.sender == nil {
		var err error
		if c.sender, err = c.session.NewSender(ctx, c.address(), nil); err != nil {
			return amqpError(err)
		}
	}
	message, err := m.amqp()
	if err != nil {
		return err
	}
	return amqpError(c.sender.Send(ctx, message, &amqp.SendOptions{Settled: !m.Confirm}))
}

// amqp returns the message as one of AMQP: text as a value, anything else as data.
func (m Message) amqp() (*amqp.Message, error) {
	p := &amqp.MessageProperties{}
	out := &amqp.Message{Header: &amqp.MessageHeader{Durable: m.Persistent, Priority: 4}, Properties: p}
	if m.ContentType != "" {
		p.ContentType = &m.ContentType
	}
	if !m.Bytes && utf8.Valid(m.Body) {
		out.Value = string(m.Body)
	} else {
		out.Data = [][]byte{m.Body}
	}
	for _, h := range m.Headers {
		var err error
		value := h.Value
		switch h.Name {
		case "priority":
			var n uint64
			n, err = strconv.ParseUint(value, 10, 8)
			out.Header.Priority = uint8(n)
		case "expires":
			var ms int64
			ms, err = strconv.ParseInt(value, 10, 64)
			expiry := time.UnixMilli(ms)
			p.AbsoluteExpiryTime = &expiry
		case "correlation-id":
			p.CorrelationID = value
		case "message-id":
			p.MessageID = value
		case "reply-to":
			p.ReplyTo = &value
		case "type":
			p.Subject = &value
		case "JMSXGroupID":
			p.GroupID = &value
		default:
			if out.ApplicationProperties == nil {
				out.ApplicationProperties = make(map[string]any)
			}
			out.ApplicationProperties[h.Name] = value
		}
		if err != nil {
			return nil, sysexit.Errorf(sysexit.Usage, "header %s: %w", h.Name, err)
		}
	}
	return out, nil
}

// Receive implements Conn.
func (c *amqpConn) Receive(ctx context.Context, s Subscription, each func(Received) error) error {
	if len(s.Headers) > 0 {
		return sysexit.Errorf(sysexit.Usage, "subscriptions of AMQP have no headers")
	}
	attach, cancel := c.bounded(ctx)
	defer cancel()
	r, err := c.session.NewReceiver(attach, c.address(), s.amqp())
	if err != nil {
		return amqpError(err)
	}
	if s.Browse {
		return c.browse(ctx, r, s, each)
	}
	for n := 0; s.Count == 0 || n < s.Count; n++ {
		m, err := c.next(ctx, r, s.Wait)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, context.DeadlineExceeded) && s.Count > 0:
			return sysexit.Errorf(sysexit.Timeout, "%d of %d messages came within %v of each other", n, s.Count, s.Wait)
		case errors.Is(err, context.DeadlineExceeded):
			return nil
		case err != nil:
			return amqpError(err)
		}
		if err := each(receivedAMQP(m)); err != nil {
			return err
		}
		if s.Ack == "auto" {
			continue // it was settled when it came
		}
		settle, cancel := c.bounded(context.WithoutCancel(ctx))
		err = r.AcceptMessage(settle, m)
		cancel()
		if err != nil {
			return amqpError(fmt.Errorf("acknowledge: %w", err))
		}
	}
	return nil
}

// next waits for a message, with a bound if wait is not zero.
func (c *amqpConn) next(ctx context.Context, r *amqp.Receiver, wait time.Duration) (*amqp.Message, error) {
	if wait == 0 {
		return r.Receive(ctx, nil)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return r.Receive(ctx, nil)
}

// browseCredit is how many messages a look at a queue asks for at once, browsePause how long none
// comes before it asks whether there are more: the library forgets credit that it has not written
// when it is to drain.
const (
	browseCredit = 100
	browsePause  = 200 * time.Millisecond
)

// browse looks at a queue up to its end, which the answer to a drain tells.
func (c *amqpConn) browse(ctx context.Context, r *amqp.Receiver, s Subscription, each func(Received) error) error {
	for n := 0; ; {
		if err := r.IssueCredit(browseCredit); err != nil {
			return amqpError(err)
		}
		came := 0
		for came < browseCredit && (s.Count == 0 || n < s.Count) {
			m, err := c.next(ctx, r, browsePause)
			if ctx.Err() != nil {
				return nil
			}
			if errors.Is(err, context.DeadlineExceeded) {
				break
			}
			if err != nil {
				return amqpError(err)
			}
			if err := each(receivedAMQP(m)); err != nil {
				return err
			}
			came++
			n++
		}
		if s.Count > 0 && n == s.Count {
			return nil
		}
		if came == browseCredit {
			continue
		}
		drain, cancel := c.bounded(ctx)
		err := r.DrainCredit(drain, nil)
		cancel()
		if err != nil {
			return amqpError(err)
		}
		last := r.Prefetched()
		if last == nil {
			return nil
		}
		for ; last != nil && (s.Count == 0 || n < s.Count); last = r.Prefetched() {
			if err := each(receivedAMQP(last)); err != nil {
				return err
			}
			n++
		}
	}
}

func (s Subscription) amqp() *amqp.ReceiverOptions {
	o := &amqp.ReceiverOptions{Credit: mostPrefetch}
	if s.Count > 0 {
		// No more than is asked for at first, so that other consumers get the rest.
		o.Credit = int32(min(s.Count, mostPrefetch))
	}
	settled := amqp.SenderSettleModeSettled
	if s.Ack == "auto" || s.Browse {
		o.RequestedSenderSettleMode = &settled
	}
	if s.Browse {
		o.Credit, o.SourceDistributionMode = -1, amqp.SourceDistributionModeCopy
	}
	if s.Selector != "" {
		o.Filters = []amqp.LinkFilter{amqp.NewSelectorFilter(s.Selector)}
	}
	if s.Durable != "" {
		o.Name, o.SourceDurability, o.SourceExpiryPolicy = s.Durable, amqp.DurabilityUnsettledState, amqp.ExpiryPolicyNever
	}
	return o
}

// receivedAMQP shows a message's fields as headers, by the names that they have in STOMP.
func receivedAMQP(m *amqp.Message) Received {
	var r Received
	add := func(name string, value any) {
		text := ""
		switch v := value.(type) {
		case nil:
			return
		case *string:
			if v == nil {
				return
			}
			text = *v
		case *time.Time:
			if v == nil {
				return
			}
			text = strconv.FormatInt(v.UnixMilli(), 10)
		case time.Time:
			text = strconv.FormatInt(v.UnixMilli(), 10)
		case []byte:
			text = string(v)
		default:
			text = fmt.Sprint(v)
		}
		r.Headers = append(r.Headers, Header{name, text})
	}
	if p := m.Properties; p != nil {
		if p.To != nil {
			r.Destination = *p.To
		}
		add("message-id", p.MessageID)
		add("destination", p.To)
		add("correlation-id", p.CorrelationID)
		add("reply-to", p.ReplyTo)
		add("type", p.Subject)
		add("content-type", p.ContentType)
		add("timestamp", p.CreationTime)
		add("expires", p.AbsoluteExpiryTime)
		add("JMSXGroupID", p.GroupID)
	}
	if h := m.Header; h != nil {
		add("priority", h.Priority)
		add("persistent", h.Durable)
		if h.DeliveryCount > 0 {
			add("redelivered", true)
		}
	}
	names := make([]string, 0, len(m.ApplicationProperties))
	for name := range m.ApplicationProperties {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		add(name, m.ApplicationProperties[name])
	}
	switch v := m.Value.(type) {
	case nil:
		for _, d := range m.Data {
			r.Body = append(r.Body, d...)
		}
	case string:
		r.Body = []byte(v)
	case []byte:
		r.Body = v
	default:
		r.Body = fmt.Append(nil, v)
	}
	return r
}

// Close implements Conn. Closing a link would end a durable subscription, so the connection is
// closed at once: the broker has processed what came before that when it answers.
func (c *amqpConn) Close() error {
	defer c.stop()
	return amqpError(c.conn.Close())
}

// amqpError gives an error of the library its exit code.
func amqpError(err error) error {
	var refused *amqp.Error
	switch {
	case errors.As(err, &refused) && refused.Condition == amqp.ErrCondUnauthorizedAccess:
		return sysexit.Errorf(sysexit.Permission, "the broker refused: %w", err)
	case errors.As(err, &refused) && refused.Condition == amqp.ErrCondConnectionForced:
		return sysexit.Errorf(sysexit.Unavailable, "the broker closed the connection: %w", err)
	case errors.As(err, &refused):
		return sysexit.Errorf(sysexit.Data, "the broker refused: %w", err)
	}
	return brokerError(err)
}
