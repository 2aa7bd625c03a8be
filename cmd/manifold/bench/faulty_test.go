package bench

import (
	"net"
	"sync"
	"testing"

	"github.com/manifoldmq/manifold/protocols/stomp/frame"
)

// faulty is a broker of one queue or topic that makes mistakes. It hands every message to every
// subscriber of its destination as soon as it comes.
type faulty struct {
	t *testing.T

	// deliver returns what comes of the n-th message, counted from 0: bodies to deliver.
	deliver func(n int, body []byte) [][]byte

	// answer, if not nil, is sent in place of CONNECTED, and to any other frame of its command.
	answer  string
	command frame.Command

	mu          sync.Mutex
	sent        int
	subscribers map[string][]net.Conn
}

// start listens, and returns where, until the test ends.
func (b *faulty) start() Target {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	b.subscribers = make(map[string][]net.Conn)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				b.serve(c)
			})
		}
	})
	b.t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return Target{Address: l.Addr().String(), Host: "127.0.0.1"}
}

func (b *faulty) serve(c net.Conn) {
	in := frame.NewReader(c, frame.Options{})
	for {
		f, err := in.Next()
		if err != nil {
			return
		}
		if f.Command == frame.Connect {
			in.SetVersion(frame.V12)
		}
		b.mu.Lock()
		err = b.handle(c, f)
		b.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// handle is called by one connection at a time.
func (b *faulty) handle(c net.Conn, f *frame.Frame) error {
	var out []byte
	receipt := f.Headers.String(frame.ReceiptHeader)
	destination := f.Headers.String(frame.Destination)
	switch {
	case f.Command == b.command:
		out, receipt = []byte(b.answer), ""
	case f.Command == frame.Connect:
		out = frame.AppendConnected(out, frame.Welcome{Version: frame.V12})
	case f.Command == frame.Subscribe:
		b.subscribers[destination] = append(b.subscribers[destination], c)
	case f.Command == frame.Send:
		for _, body := range b.deliver(b.sent, f.Body) {
			m := frame.AppendCommand(nil, frame.Message)
			m = frame.AppendHeaderInt(m, frame.ContentLength, int64(len(body)))
			m = frame.AppendBody(m, body)
			for _, s := range b.subscribers[destination] {
				if _, err := s.Write(m); err != nil {
					return err
				}
			}
		}
		b.sent++
	}
	if receipt != "" {
		out = frame.AppendReceipt(out, frame.V12, receipt)
	}
	_, err := c.Write(out)
	return err
}
