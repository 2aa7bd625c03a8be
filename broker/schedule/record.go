package schedule

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// Key names a job at one of its due times. Keys ascend with the time.
type Key struct {
	Due    int64 // Unix milliseconds
	Number store.ID
}

func (k Key) less(o Key) bool { return k.Due < o.Due || k.Due == o.Due && k.Number < o.Number }

// The first octets of the records' keys.
const (
	dueRecord     = 'd'
	jobRecord     = 'j'
	messageRecord = 'm'
)

func (k Key) record() []byte {
	b := binary.BigEndian.AppendUint64([]byte{dueRecord}, uint64(max(k.Due, 0)))
	return binary.BigEndian.AppendUint64(b, uint64(k.Number))
}

func parseKey(b []byte) (k Key, ok bool) {
	if len(b) != 17 || b[0] != dueRecord {
		return k, false
	}
	return Key{int64(binary.BigEndian.Uint64(b[1:])), store.ID(binary.BigEndian.Uint64(b[9:]))}, true
}

func numbered(kind byte, n store.ID) []byte {
	return binary.BigEndian.AppendUint64([]byte{kind}, uint64(n))
}

// job is what the store keeps of one, beside its message.
type job struct {
	ID    string   `json:"id"` // as applications see it
	To    []string `json:"to"`
	Count int      `json:"count,omitempty"` // deliveries so far
	Plan
}

func (j *job) addresses() []address.Address {
	list := make([]address.Address, len(j.To))
	for i, s := range j.To {
		list[i] = address.Parse(s, address.Queue)
	}
	return list
}

// put adds the records of a job at its due time to a batch.
func (j *job) put(b *store.Batch, k Key) error {
	value, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	b.PutRecord(store.Schedule, k.record(), value)
	b.PutRecord(store.Schedule, numbered(jobRecord, k.Number), binary.BigEndian.AppendUint64(nil, uint64(k.Due)))
	return nil
}

// remove deletes all records of a job.
func remove(b *store.Batch, k Key) {
	b.DeleteRecord(store.Schedule, k.record())
	b.DeleteRecord(store.Schedule, numbered(jobRecord, k.Number))
	b.DeleteRecord(store.Schedule, numbered(messageRecord, k.Number))
}

// appendMessage appends a message's record to dst.
func appendMessage(dst []byte, m *message.Message) []byte {
	head := message.AppendHead(nil, m)
	dst = binary.AppendUvarint(dst, uint64(len(head)))
	dst = append(dst, head...)
	return append(dst, m.Content.Body()...)
}

// parseMessage reads a message's record. The message keeps the slice.
func parseMessage(b []byte, formats *message.Formats) (*message.Message, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, fmt.Errorf("schedule: %w: a message's record ends early", store.ErrCorrupt)
	}
	head := b[size : size+int(n) : size+int(n)]
	return message.Decode(head, b[size+int(n):], formats)
}
