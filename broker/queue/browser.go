package queue

import (
	"context"

	"github.com/manifoldmq/manifold/broker/message"
)

// StartBrowser delivers a copy of each message that the queue holds now and the consumer's
// filter wants, within the consumer's credit, and then calls its sink's Drained. Nothing is
// locked or removed, and the deliveries need no outcome. It ends early when the consumer is
// closed.
func (q *Queue) StartBrowser(c *Consumer) {
	c.browse = make(chan struct{}, 1)
	go q.browseTo(c)
}

func (q *Queue) browseTo(c *Consumer) {
	err := q.Browse(context.Background(), func(v View) bool {
		if c.Filter != nil && !c.Filter.Matches(&message.View{Message: v.Msg, Deliveries: int(v.Count), Redelivered: v.Flags&Redelivered != 0}) {
			return true
		}
		return c.show(&v.Entry)
	})
	if c.closed.Load() {
		return
	}
	c.mu.Lock()
	c.flush()
	if err != nil {
		c.sink.Closed(c, err)
	} else {
		c.sink.Drained(c)
	}
	c.mu.Unlock()
	c.sink.Wake()
}

// show delivers one message to a browser as soon as it has credit. False: it is closed.
func (c *Consumer) show(e *Entry) bool {
	for !c.ready() {
		if c.closed.Load() {
			return false
		}
		c.mu.Lock()
		c.flush()
		c.mu.Unlock()
		c.sink.Wake()
		<-c.browse
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.last.Load() + 1
	c.last.Store(n)
	c.stage(n, e)
	if c.stagedBytes += e.size(); c.stagedBytes > stageBytes || len(c.staged) >= runLength {
		c.flush()
	}
	return true
}
