package queue

import (
	"encoding/binary"

	"github.com/manifoldmq/manifold/store"
)

// The dispatch mark keeps redelivered flags truthful: no stored entry with an id above the
// mark on disk is ever delivered, so after an unclean stop the entries at or below it are
// those that a consumer may have seen. It is raised in large blocks, inside an append where
// possible, so that it costs nothing per message.
const markBlock = 1 << 20

// NeedMark returns a new mark to be written with an append, when the old one is about to be
// passed; last is the highest id known to be in use.
func (q *Queue) NeedMark(last store.ID) (mark store.ID, need bool) {
	old := q.marking.Load()
	if uint64(last)+markBlock/4 < old {
		return 0, false
	}
	mark = last + markBlock
	return mark, q.marking.CompareAndSwap(old, uint64(mark))
}

// Marked says that a mark is on disk. The caller kicks the queue.
func (q *Queue) Marked(mark store.ID) {
	for {
		old := q.mark.Load()
		if uint64(mark) <= old || q.mark.CompareAndSwap(old, uint64(mark)) {
			return
		}
	}
}

// A queue's mark is the higher of two records, one written with appends and one by the queue
// itself: each is only ever raised, whereas a single one could fall back when a batch that was
// begun before is committed after.
const (
	byAppend  = 0
	byQueue   = 1
	suspected = 2 // not a mark: how far entries may have been seen before an unclean stop
)

// AppendMark adds the record of a mark to a batch that appends to the list.
func AppendMark(b *store.Batch, list store.ListID, mark store.ID) { putMark(b, list, byAppend, mark) }

func markKey(list store.ListID, by byte) [5]byte {
	var key [5]byte
	binary.BigEndian.PutUint32(key[:], uint32(list))
	key[4] = by
	return key
}

func putMark(b *store.Batch, list store.ListID, by byte, mark store.ID) {
	key := markKey(list, by)
	var value [8]byte
	binary.BigEndian.PutUint64(value[:], uint64(mark))
	b.PutRecord(store.Marks, key[:], value[:])
}

// DropList adds the end of a list and its marks to a batch.
func DropList(b *store.Batch, list store.ListID) {
	b.DropList(list)
	for _, by := range [...]byte{byAppend, byQueue, suspected} {
		key := markKey(list, by)
		b.DeleteRecord(store.Marks, key[:])
	}
}

// ParseMark reads such a record. A list's mark is the highest of its records.
func ParseMark(key, value []byte) (store.ListID, store.ID, bool) {
	if len(key) != 5 || key[4] > byQueue || len(value) != 8 {
		return 0, 0, false
	}
	return store.ListID(binary.BigEndian.Uint32(key)), store.ID(binary.BigEndian.Uint64(value)), true
}

// PutSuspect adds a record to a batch that says up to which id entries of a list may have been
// seen before an unclean stop. It outlives clean stops, as long as such entries wait.
func PutSuspect(b *store.Batch, list store.ListID, id store.ID) { putMark(b, list, suspected, id) }

// DeleteSuspect adds the removal of that record to a batch.
func DeleteSuspect(b *store.Batch, list store.ListID) {
	key := markKey(list, suspected)
	b.DeleteRecord(store.Marks, key[:])
}

// ParseSuspect reads such a record.
func ParseSuspect(key, value []byte) (store.ListID, store.ID, bool) {
	if len(key) != 5 || key[4] != suspected || len(value) != 8 {
		return 0, 0, false
	}
	return store.ListID(binary.BigEndian.Uint32(key)), store.ID(binary.BigEndian.Uint64(value)), true
}

// marked reports whether a stored entry may be delivered; if not, the mark is on its way and
// the queue is kicked when it is there. The caller holds the dispatch lock.
func (q *Queue) marked(e *Entry) bool {
	if uint64(e.Ref.ID) <= q.mark.Load() || e.Ref.Flag&store.Volatile != 0 {
		return true
	}
	old := q.marking.Load()
	if uint64(e.Ref.ID) <= old && q.markWait {
		return false
	}
	q.markWait = true
	mark := max(store.ID(old), e.Ref.ID+markBlock)
	q.marking.Store(uint64(mark))
	b := store.GetBatch()
	b.Durability = store.Durable
	putMark(b, e.Ref.List, byQueue, mark)
	b.User = &markWrite{q, mark}
	b.Done = markWritten
	q.env.Store.Commit(b)
	return false
}

type markWrite struct {
	q    *Queue
	mark store.ID
}

func markWritten(b *store.Batch, err error) {
	w := b.User.(*markWrite)
	store.PutBatch(b)
	if err != nil {
		return
	}
	go func() { // taking the queue's lock might wait, which a store's goroutine must not
		w.q.lock()
		w.q.markWait = false
		w.q.unlock()
		w.q.Marked(w.mark)
		w.q.Kick()
	}()
}
