package queue

import (
	"slices"

	"github.com/manifoldmq/manifold/store"
)

// level is what waits on a queue at one priority, in order: first a window of entries in
// memory, then, in tail mode, entries that only the store holds.
//
// Entries of the window are found by their sequence number, which counts arrivals. Taking one
// out of the middle leaves a hole (no message) until the head passes it.
type level struct {
	prio  uint8
	ring  []Entry // its length is a power of two
	head  uint64  // sequence number of the first entry
	end   uint64  // sequence number after the last
	last  uint64  // the same without holes at the end
	live  int     // entries that are not holes
	bytes int64   // of the live entries

	// In tail mode everything that arrives is left to the store, and a pager moves it into
	// the window, page by page. All stored entries of this level with an id above cursor
	// are in the tail (but for those in Queue.taken), all others are not.
	tail   bool
	cursor store.ID
	// late holds entries in memory that arrived in tail mode, by id: those that were sent
	// before their senders could know of it. They join the window when the cursor passes them.
	late []Entry
}

func (l *level) at(seq uint64) *Entry { return &l.ring[seq&uint64(len(l.ring)-1)] }

func (l *level) push(e Entry) {
	if l.end-l.head == uint64(len(l.ring)) {
		l.grow()
	}
	*l.at(l.end) = e
	l.end++
	l.last = l.end
	l.live++
	l.bytes += e.size()
}

// insert is push for an entry that may belong before others: it goes to its place by id.
func (l *level) insert(e Entry) {
	l.push(e)
	for seq := l.end - 1; seq > l.head && (l.at(seq-1).Msg == nil || l.at(seq-1).Ref.ID > e.Ref.ID); seq-- {
		*l.at(seq), *l.at(seq - 1) = *l.at(seq - 1), *l.at(seq)
	}
	for l.last = l.end; l.at(l.last-1).Msg == nil; {
		l.last--
	}
}

func (l *level) grow() {
	if n := l.end - l.head; uint64(l.live) <= n/2 && n > 16 {
		// Mostly holes: close them instead. Sequence numbers must ascend, so the
		// entries move to the end.
		to := l.end
		for seq := l.end; seq > l.head; seq-- {
			if e := *l.at(seq - 1); e.Msg != nil {
				to--
				if to != seq-1 {
					*l.at(to) = e
					*l.at(seq - 1) = Entry{}
				}
			}
		}
		l.head, l.last = to, l.end
		return
	}
	ring := make([]Entry, max(16, 2*len(l.ring)))
	for seq := l.head; seq < l.end; seq++ {
		ring[seq&uint64(len(ring)-1)] = *l.at(seq)
	}
	l.ring = ring
}

// take removes the entry with a sequence number. The head may pass holes behind it, so a loop
// that takes goes on at next.
func (l *level) take(seq uint64) {
	e := l.at(seq)
	l.bytes -= e.size()
	l.live--
	*e = Entry{}
	for l.head < l.end && l.at(l.head).Msg == nil {
		l.head++
	}
	if l.live == 0 {
		l.last = l.head
	}
	for l.last > l.head && l.at(l.last-1).Msg == nil {
		l.last--
	}
	if l.live == 0 && len(l.ring) > 1024 {
		l.ring = nil // a drained backlog gives its memory back
	}
}

// next is where a walk goes on after a sequence number: what the head has passed is gone.
func (l *level) next(seq uint64) uint64 { return max(seq+1, l.head) }

// addLate keeps an entry that is in memory only until the cursor has come to its place.
func (l *level) addLate(e Entry) {
	if e.Ref.ID <= l.cursor {
		l.push(e)
		return
	}
	at := len(l.late)
	for at > 0 && l.late[at-1].Ref.ID > e.Ref.ID {
		at--
	}
	l.late = slices.Insert(l.late, at, e)
}

// pushLate moves the late entries with ids up to one into the window.
func (l *level) pushLate(upTo store.ID) {
	n := 0
	for n < len(l.late) && l.late[n].Ref.ID <= upTo {
		l.push(l.late[n])
		n++
	}
	l.late = slices.Delete(l.late, 0, n)
}

func (l *level) clear() {
	clear(l.ring)
	l.late = nil
	if len(l.ring) > 1024 {
		l.ring = nil
	}
	l.head, l.last, l.live, l.bytes = l.end, l.end, 0, 0
}

func (l *level) lateBytes() (n int64) {
	for i := range l.late {
		n += l.late[i].size()
	}
	return n
}
