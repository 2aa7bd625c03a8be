package queue

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// holding returns a queue in memory that holds messages, each named by its place and priority, with
// a property.
func holding(t *testing.T, o Options, list ...string) *Queue {
	t.Helper()
	env := &Env{Memory: NewMemory(1 << 30), Temp: NewMemory(1 << 30), Now: func() int64 { return 1 }}
	q := New(env, address.Address{Kind: address.Topic, Name: "T"}, 0, o)
	for i, text := range list {
		name, value, _ := strings.Cut(text, "=")
		m := &message.Message{Content: message.NewNative(nil, message.Payload{})}
		if value != "" {
			m.Content = message.NewNative([]message.Field{{Name: "key", Value: message.OfString(value)}}, message.Payload{})
		}
		m.ID.Origin = name
		m.Priority = name[0] - '0'
		q.Offer(NewEntry(m, store.ID(i+1)))
	}
	q.takeIntake()
	return q
}

func (q *Queue) names() (list []string) {
	l := &q.levels[0]
	for seq := l.head; seq < l.end; seq++ {
		if e := l.at(seq); e.Msg != nil {
			list = append(list, e.Msg.ID.Origin)
		}
	}
	return list
}

func TestEvictions(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		o    Options
		sent string
		left string
	}{
		{"oldest", Options{Pending: 3}, "4a 9b 0c 4d 4e", "0c 4d 4e"},
		{"lowest priority", Options{Pending: 3, Eviction: EvictLowestPriority}, "4a 9b 0c 4d 0e 4f", "9b 4d 4f"},
		{"some of the lowest", Options{Pending: 3, Eviction: EvictLowestPriority}, "4a 0b 0c 0d", "4a 0c 0d"},
		{"superseded", Options{Pending: 3, Eviction: EvictSameProperty, EvictionProperty: "key"}, "4a=x 4b=y 4c=x 4d=y 4e=z", "4c 4d 4e"},
		{"all that are superseded", Options{Pending: 4, Eviction: EvictSameProperty, EvictionProperty: "key"}, "4a=x 4b=x 4c=x 4d=x 4e", "4d 4e"},
		{"nothing is superseded", Options{Pending: 2, Eviction: EvictSameProperty, EvictionProperty: "key"}, "4a=x 4b=y 4c=z", "4b 4c"},
		{"no more than are to be kept", Options{Pending: 3, Eviction: EvictLowestPriority}, "0a 9b 0c", "0a 9b 0c"},
		{"none is kept", Options{}, "4a 4b", ""},
	} {
		q := holding(t, x.o, strings.Fields(x.sent)...)
		q.evict(&x.o)
		want := strings.Fields(x.left)
		if got := q.names(); !slices.Equal(got, want) {
			t.Errorf("%s: %v is left, want %v", x.name, got, want)
		}
		if got, want := q.counters.Evicts.Load(), int64(len(strings.Fields(x.sent))-len(want)); got != want {
			t.Errorf("%s: %d counted as evicted, want %d", x.name, got, want)
		}
		if got := q.counters.Entries.Load(); got != int64(len(want)) {
			t.Errorf("%s: %d entries counted, want %d", x.name, got, len(want))
		}
	}
}

func TestEvictionIsTold(t *testing.T) {
	t.Parallel()
	o := Options{Pending: 1, Tell: TellDiscarded}
	q := holding(t, o, "4a", "4b", "4c")
	var told []string
	q.env.Tell = func(x Told) { told = append(told, fmt.Sprintf("%s %d %d", x.Message.ID.Origin, x.What, x.Count)) }
	q.evict(&o)
	if want := []string{"4a 4 1", "4b 4 2"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}
