package memory

import (
	"slices"
	"sort"

	"github.com/manifoldmq/manifold/store"
)

// list is one list: a lane for each priority.
type list struct {
	count, bytes uint64
	lanes        [store.MaxPrio + 1]lane
}

// lane holds entries by ascending id. Ended ones stay, without a message, until enough of
// them have gathered.
type lane struct {
	entries []entry
	dead    int
}

type entry struct {
	id    store.ID
	flag  store.Flag
	size  uint32
	state store.State
	note  []byte
	msg   *message // nil: ended
}

// message may stand in several lists. It is never changed.
type message struct {
	head, body []byte
	parts      uint32
	partsID    store.ID
	partsSize  uint64
}

func newMessage(b *store.Batch, o *store.Op) *message {
	n := o.Head.Len()
	buf := append(make([]byte, 0, n+o.Body.Len()), b.Bytes(o.Head)...)
	buf = append(buf, b.Bytes(o.Body)...)
	return &message{head: buf[:n:n], body: buf[n:], parts: o.Parts, partsID: o.PartsID, partsSize: o.PartsSize}
}

// find returns the index of the first entry with an id of at least id.
func (l *lane) find(id store.ID) int {
	return sort.Search(len(l.entries), func(i int) bool { return l.entries[i].id >= id })
}

// trim frees ended entries: those at the head, and all when they are the greater part.
func (l *lane) trim() {
	head := 0
	for head < len(l.entries) && l.entries[head].msg == nil {
		head++
	}
	l.entries = l.entries[head:]
	l.dead -= head
	if l.dead > 64 && l.dead > len(l.entries)/2 {
		l.entries = slices.DeleteFunc(l.entries, func(e entry) bool { return e.msg == nil })
		l.dead = 0
	}
	if len(l.entries) == 0 {
		l.entries = nil
	}
}

// read puts the entry on a page and returns the bytes it took.
func (e *entry) read(list store.ListID, prio uint8, headsOnly bool, p *store.Page) int {
	m := e.msg
	out := store.Entry{
		Ref:   store.Ref{ID: e.id, List: list, Size: e.size, Prio: min(prio, store.MaxPrio), Flag: e.flag},
		State: e.state,
		Msg:   store.Msg{Parts: m.parts, PartsID: m.partsID, PartsSize: m.partsSize},
	}
	n := len(e.note) + len(m.head)
	if !headsOnly {
		n += len(m.body)
	}
	buf := p.Grab(n)
	rest := copyTo(&out.Note, buf, e.note)
	rest = copyTo(&out.Head, rest, m.head)
	if !headsOnly {
		copyTo(&out.Body, rest, m.body)
	}
	p.Entries = append(p.Entries, out)
	return n
}

func copyTo(dst *[]byte, buf, src []byte) (rest []byte) {
	n := copy(buf, src)
	*dst = buf[:n:n]
	return buf[n:]
}
