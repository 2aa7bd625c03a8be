package interoptest

import (
	"slices"
	"testing"
	"time"
)

// patience is how long something may take that has to come; quiet is how long to wait for what must not.
const (
	patience = 20 * time.Second
	quiet    = 200 * time.Millisecond
)

// client is one connection of an application. Its methods fail the test when something goes wrong.
type client interface {
	// send sends a message and returns when the broker has it.
	send(to destination, m message)
	// consume starts to receive: what is sent from then on comes.
	consume(from destination, o consuming) consumer
	// temporary makes a destination of the connection's own, and returns what messages may reply to.
	temporary(topic bool) destination
	// browse returns the texts that a queue holds, without taking them.
	browse(from destination) []string
	// unsubscribe ends a durable subscription that has no consumer.
	unsubscribe(from destination, name string)
	// begin, put, take, commit and rollback are a transaction: put sends in it, and what a consumer with the option
	// transacted has acknowledged belongs to it.
	begin()
	put(to destination, m message)
	commit()
	rollback()
	// close ends the connection in order, cut without a word.
	close()
	cut()
}

// consuming are a consumer's options.
type consuming struct {
	unacknowledged bool   // the test acknowledges each message itself
	transacted     bool   // in the client's transaction
	rejecting      bool   // reject will be called
	prefetch       int    // 0 is the protocol's default
	durable        string // name of the durable subscription
	selector       string
	exclusive      bool
	priority       int
	noLocal        bool
	retroactive    bool
	maps           bool // STOMP: maps are to come as JSON
}

// consumer receives.
type consumer interface {
	// receive returns the next message, or nil if none comes in time.
	receive(wait time.Duration) *received
	// ack acknowledges a message, and those before it nowhere.
	ack(r *received)
	// reject says that a message can't be handled; release that it should come again.
	reject(r *received)
	release(r *received)
	close()
}

// feature is something that not every protocol can express.
type feature string

// The features.
const (
	mapBodies    feature = "maps"
	streams      feature = "streams"
	objects      feature = "objects"
	empties      feature = "messages without a body"
	exactlyOnce  feature = "exactly once"
	priorities   feature = "priority"
	expiry       feature = "expiry"
	correlation  feature = "correlation ids"
	octets       feature = "correlation ids of octets"
	replies      feature = "reply-to"
	temporaries  feature = "temporary destinations"
	types        feature = "types and groups"
	users        feature = "user ids"
	timestamps   feature = "time stamps"
	contentTypes feature = "content types"
	properties   feature = "properties"
	delays       feature = "scheduled delivery"
	queues       feature = "consumers of queues"
	browsers     feature = "browsers"
	selectors    feature = "selectors"
	transactions feature = "transactions"
	rejections   feature = "rejected messages"
	releases     feature = "messages that are given back"
	options      feature = "options of consumers"
	noLocals     feature = "no-local"
	prefetches   feature = "a prefetch limit"
	composites   feature = "composite destinations"
)

// protocol makes clients.
type protocol struct {
	name  string
	lacks []feature // what it, or the library, can't express
	open  func(t *testing.T, b target, id string) client
}

func (p protocol) can(f feature) bool { return !slices.Contains(p.lacks, f) }

// target is a broker's listeners, as host:port.
type target struct {
	openWire, amqp, mqtt, stomp string
	activeMQ                    bool // it is the real one
}

// protocols returns all of them. Of OpenWire there is no client without Java.
func protocolList() []protocol {
	return []protocol{openWire(), amqp10(), mqtt311(), mqtt5(), stomp12()}
}

// persistently connects. Who has an identifier may find it in use until the broker has seen that an earlier connection is broken,
// and tries again, as applications do.
func persistently(t *testing.T, id string, connect func() error) {
	t.Helper()
	for until := time.Now().Add(patience); ; <-time.After(10 * time.Millisecond) {
		err := connect()
		if err == nil {
			return
		}
		if id == "" || time.Now().After(until) {
			t.Fatal(err)
		}
	}
}

// take returns the next message, which must come.
func take(t *testing.T, c consumer) *received {
	t.Helper()
	r := c.receive(patience)
	if r == nil {
		t.Fatal("no message")
	}
	return r
}

// want receives texts in their order, acknowledges them, and returns the messages.
func want(t *testing.T, c consumer, texts ...string) []*received {
	t.Helper()
	var list []*received
	for i, w := range texts {
		r := take(t, c)
		if r.text != w {
			t.Fatalf("received %q, want %q, the %dth of %q", r.text, w, i+1, texts)
		}
		c.ack(r)
		list = append(list, r)
	}
	return list
}

// wantNothing waits whether something comes.
func wantNothing(t *testing.T, c consumer) {
	t.Helper()
	if r := c.receive(quiet); r != nil {
		t.Fatalf("received %q, which must not come", r.text)
	}
}

// drain receives what several consumers get, until they have n messages together or no more come, and returns the texts of each.
func drain(n int, consumers ...consumer) [][]string {
	lists := make([][]string, len(consumers))
	for until := time.Now().Add(patience); n > 0 && time.Now().Before(until); {
		for i, c := range consumers {
			for r := c.receive(quiet); r != nil; r = c.receive(quiet / 10) {
				c.ack(r)
				lists[i] = append(lists[i], r.text)
				n--
			}
		}
	}
	return lists
}
