package httpd

import (
	"net/http"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/queue"
)

// queueView has a queue's figures; those that only grow count since the start.
type queueView struct {
	Messages   int64  `json:"messages"`
	Bytes      int64  `json:"bytes"`
	InFlight   int64  `json:"inFlight"`
	Consumers  int    `json:"consumers"`
	Paused     bool   `json:"paused"`
	Failure    string `json:"failure,omitempty"` // damage in the store that stops it
	Enqueued   int64  `json:"enqueued"`
	Dequeued   int64  `json:"dequeued"`
	Dispatched int64  `json:"dispatched"`
	Expired    int64  `json:"expired"`
	Discarded  int64  `json:"discarded"` // at a limit
}

func viewQueue(q *queue.Queue) *queueView {
	n := q.Counters()
	v := &queueView{
		Messages: n.Entries.Load(), Bytes: n.Bytes.Load(), InFlight: n.InFlight.Load(),
		Consumers: q.Consumers(), Paused: q.Paused(),
		Enqueued: n.Enqueued.Load(), Dequeued: n.Dequeued.Load(), Dispatched: n.Dispatched.Load(), Expired: n.Expired.Load(), Discarded: n.Evicts.Load(),
	}
	if err := q.Failure(); err != nil {
		v.Failure = err.Error()
	}
	return v
}

// queueNamed returns the address that a path names; a temporary queue has its scheme before it.
func queueNamed(name string) address.Address { return address.Parse(name, address.Queue) }

func (s *Server) showQueue(_ *http.Request, name string) (any, error) {
	a := queueNamed(name)
	d := s.o.Broker.Lookup(a)
	if d == nil || d.Queue() == nil {
		return nil, fault.New(fault.NotFound, "show", a.String(), "there is no queue %s", a)
	}
	return viewDestination(d), nil
}

func (s *Server) purgeQueue(r *http.Request, name string) (any, error) {
	n, err := s.o.Broker.Purge(r.Context(), queueNamed(name))
	if err != nil {
		return nil, err
	}
	return struct {
		Messages int64 `json:"messages"`
	}{n}, nil
}

type pausedView struct {
	Paused bool `json:"paused"`
}

func (s *Server) pauseQueue(_ *http.Request, name string) (any, error) {
	return pausedView{true}, s.o.Broker.Pause(queueNamed(name))
}

func (s *Server) resumeQueue(_ *http.Request, name string) (any, error) {
	return pausedView{false}, s.o.Broker.Resume(queueNamed(name))
}
