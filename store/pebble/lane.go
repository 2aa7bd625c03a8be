package pebble

import "github.com/manifoldmq/manifold/store"

// trimEvery is after how many acknowledgments the drained head of a lane is deleted as one
// range: whole tables go without being rewritten.
const trimEvery = 64 << 10

// lane counts one priority of one list. The committer's goroutine owns it. Until the scan
// after an unclean stop is through, the numbers are what changed since the open.
type lane struct {
	id             laneID
	entries, bytes int64
	volatile       int64 // how many of entries,
	volatileBytes  int64 // and of bytes, the next open drops
	special        int64 // shared, or in parts: ending one has consequences
	last           store.ID
	acked          int // since the last trim
}

// add counts an entry, or with n = -1 its end.
func (l *lane) add(n int64, size uint32, f store.Flag) {
	l.entries += n
	l.bytes += n * int64(size)
	if f&store.Volatile != 0 {
		l.volatile += n
		l.volatileBytes += n * int64(size)
	}
	if f&(store.Shared|store.HasParts) != 0 {
		l.special += n
	}
}

// lanes finds lanes, the last one without a look-up.
type lanes struct {
	all  map[laneID]*lane
	last *lane
}

func (ls *lanes) get(id laneID) *lane {
	if ls.last != nil && ls.last.id == id {
		return ls.last
	}
	l := ls.all[id]
	if l == nil {
		l = &lane{id: id}
		ls.all[id] = l
	}
	ls.last = l
	return l
}

// drop forgets a lane that can't come back.
func (ls *lanes) drop(id laneID) {
	delete(ls.all, id)
	if ls.last != nil && ls.last.id == id {
		ls.last = nil
	}
}
