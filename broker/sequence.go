package broker

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// Sequence remembers how far a producer's durable messages have come, for senders that number
// their messages upwards and repeat those that were not confirmed to them, also to a broker that
// has started anew meanwhile.
type Sequence struct {
	b    *Broker
	name string

	mu   sync.Mutex
	last uint64 // the highest number taken
}

// sequencePrefix begins the keys of sequences among the records of sessions, where no session's
// name is empty.
const sequencePrefix = "\x00sequence\x00"

// Sequence returns what is known of a producer. It reads the store if the producer may have been
// there before, and blocks for that.
func (b *Broker) Sequence(ctx context.Context, producer string, before bool) (*Sequence, error) {
	b.onceMu.Lock()
	defer b.onceMu.Unlock()
	if q := b.sequences[producer]; q != nil {
		return q, nil
	}
	q := &Sequence{b: b, name: producer}
	b.sequences[producer] = q
	if !before {
		return q, nil
	}
	key := q.key()
	err := b.store.Records(ctx, store.Sessions, key, append(q.key(), 0), func(k, value []byte) error {
		if string(k) == string(key) && len(value) >= 8 {
			q.last = binary.BigEndian.Uint64(value)
		}
		return nil
	})
	if err != nil {
		delete(b.sequences, producer)
		return nil, storeFault("sequence", err)
	}
	return q, nil
}

// confirm confirms a number that was taken already. The batch that took it may be on its way to
// the disk still, on another connection: this one comes after it.
func (q *Sequence) confirm(c *Connection, last uint64, t Token) {
	batch := store.GetBatch()
	batch.Durability = store.Durable
	batch.PutRecord(store.Sessions, q.key(), sequenceValue(last))
	q.b.confirmWhenDone(batch, "send", c, t)
}

func (q *Sequence) key() []byte { return []byte(sequencePrefix + q.name) }

// sequenceValue is what is stored of a sequence: its number, and when that was taken.
func sequenceValue(number uint64) []byte {
	value := binary.BigEndian.AppendUint64(make([]byte, 0, 16), number)
	return binary.BigEndian.AppendUint64(value, uint64(nowMillis()))
}

// sequenceAge is how long a producer is remembered that a broker which has crashed has left behind:
// longer than any client tries to come back.
const sequenceAge = 24 * time.Hour

// forgetOldSequences forgets the producers of clients that have not come back.
func (b *Broker) forgetOldSequences(ctx context.Context) error {
	batch := store.GetBatch()
	batch.Done = release
	from := []byte(sequencePrefix)
	to := append([]byte(sequencePrefix), 0xff)
	before := nowMillis() - sequenceAge.Milliseconds()
	err := b.store.Records(ctx, store.Sessions, from, to, func(key, value []byte) error {
		if len(value) < 16 || int64(binary.BigEndian.Uint64(value[8:])) < before {
			batch.DeleteRecord(store.Sessions, append([]byte(nil), key...))
		}
		return nil
	})
	if err != nil {
		store.PutBatch(batch)
		return fmt.Errorf("sequences: %w", err)
	}
	b.store.Commit(batch)
	return nil
}

// Last returns the highest number taken.
func (q *Sequence) Last() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.last
}

// SendNumbered is Send outside of transactions for a durable message with its number. One that was
// taken already is confirmed once it is on disk, and not sent again. The number is recorded with
// the message, in one batch.
func (p *Producer) SendNumbered(m *message.Message, q *Sequence, number uint64, t Token) error {
	q.mu.Lock()
	if last := q.last; number <= last {
		q.mu.Unlock()
		p.c.sent.Add(1)
		q.confirm(p.c, last, t)
		return nil
	}
	before := q.last
	q.last = number
	q.mu.Unlock()
	err := p.sendWith(m, t, &extra{key: q.key(), value: sequenceValue(number)})
	if err != nil {
		q.mu.Lock()
		if q.last == number {
			q.last = before
		}
		q.mu.Unlock()
	}
	return err
}

// End forgets a producer that repeats nothing any more.
func (q *Sequence) End() {
	q.b.onceMu.Lock()
	if q.b.sequences[q.name] == q {
		delete(q.b.sequences, q.name)
	}
	q.b.onceMu.Unlock()
	if q.Last() == 0 {
		return
	}
	batch := store.GetBatch()
	batch.Done = release
	batch.DeleteRecord(store.Sessions, q.key())
	q.b.store.Commit(batch)
}
