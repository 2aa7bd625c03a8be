package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Client is one connection to a broker, for one goroutine. What it sends is buffered until
// Flush or Next. After an error other than ErrIdle it is of no more use but to be abandoned.
type Client interface {
	// Subscribe starts a subscription and returns when it is in effect; id names it in
	// deliveries and is unique on the connection.
	Subscribe(id string, s Subscription) error
	// Send sends a message, which is not kept. The token comes back in an event when the broker
	// has confirmed the message; with 0, no confirmation is asked for.
	Send(m Message, token uint64) error
	// Ack settles a delivery: that one alone, or with all before it where its subscription is
	// cumulative. With a transaction it takes part in that; the token is as for Send.
	Ack(d Delivery, transaction string, token uint64) error
	// Begin starts a transaction with a name that is unique on the connection.
	Begin(transaction string) error
	// Commit ends a transaction; the token is confirmed when all of it has taken effect.
	Commit(transaction string, token uint64) error
	// Abort ends a transaction without effect; its deliveries are unsettled again.
	Abort(transaction string, token uint64) error
	// Flush writes what is buffered.
	Flush() error
	// Next flushes, waits for the next event and returns it; ErrIdle if none came in time.
	Next(wait time.Duration) (Event, error)
	// Close says goodbye and waits until the broker has processed all that was sent.
	Close() error
	// Abandon cuts the connection. It may be called from any goroutine, more than once.
	Abandon()
}

// ErrIdle says that no event came in the time given to Next.
var ErrIdle = errors.New("no event in time")

var errNoGroups = errors.New("this client sends no groups")

// Message is a message to send.
type Message struct {
	Destination string // "/queue/orders", "/topic/news"
	Persistent  bool
	Label       string // travels as a header where the protocol has headers
	Transaction string // "" outside of transactions
	Group       string // of messages that one consumer gets in their order; "": none
	Sequence    int    // in the group: 1 begins it anew, one below 0 closes it, 0 says nothing
	Body        []byte // belongs to the caller again when Send returns
}

// Subscription says what to receive, and how it is settled.
type Subscription struct {
	Destination string
	Mode        Settlement
	Prefetch    int    // unsettled deliveries at once; 0: the broker's default
	Durable     string // name of a durable subscription to a topic
}

// Settlement is how deliveries of a subscription are settled.
type Settlement uint8

// The ways of settlement.
const (
	Individual  Settlement = iota // an ack is for one delivery
	Cumulative                    // an ack is for all deliveries up to that one
	Unconfirmed                   // an ack is for one delivery, and the broker says nothing to it: its token is 0
	Auto                          // handing over settles
)

// String names the way as STOMP does.
func (s Settlement) String() string {
	return [...]string{"client-individual", "client", "client-individual", "auto"}[s]
}

// Releasing is a client whose library gives back what an aborted transaction had settled: the
// deliveries are not this subscription's any more.
type Releasing interface {
	ReleasesAborted()
}

// Leaver is a client that can end one of its subscriptions.
type Leaver interface {
	// Leave ends a subscription, and returns when it has ended. What was acknowledged in open
	// transactions stays with those.
	Leave(id string) error
}

// Delivery is a message received.
type Delivery struct {
	Subscription string // id given to Subscribe
	Handle       string // names the delivery in an ack
	Label        string // as sent; "" where the protocol has no headers
	Redelivered  bool
	Body         []byte // belongs to the receiver
}

// Event is something that the broker said: a delivery, or what became of a token.
type Event struct {
	Delivery *Delivery // not nil for a delivery
	Token    uint64    // confirmed, or refused if Err is set
	Err      error     // the broker's refusal; Token is 0 if it did not say of what
}

// Dialer connects to a broker and logs in. The context bounds connecting only.
type Dialer func(ctx context.Context, target, clientID string) (Client, error)

// Dial connects to a broker and logs in. clientID may be "". The URL's scheme picks the client:
// stomp speaks STOMP 1.2 itself, amqp AMQP 1.0 and openwire OpenWire, in windows; stomp+library and
// amqp+library use public client libraries, of which that for STOMP waits for every confirmation.
// The context bounds connecting only.
func Dial(ctx context.Context, target, clientID string) (Client, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("client: not a URL: %w", err)
	}
	switch u.Scheme {
	case "stomp":
		return dialStomp(ctx, u, clientID)
	case "stomp+library":
		return dialLibrary(ctx, u, clientID)
	case "amqp":
		return dialAMQP(ctx, u, clientID)
	case "amqp+library":
		return dialGoAMQP(ctx, u, clientID)
	case "openwire":
		return dialOpenWire(ctx, u, clientID)
	}
	return nil, fmt.Errorf("client: scheme %q is not understood; use stomp, stomp+library, amqp, amqp+library or openwire", u.Scheme)
}
