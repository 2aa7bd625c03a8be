package duplicate

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/manifoldmq/manifold/store"
)

// Kept is the window of one destination with its records, which are among those of sessions, where
// no session's name is empty.
type Kept struct {
	*Window
	name string // of the destination
}

// prefix begins the keys of records. The destination's name follows, NUL, and the slot.
const prefix = "\x00duplicate\x00"

// NewKept returns an empty window for a destination, whose name has no NUL.
func NewKept(name string, l Limits) *Kept { return &Kept{New(l), name} }

func (k *Kept) key(slot uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte(prefix+k.name+"\x00"), slot)
}

// Put adds the record of what was taken to a batch, that of its message.
func (k *Kept) Put(b *store.Batch, t Taken) { b.PutRecord(store.Sessions, k.key(t.Slot), t.Record) }

// Delete adds the end of all records to a batch.
func (k *Kept) Delete(b *store.Batch) {
	k.Records(func(slot uint32, _ []byte) { b.DeleteRecord(store.Sessions, k.key(slot)) })
}

// Resize changes how much the window remembers, and adds what that means for its records to a batch.
// What is taken at the same time may be forgotten at the next start.
func (k *Kept) Resize(b *store.Batch, l Limits) {
	k.Delete(b)
	k.Limit(l)
	k.Records(func(slot uint32, record []byte) { b.PutRecord(store.Sessions, k.key(slot), record) })
}

// Recover reads the windows of destinations from a store. A batch gets the end of records that are
// of none, where limits returns a Count of 0, and the new places of those whose window has another
// size than before.
func Recover(ctx context.Context, s store.Store, b *store.Batch, limits func(name string) Limits) (map[string]*Kept, error) {
	records := make(map[string][][]byte)
	from, to := []byte(prefix), append([]byte(prefix), 0xff)
	err := s.Records(ctx, store.Sessions, from, to, func(key, value []byte) error {
		b.DeleteRecord(store.Sessions, append([]byte(nil), key...))
		name := strings.TrimPrefix(string(key), prefix)
		if name = name[:max(len(name)-5, 0)]; limits(name).Count > 0 {
			records[name] = append(records[name], append([]byte(nil), value...))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("identifiers of messages: %w", err)
	}
	windows := make(map[string]*Kept)
	for name, list := range records {
		k := &Kept{Load(limits(name), list), name}
		k.Records(func(slot uint32, record []byte) { b.PutRecord(store.Sessions, k.key(slot), record) })
		windows[name] = k
	}
	return windows, nil
}
