package queue

import (
	"context"

	"github.com/manifoldmq/manifold/broker/message"
)

// Browse delivers a copy of each message that the queues hold now, one queue after the other, and
// the consumer's filter wants, within the consumer's credit, and then calls its sink's Drained, of itself.
// Nothing is locked or removed, and the deliveries need no outcome. It ends early when the
// consumer is closed. It returns at once.
func (c *Consumer) Browse(queues []*Queue) {
	c.browse = make(chan struct{}, 1)
	go c.browseAll(queues)
}

func (c *Consumer) browseAll(queues []*Queue) {
	var err error
	for _, q := range queues {
		err = q.Browse(context.Background(), func(v View) bool {
			if c.Filter != nil && !c.Filter.Matches(&message.View{Message: v.Msg, Deliveries: int(v.Count), Redelivered: v.Flags&Redelivered != 0}) {
				return true
			}
			return c.show(&v.Entry)
		})
		if c.isClosed() {
			return
		}
		if err != nil {
			break
		}
	}
	c.mu.Lock()
	c.flush()
	c.browsed = true
	if err != nil {
		c.sink.Closed(c, err)
	} else {
		c.drain.is.Store(false)
		c.sink.Drained(c)
	}
	c.mu.Unlock()
	c.sink.Wake()
}

// show delivers one message to a browser as soon as it has credit. False: it is closed.
func (c *Consumer) show(e *Entry) bool {
	for !c.ready() {
		if c.isClosed() {
			return false
		}
		c.mu.Lock()
		c.flush()
		if c.drain.is.Load() && c.last.Load() >= c.limit.Load() {
			c.drained()
		}
		c.mu.Unlock()
		c.sink.Wake()
		<-c.browse
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.last.Load() + 1
	c.last.Store(n)
	c.stage(n, e, 0)
	if c.stagedBytes += e.size(); c.stagedBytes > stageBytes || len(c.staged) >= runLength {
		c.flush()
	}
	return true
}
