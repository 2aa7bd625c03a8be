package queue

import (
	"sync/atomic"
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// received is a sink that takes the names of what is delivered.
type received chan string

func (r received) Deliver(ds []Delivery) bool {
	for i := range ds {
		r <- ds[i].Msg.ID.Origin
	}
	return true
}
func (r received) Drained(*Consumer)       {}
func (r received) Closed(*Consumer, error) {}
func (r received) Wake()                   {}

// TestGroupsWaitForNoOtherQueue has a consumer of two queues leave messages of both to transactions, and
// go. That of one queue is committed while the other's is on its way back.
func TestGroupsWaitForNoOtherQueue(t *testing.T) {
	t.Parallel()
	env := &Env{Memory: NewMemory(1 << 30), Temp: NewMemory(1 << 30), Delivered: new(atomic.Int64), Now: func() int64 { return 1 }}
	id := store.ID(0)
	offer := func(q *Queue, name string) {
		id++
		m := &message.Message{Content: message.NewNative(nil, message.Payload{})}
		m.GroupID, m.ID.Origin = "G", name
		q.Offer(NewEntry(m, id))
		q.Kick()
	}
	queues := [2]*Queue{}
	first := NewConsumer(env, ConsumerOptions{}, make(received, 10))
	first.Limit(2)
	numbers := [2][]uint64{}
	for i, name := range [...]string{"A", "B"} {
		q := New(env, address.Address{Kind: address.Queue, Name: name}, 0, Options{})
		q.Attach(first)
		offer(q, name)
		numbers[i] = first.Enlist(uint64(i+1), uint64(i+1), uint32(i+1), nil)
		queues[i] = q
	}
	if first.Unsettled() != 2 || len(numbers[0]) != 1 || len(numbers[1]) != 1 {
		t.Fatalf("enlisted: %v", numbers)
	}
	first.Close(2)
	second := make(received, 10)
	c := NewConsumer(env, ConsumerOptions{}, second)
	c.Limit(10)
	queues[1].Attach(c)
	offer(queues[1], "next")
	back := first.Undecided(numbers[0])
	first.Committed(numbers[1])
	queues[1].decided()
	back()
	select {
	case got := <-second:
		if got != "next" {
			t.Errorf("%s comes", got)
		}
	default:
		t.Error("the next message waits, though nothing before it does")
	}
}
