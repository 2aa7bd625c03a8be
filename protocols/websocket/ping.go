package websocket

import (
	"sync"
	"time"

	gorilla "github.com/gorilla/websocket"
)

// deadAfter is how many ping intervals a client may be silent for.
const deadAfter = 2

// heard notes that the client lives, while the reader waits for it.
func (c *conn) heard() { c.waiting.Store(time.Now().UnixNano()) }

// watch sends pings at an interval, which keeps intermediaries from closing a quiet connection,
// and closes it when the client does not answer. While the reader is held up by the broker it
// would not see the answers, so silence does not count then. The function returned ends it.
func (c *conn) watch(every time.Duration) (stop func()) {
	if every <= 0 {
		return func() {}
	}
	var mu sync.Mutex
	var timer *time.Timer
	stopped := false
	tick := func() {
		since := c.waiting.Load()
		if since != 0 && time.Now().UnixNano()-since > int64(deadAfter*every) {
			_ = c.Close()
			return
		}
		// Where a message is being written, the client hears enough.
		_ = c.ws.WriteControl(gorilla.PingMessage, nil, time.Now().Add(closeTime))
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			timer.Reset(every)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(every, tick)
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		timer.Stop()
	}
}

// pong is the answer that is owed to the client's pings: the newest, others may be left out (RFC
// 6455, 5.5.3).
type pong struct {
	mu      sync.Mutex
	data    string
	owed    bool
	sending bool
}

// pinged answers a ping. The reader must not wait for a client that does not read.
func (c *conn) pinged(data string) error {
	c.heard()
	p := &c.pong
	p.mu.Lock()
	defer p.mu.Unlock()
	p.data, p.owed = data, true
	if !p.sending {
		p.sending = true
		go c.sendPongs()
	}
	return nil
}

func (c *conn) sendPongs() {
	p := &c.pong
	for {
		p.mu.Lock()
		if !p.owed {
			p.sending = false
			p.mu.Unlock()
			return
		}
		data := p.data
		p.owed = false
		p.mu.Unlock()
		if c.ws.WriteControl(gorilla.PongMessage, []byte(data), time.Now().Add(pongTime)) != nil {
			p.mu.Lock()
			p.owed = false
			p.mu.Unlock()
		}
	}
}
