package bench

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/protocols/stomp/frame"
)

// batchSize is about how many bytes of messages are written at once.
const batchSize = 64 << 10

// receiptDigits is the length of every receipt's number.
const receiptDigits = 16

var errReceipts = errors.New("the broker sent more receipts than it was asked for")

// producer sends messages that are equal but for a few bytes. Its batch holds the same frame many
// times over, each of which only has to be patched and written.
type producer struct {
	*conn
	batch   []byte
	stride  int // bytes of a frame
	slots   int // frames of the batch
	used    int // those that wait to be written
	receipt int // where in the frame the receipt's digits stand
	body    int // where in the frame the body stands

	stamp       stamp // of the next message
	share       uint64
	deadline    int64 // when to stop sending, in nanoseconds since the run began; 0: never
	window      int
	outstanding int
	clock       func() int64
}

// newProducer connects the i-th producer.
func (r *run) newProducer(ctx context.Context, i int) (*producer, error) {
	c, err := r.dial(ctx, bufferSize)
	if err != nil {
		return nil, err
	}
	p := &producer{
		conn: c, stamp: stamp{run: r.id, producer: uint32(i)},
		share: r.share(i), window: r.Window, clock: r.clock,
	}
	p.prepare(&r.Config, r.destination(r.id, i))
	return p, nil
}

// prepare encodes the batch.
func (p *producer) prepare(c *Config, destination string) {
	one := frame.AppendCommand(nil, frame.Send)
	one = frame.AppendKnown(one, frame.V12, frame.Destination, destination)
	one = frame.AppendHeaderInt(one, frame.ContentLength, int64(c.Size))
	if c.Persistent {
		one = frame.AppendKnown(one, frame.V12, frame.Persistent, "true")
	}
	if c.Window > 0 {
		one = frame.AppendKnown(one, frame.V12, frame.ReceiptHeader, bytes.Repeat([]byte("0"), receiptDigits))
		p.receipt = len(one) - receiptDigits - len("\n")
	}
	p.body = len(one) + len("\n")
	one = frame.AppendBody(one, bytes.Repeat([]byte("m"), c.Size))
	p.stride = len(one)
	p.slots = max(1, batchSize/p.stride)
	p.batch = bytes.Repeat(one, p.slots)
}

// produce sends as fast as the broker and the window allow, and returns when the broker has taken
// everything in.
func (p *producer) produce() error {
	between := uint64(min(p.slots, 16)) // looking at the clock is cheap, but not free
	for p.stamp.sequence < p.share {
		if err := p.push(); err != nil {
			return err
		}
		if p.used == p.slots {
			if err := p.send(); err != nil {
				return err
			}
		}
		if p.deadline > 0 && p.stamp.sequence%between == 0 && p.clock() >= p.deadline {
			break
		}
	}
	return p.finish()
}

// pace sends one message each interval, beginning at start.
func (p *producer) pace(start int64, interval time.Duration) error {
	schedule := schedule{next: start, interval: int64(interval), clock: p.clock}
	for p.stamp.sequence < p.share && (p.deadline == 0 || schedule.next < p.deadline) {
		p.stamp.at = schedule.wait()
		if err := p.push(); err != nil {
			return err
		}
		if err := p.send(); err != nil {
			return err
		}
		schedule.sent()
	}
	return p.finish()
}

// push adds a message to the batch. If the window is full, it waits for a receipt first.
func (p *producer) push() error {
	if p.window > 0 {
		if p.outstanding == p.window {
			if err := p.await(p.window - 1); err != nil {
				return err
			}
		}
		p.outstanding++
	}
	slot := p.batch[p.used*p.stride : (p.used+1)*p.stride]
	if p.window > 0 {
		putDecimal(slot[p.receipt:p.receipt+receiptDigits], p.stamp.sequence)
	}
	p.stamp.put(slot[p.body:])
	p.stamp.sequence++
	p.used++
	return nil
}

// send writes the batch as far as it is used.
func (p *producer) send() error {
	n := p.used * p.stride
	p.used = 0
	if n == 0 {
		return nil
	}
	return p.write(p.batch[:n])
}

// await sends the batch and reads receipts until no more than n are outstanding, and then those
// that are here already.
func (p *producer) await(n int) error {
	if err := p.send(); err != nil {
		return err
	}
	for p.outstanding > n || p.outstanding > 0 && p.in.more() {
		f, err := p.next()
		if err != nil {
			return err
		}
		if string(f.command) == "RECEIPT" {
			p.outstanding--
		}
	}
	return nil
}

// finish waits for what is outstanding and says goodbye.
func (p *producer) finish() error {
	if err := p.await(0); err != nil {
		return err
	}
	surplus := false
	if err := p.disconnect(func(f *incoming) { surplus = true }); err != nil {
		return err
	}
	if surplus {
		return sysexit.With(sysexit.Data, errReceipts)
	}
	return nil
}

// putDecimal fills dst with the digits of n, zeros before them.
func putDecimal(dst []byte, n uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = '0' + byte(n%10)
		n /= 10
	}
}
