package broker

import (
	"sync"

	"github.com/manifoldmq/manifold/broker/queue"
)

// dispatcher follows the store: the batches' Done functions note which queues got entries and
// which connections got confirmations, and once per commit group its goroutine kicks each of
// them once. The store's goroutine thus never waits for a queue's lock.
type dispatcher struct {
	mu      sync.Mutex
	cond    sync.Cond
	queues  map[*queue.Queue]struct{}
	conns   map[*Connection]struct{}
	due     bool
	stopped bool
	over    sync.WaitGroup
}

func (d *dispatcher) start() {
	d.cond.L = &d.mu
	d.queues = make(map[*queue.Queue]struct{})
	d.conns = make(map[*Connection]struct{})
	d.due, d.stopped = false, false
	d.over.Add(1)
	go d.run()
}

func (d *dispatcher) stop() {
	d.mu.Lock()
	d.stopped = true
	d.cond.Signal()
	d.mu.Unlock()
	d.over.Wait()
}

// touch notes what a batch concerned. It is called by Done functions.
func (d *dispatcher) touch(q *queue.Queue, c *Connection) {
	d.mu.Lock()
	if q != nil {
		d.queues[q] = struct{}{}
	}
	if c != nil {
		d.conns[c] = struct{}{}
	}
	d.mu.Unlock()
}

// signal ends a group.
func (d *dispatcher) signal() {
	d.mu.Lock()
	d.due = true
	d.cond.Signal()
	d.mu.Unlock()
}

func (d *dispatcher) run() {
	defer d.over.Done()
	var queues []*queue.Queue
	var conns []*Connection
	for {
		d.mu.Lock()
		for !d.due && !d.stopped {
			d.cond.Wait()
		}
		if !d.due {
			d.mu.Unlock()
			return
		}
		d.due = false
		for q := range d.queues {
			queues = append(queues, q)
		}
		for c := range d.conns {
			conns = append(conns, c)
		}
		clear(d.queues)
		clear(d.conns)
		d.mu.Unlock()
		for _, q := range queues {
			q.Kick()
		}
		for _, c := range conns {
			c.handler.Wake()
		}
		clear(queues)
		clear(conns)
		queues, conns = queues[:0], conns[:0]
	}
}
