package broker

import (
	"sync"
	"sync/atomic"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/store"
)

// EventKind tells events apart.
type EventKind uint8

// The events.
const (
	Connected EventKind = iota + 1
	Disconnected
	Subscribed
	Unsubscribed
	DestinationCreated
	DestinationDeleted
	MessageExpired
	MessageDeadLettered
	ProducerBlocked
	PoliciesReloaded
	StoreEvent
	SessionCreated
	SessionEnded
	WillPublished
	BindingRefused // a binding has ended, as its user may not read there any more
	SessionBound   // the client of a session has begun to receive by a binding, which Text names
	SessionUnbound // it receives by it no more
	ProducerKnown  // a producer was made known with Producer.Tell
	ProducerGone   // it has ended

	// What follows is told where the destination's policy asks for it.

	LimitReached      // a limit of the destination or of the broker, as Text says
	ProducerFast      // a producer has to wait
	ConsumerSlow      // a consumer has used up its credit while messages wait
	MessageUnheard    // nobody consumes it, and it is not kept
	MessageTaken      // the broker has taken it
	MessageDispatched // it was handed to a consumer
	MessageConsumed   // a consumer has settled it
	MessageDiscarded  // it was dropped at a limit
)

// maxTold is how many events may wait for listeners before some are dropped, and maxToldBytes how much
// memory their messages may keep that have left their queues meanwhile.
const (
	maxTold      = 1 << 16
	maxToldBytes = 16 << 20
)

func sizeOfEvent(e Event) int64 {
	if e.Message == nil {
		return 0
	}
	return int64(e.Message.Size()) + message.Overhead
}

// Event is something that happened. Which fields are set depends on the kind.
type Event struct {
	Kind    EventKind
	Address address.Address
	Client  string
	Text    string
	Message *message.Message // that it is about
	Store   store.Event

	Subscription *Subscription // of Subscribed and Unsubscribed
	Connection   *Connection   // of Connected, Disconnected, SessionBound and SessionUnbound
	Consumer     *queue.Consumer
	Producer     *Producer
	Count        int64 // of MessageDiscarded: how many its queue has dropped
	Body         bool  // whether the message's body may be shown to whoever hears of it
}

// events hands events to listeners; without any it costs one atomic load.
type events struct {
	mu        sync.Mutex
	listeners atomic.Pointer[[]*listener]
}

type listener struct{ fn func(Event) }

// Listen calls fn for each event until the returned function is called. fn runs on the
// goroutine where the event happens, and those that happen where locks are held come from one
// goroutine, in their order: fn must not block.
func (b *Broker) Listen(fn func(Event)) (cancel func()) {
	l := &listener{fn}
	b.events.change(func(list []*listener) []*listener { return append(list, l) })
	return func() {
		b.events.change(func(list []*listener) []*listener {
			out := list[:0]
			for _, o := range list {
				if o != l {
					out = append(out, o)
				}
			}
			return out
		})
	}
}

func (e *events) change(fn func([]*listener) []*listener) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []*listener
	if old := e.listeners.Load(); old != nil {
		list = append(list, *old...)
	}
	list = fn(list)
	e.listeners.Store(&list)
}

func (e *events) publish(ev Event) {
	list := e.listeners.Load()
	if list == nil {
		return
	}
	for _, l := range *list {
		l.fn(ev)
	}
}
