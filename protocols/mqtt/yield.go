package mqtt

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A client that says goodbye and connects again at once must not take over itself: what it sent by
// its old connection, its last acknowledgements and DISCONNECT, may not have been read yet. So the
// old connection first reads what has arrived.
const (
	yieldTime  = 100 * time.Millisecond // for which nothing more comes from the old connection
	yieldLimit = time.Second            // of the whole
)

// yielding is how a connection makes way for another of its client.
type yielding struct {
	asked atomic.Bool
	once  sync.Once
	done  chan struct{} // closed when everything that had arrived is handled
}

func (y *yielding) finish() { y.once.Do(func() { close(y.done) }) }

// yield returns when the connection has handled what had arrived, or does not come to it.
func (c *connection) yield() {
	c.yielding.asked.Store(true)
	_ = c.net.SetReadDeadline(time.Now().Add(yieldTime))
	timer := time.NewTimer(yieldLimit)
	defer timer.Stop()
	select {
	case <-c.yielding.done:
	case <-timer.C:
	}
}

// yielded is called when a read has failed. Where that is because of yield, the other connection
// ends this one now, which is awaited, so that the client is told why. It reports whether it was.
func (c *connection) yielded(err error) bool {
	if !c.yielding.asked.Load() || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	c.yielding.finish()
	timer := time.NewTimer(yieldLimit)
	defer timer.Stop()
	select {
	case <-c.out.Done():
	case <-timer.C:
	}
	return true
}
