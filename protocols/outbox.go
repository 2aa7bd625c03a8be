package protocols

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/queue"
)

// ItemKind tells what an outbox item is about.
type ItemKind uint8

// The kinds of items.
const (
	Deliver   ItemKind = iota // a message for a subscription
	Confirmed                 // the outcome of an operation with a token
	Drained                   // a subscription has nothing more within its credit
	Ended                     // a subscription was closed by the broker
	Blocked                   // producers wait; Text says why, empty: they go on
	Closed                    // the broker ended the connection
	Raw                       // bytes of the protocol's own, ready to be written
	Own                       // something of the protocol's own, which its encoder knows
)

// Item is one thing to tell a client, in its order.
type Item struct {
	Kind     ItemKind
	Delivery broker.Delivery // Deliver
	Token    broker.Token    // Confirmed
	Err      error           // Confirmed, Ended, Closed
	Consumer *queue.Consumer // Drained, Ended
	Text     string          // Blocked
	Raw      []byte          // Raw; the outbox keeps it until it is written
	Own      any             // Own
}

// Encoder turns items into bytes. Its methods are called by one goroutine at a time.
type Encoder interface {
	// Encode appends an item's bytes to dst. With last, the connection is closed once what
	// was encoded so far is written.
	Encode(dst []byte, it *Item) (out []byte, last bool)
	// Written is called after the bytes of items have been handed to the transport: the
	// place to settle what needs no acknowledgement.
	Written(items []Item)
}

// Gatherer is an Encoder that holds back what it may merge with what comes next.
type Gatherer interface {
	// Gather appends what is held back to dst. It is called before each write.
	Gather(dst []byte) []byte
}

// Outbox is what is on its way to one client, in order: deliveries, confirmations, and the
// protocol's own replies. It is the connection's broker.Handler and the sink of its
// subscriptions. A goroutine writes only while there is something to write.
type Outbox struct {
	conn   net.Conn
	enc    Encoder
	gather Gatherer // nil: nothing is held back

	mu      sync.Mutex
	items   []Item
	spare   []Item
	bytes   int64 // of deliveries that are not written yet
	choked  []*queue.Consumer
	writing bool
	failed  bool // nothing is written any more
	added   uint64
	out     uint64 // of those added, written or given up
	moved   sync.Cond
	done    chan struct{} // closed with failed

	lastWrite atomic.Int64 // Unix milliseconds
}

const (
	outboxBudget = 1 << 20   // bytes of deliveries after which subscriptions wait
	writeSize    = 64 << 10  // bytes that are gathered for one write
	keepBuffer   = 256 << 10 // larger buffers go back to the garbage collector
	lastWords    = 5 * time.Second
)

var writeBuffers = sync.Pool{New: func() any { b := make([]byte, 0, writeSize+4096); return &b }}

// NewOutbox returns an empty outbox that writes to conn what enc makes of its items.
func NewOutbox(conn net.Conn, enc Encoder) *Outbox {
	o := &Outbox{conn: conn, enc: enc, done: make(chan struct{})}
	o.gather, _ = enc.(Gatherer)
	o.moved.L = &o.mu
	return o
}

// Deliver implements broker.Sink.
func (o *Outbox) Deliver(ds []broker.Delivery) (room bool) {
	o.mu.Lock()
	for i := range ds {
		o.items = append(o.items, Item{Kind: Deliver, Delivery: ds[i]})
		o.bytes += int64(ds[i].Msg.Size()) + 128
	}
	o.added += uint64(len(ds))
	room = o.bytes < outboxBudget
	if !room {
		o.choked = append(o.choked, ds[0].Consumer)
	}
	o.mu.Unlock()
	return room
}

// Drained implements broker.Sink.
func (o *Outbox) Drained(c *queue.Consumer) { o.add(Item{Kind: Drained, Consumer: c}) }

// Closed implements broker.Handler. A client that does not read what is left for it is not
// waited for longer than lastWords.
func (o *Outbox) Closed(reason error) {
	o.add(Item{Kind: Closed, Err: reason})
	_ = o.conn.SetWriteDeadline(time.Now().Add(lastWords))
}

// Confirmed implements broker.Handler.
func (o *Outbox) Confirmed(t broker.Token, err error) {
	o.add(Item{Kind: Confirmed, Token: t, Err: err})
}

// Blocked implements broker.Handler.
func (o *Outbox) Blocked(reason string) { o.add(Item{Kind: Blocked, Text: reason}) }

// Raw adds bytes of the protocol's own; they belong to the outbox from then on.
func (o *Outbox) Raw(b []byte) { o.add(Item{Kind: Raw, Raw: b}) }

// Own adds something of the protocol's own, for its encoder.
func (o *Outbox) Own(v any) { o.add(Item{Kind: Own, Own: v}) }

// Sink returns the outbox as the sink of a subscription.
func (o *Outbox) Sink() broker.Sink { return (*sink)(o) }

// sink is the outbox where broker.Sink's Closed differs from broker.Handler's.
type sink Outbox

func (s *sink) Deliver(ds []broker.Delivery) bool { return (*Outbox)(s).Deliver(ds) }
func (s *sink) Drained(c *queue.Consumer)         { (*Outbox)(s).Drained(c) }
func (s *sink) Wake()                             { (*Outbox)(s).Wake() }
func (s *sink) Closed(c *queue.Consumer, err error) {
	(*Outbox)(s).add(Item{Kind: Ended, Consumer: c, Err: err})
}

func (o *Outbox) add(it Item) {
	o.mu.Lock()
	o.items = append(o.items, it)
	o.added++
	o.mu.Unlock()
}

// Wake implements broker.Handler and broker.Sink: it starts the writer if there is something
// to write and none at work.
func (o *Outbox) Wake() {
	o.mu.Lock()
	start := !o.writing && len(o.items) > 0
	if start {
		o.writing = true
	}
	o.mu.Unlock()
	if start {
		go o.write()
	}
}

// IdleFor returns how long nothing was written, at a time in Unix milliseconds.
func (o *Outbox) IdleFor(now int64) time.Duration {
	o.mu.Lock()
	writing := o.writing
	o.mu.Unlock()
	if writing {
		return 0
	}
	return time.Duration(now-o.lastWrite.Load()) * time.Millisecond
}

// Wait returns when everything that was added before is written, or can't be any more, or the
// time is up, for which a client that does not read may let it wait.
func (o *Outbox) Wait(atMost time.Duration) {
	o.Wake()
	deadline := time.Now().Add(atMost)
	o.mu.Lock()
	defer o.mu.Unlock()
	upTo := o.added
	if o.out >= upTo {
		return
	}
	alarm := time.AfterFunc(atMost, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.moved.Broadcast()
	})
	defer alarm.Stop()
	for o.out < upTo && time.Now().Before(deadline) {
		o.moved.Wait()
	}
}

// Done is closed when nothing is written any more: the last item is out, or the transport has
// failed.
func (o *Outbox) Done() <-chan struct{} { return o.done }

// write writes until the outbox is empty.
func (o *Outbox) write() {
	bp := writeBuffers.Get().(*[]byte)
	buf := (*bp)[:0]
	for {
		o.mu.Lock()
		items := o.items
		o.items, o.spare = o.spare[:0], nil
		if len(items) == 0 {
			o.spare = items
			o.writing = false
			o.mu.Unlock()
			break
		}
		failed := o.failed
		o.mu.Unlock()
		if !failed {
			failed = !o.writeItems(&buf, items)
		}
		o.wrote(items, failed)
	}
	if cap(buf) <= keepBuffer {
		*bp = buf[:0]
		writeBuffers.Put(bp)
	}
}

// writeItems encodes and writes items. It returns false when the transport has failed or is
// closed, after which nothing is written any more.
func (o *Outbox) writeItems(buf *[]byte, items []Item) bool {
	from := 0
	for i := range items {
		var last bool
		*buf, last = o.enc.Encode(*buf, &items[i])
		if len(*buf) < writeSize && i+1 < len(items) && !last {
			continue
		}
		if o.gather != nil {
			*buf = o.gather.Gather(*buf)
		}
		var err error
		if len(*buf) > 0 {
			_, err = o.conn.Write(*buf)
		}
		*buf = (*buf)[:0]
		if cap(*buf) > keepBuffer {
			*buf = make([]byte, 0, writeSize)
		}
		o.lastWrite.Store(time.Now().UnixMilli())
		if err != nil || last {
			if err == nil {
				o.enc.Written(items[from : i+1])
				closeAfterWrite(o.conn)
			} else {
				_ = o.conn.Close()
			}
			return false
		}
		o.enc.Written(items[from : i+1])
		from = i + 1
	}
	return true
}

// wrote accounts for items that are out, gives their memory back, and lets subscriptions that
// waited for room go on.
func (o *Outbox) wrote(items []Item, failed bool) {
	var bytes int64
	n := uint64(len(items))
	for i := range items {
		if items[i].Kind == Deliver {
			bytes += int64(items[i].Delivery.Msg.Size()) + 128
		}
	}
	clear(items)
	o.mu.Lock()
	if cap(items) <= 1024 {
		o.spare = items[:0]
	}
	if failed && !o.failed {
		o.failed = true
		close(o.done)
	}
	o.out += n
	o.moved.Broadcast()
	o.bytes -= bytes
	var resume []*queue.Consumer
	if len(o.choked) > 0 && o.bytes < outboxBudget/2 && !o.failed {
		resume = o.choked
		o.choked = nil
	}
	o.mu.Unlock()
	for _, c := range resume {
		c.Resume()
	}
}

// closeAfterWrite closes a connection so that the peer can still read what was written: the write
// side at once, where the transport has sides, and the rest soon.
func closeAfterWrite(c net.Conn) {
	type halfCloser interface{ CloseWrite() error }
	if h, ok := c.(halfCloser); ok && h.CloseWrite() == nil {
		time.AfterFunc(lingerTime, func() { _ = c.Close() })
		return
	}
	_ = c.Close()
}
