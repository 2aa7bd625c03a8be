package client

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/go-stomp/stomp/v3"
	"github.com/go-stomp/stomp/v3/frame"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// Subscription says what to receive.
type Subscription struct {
	Selector string
	Durable  string // name of a durable subscription; needs a client id
	Browse   bool   // look, and leave the messages where they are
	Ack      string // "auto", "client", "client-individual"
	Headers  []Header
	Count    int           // end after so many messages; 0: don't
	Wait     time.Duration // end when none came for so long; 0: don't
}

// Received is a message that came. Its slices belong to the receiver.
type Received struct {
	Destination string
	Headers     []Header // as sent by the broker; of repeated ones only the first counts
	Body        []byte
}

// Header returns the value of the first header of a name, or "".
func (r *Received) Header(name string) string {
	for _, h := range r.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// Receive implements Conn.
func (c *stompConn) Receive(ctx context.Context, s Subscription, each func(Received) error) error {
	mode := stomp.AckClientIndividual
	switch {
	case s.Ack == "auto", s.Browse:
		mode = stomp.AckAuto
	case s.Ack == "client":
		mode = stomp.AckClient
	}
	sub, err := c.stomp.Subscribe(c.target.Destination, mode, s.options()...)
	if err != nil {
		return c.fail(err)
	}
	// What else is on its way must be taken from the library, or its reader stops and never
	// comes to the broker's goodbye.
	defer func() {
		go func() {
			for range sub.C {
			}
		}()
	}()
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
		case m, open := <-sub.C:
			switch {
			case ctx.Err() != nil:
				return nil
			case !open:
				c.failed = true
				return sysexit.Errorf(sysexit.Unavailable, "the broker closed the connection")
			case m.Err != nil:
				return c.fail(m.Err)
			case s.Browse && m.Header.Get("browser") == "end":
				return nil
			}
			if err := each(received(m)); err != nil {
				return err
			}
			if err := c.stomp.Ack(m); err != nil {
				return c.fail(fmt.Errorf("acknowledge: %w", err))
			}
			if timer != nil {
				timer.Reset(s.Wait)
			}
		}
	}
	return nil
}

// mostPrefetch is ActiveMQ's default for queues.
const mostPrefetch = 1000

func (s Subscription) options() []func(*frame.Frame) error {
	header := stomp.SubscribeOpt.Header
	var options []func(*frame.Frame) error
	if s.Selector != "" {
		options = append(options, header("selector", s.Selector))
	}
	if s.Durable != "" {
		options = append(options, header("activemq.subscriptionName", s.Durable))
	}
	if s.Browse {
		options = append(options, header("browser", "true"))
	}
	if s.Count > 0 && !s.Browse {
		// No more than is asked for, so that other consumers get the rest.
		options = append(options, header("activemq.prefetchSize", strconv.Itoa(min(s.Count, mostPrefetch))))
	}
	for _, h := range s.Headers {
		options = append(options, header(h.Name, h.Value))
	}
	return options
}

func received(m *stomp.Message) Received {
	r := Received{Destination: m.Destination, Body: m.Body, Headers: make([]Header, 0, m.Header.Len())}
	for i := range m.Header.Len() {
		name, value := m.Header.GetAt(i)
		r.Headers = append(r.Headers, Header{name, value})
	}
	return r
}
