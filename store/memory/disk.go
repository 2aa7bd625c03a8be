package memory

import (
	"cmp"
	"crypto/rand"
	"maps"
	"slices"
	"sync"

	"github.com/manifoldmq/manifold/store"
)

// Disk holds what a store keeps, and outlives it: a store opened on the disk of a closed one
// finds what that one had.
type Disk struct {
	id [16]byte

	mu      sync.RWMutex
	lists   map[store.ListID]*list
	parts   map[store.ID]map[uint32][]byte
	named   map[store.ID]int // entries that name the parts of an id
	records [store.Buckets]records
	next    store.ID
	taken   bool
	clean   bool
}

// NewDisk returns an empty disk.
func NewDisk() *Disk {
	d := &Disk{
		lists: map[store.ListID]*list{}, parts: map[store.ID]map[uint32][]byte{},
		named: map[store.ID]int{}, next: 1, clean: true,
	}
	rand.Read(d.id[:])
	return d
}

// open takes the disk, and drops what a run leaves behind.
func (d *Disk) open() (next store.ID, clean bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.taken {
		return 0, false, store.ErrLocked
	}
	clean, d.taken, d.clean = d.clean, true, false
	for _, l := range d.lists {
		for p := range l.lanes {
			for i := range l.lanes[p].entries {
				if e := &l.lanes[p].entries[i]; e.msg != nil && e.flag&store.Volatile != 0 {
					d.drop(l, &l.lanes[p], e)
				}
			}
			l.lanes[p].trim()
		}
	}
	d.dropEmpty()
	d.dropOrphans()
	return d.next, clean, nil
}

// close gives the disk back.
func (d *Disk) close(next store.ID, clean bool) {
	d.mu.Lock()
	d.next, d.taken, d.clean = next, false, clean
	d.mu.Unlock()
}

// dropOrphans deletes parts that no entry and no prepared batch names.
func (d *Disk) dropOrphans() {
	prepared := map[store.ID]bool{}
	for _, r := range d.records[store.Prepared] {
		var b store.Batch
		if b.Unmarshal(r.value) != nil {
			return // not a batch: it may name anything
		}
		for i := range b.Ops() {
			prepared[b.Ops()[i].PartsID] = true
		}
	}
	for id := range d.parts {
		if d.named[id] == 0 && !prepared[id] {
			delete(d.parts, id)
		}
	}
}

func (d *Disk) dropEmpty() {
	for id, l := range d.lists {
		if l.count == 0 {
			delete(d.lists, id)
		}
	}
}

// apply makes batches visible, all at once.
func (d *Disk) apply(batches []*store.Batch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range batches {
		d.applyBatch(b)
	}
}

func (d *Disk) applyBatch(b *store.Batch) {
	var shared *message
	var released []store.ID // parts that lost an entry, though another may come
	ops := b.Ops()
	for i := range ops {
		o := &ops[i]
		switch o.Kind {
		case store.OpAppend:
			d.append(o, newMessage(b, o), b.Bytes(o.Note))
		case store.OpFanout:
			shared = newMessage(b, o)
		case store.OpTarget:
			d.append(o, shared, b.Bytes(o.Note))
		case store.OpAck:
			if e := d.entry(o.List, o.Prio, o.ID); e != nil {
				l := d.lists[o.List]
				released = append(released, d.drop(l, &l.lanes[o.Prio], e)...)
				l.lanes[o.Prio].trim()
			}
		case store.OpUpdate:
			if e := d.entry(o.List, o.Prio, o.ID); e != nil {
				e.state, e.flag = o.State, e.flag&^store.HasState|o.Flag&store.HasState
			}
		case store.OpTruncate:
			released = append(released, d.truncate(o.List, o.Prio, o.ID)...)
		case store.OpDropList:
			for p := range uint8(store.MaxPrio + 1) {
				released = append(released, d.truncate(o.List, p, ^store.ID(0))...)
			}
			delete(d.lists, o.List)
		case store.OpPutPart:
			if d.parts[o.ID] == nil {
				d.parts[o.ID] = map[uint32][]byte{}
			}
			d.parts[o.ID][o.Parts] = slices.Clone(b.Bytes(o.Body))
		case store.OpDropParts:
			delete(d.parts, o.ID)
		case store.OpPutRecord:
			d.records[o.Bucket].put(string(b.Bytes(o.Head)), slices.Clone(b.Bytes(o.Body)))
		case store.OpDeleteRecord:
			d.records[o.Bucket].delete(string(b.Bytes(o.Head)))
		}
	}
	for _, id := range released {
		if d.named[id] == 0 {
			delete(d.parts, id)
			delete(d.named, id)
		}
	}
}

func (d *Disk) append(o *store.Op, m *message, note []byte) {
	l := d.lists[o.List]
	if l == nil {
		l = new(list)
		d.lists[o.List] = l
	}
	l.count++
	l.bytes += uint64(o.Size)
	if m.parts > 0 {
		d.named[m.partsID]++
	}
	lane := &l.lanes[o.Prio]
	lane.entries = append(lane.entries, entry{
		id: o.ID, flag: o.Flag, size: o.Size, state: o.State, note: slices.Clone(note), msg: m,
	})
}

// entry finds a live entry, or returns nil.
func (d *Disk) entry(id store.ListID, prio uint8, at store.ID) *entry {
	l := d.lists[id]
	if l == nil {
		return nil
	}
	lane := &l.lanes[min(prio, store.MaxPrio)]
	i := lane.find(at)
	if i == len(lane.entries) || lane.entries[i].id != at || lane.entries[i].msg == nil {
		return nil
	}
	return &lane.entries[i]
}

// drop ends e, and returns the parts that lost it.
func (d *Disk) drop(l *list, lane *lane, e *entry) (released []store.ID) {
	l.count--
	l.bytes -= uint64(e.size)
	if e.msg.parts > 0 {
		d.named[e.msg.partsID]--
		released = []store.ID{e.msg.partsID}
	}
	lane.dead++
	e.msg, e.note = nil, nil
	return released
}

func (d *Disk) truncate(id store.ListID, prio uint8, upTo store.ID) (released []store.ID) {
	l := d.lists[id]
	if l == nil {
		return nil
	}
	lane := &l.lanes[prio]
	for i := range lane.entries {
		e := &lane.entries[i]
		if e.id > upTo {
			break
		}
		if e.msg != nil {
			released = append(released, d.drop(l, lane, e)...)
		}
	}
	lane.trim()
	return released
}

func (d *Disk) infos() []store.ListInfo {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var infos []store.ListInfo
	for _, id := range slices.SortedFunc(maps.Keys(d.lists), cmp.Compare) {
		l := d.lists[id]
		if l.count == 0 {
			continue
		}
		info := store.ListInfo{List: id}
		for p := range l.lanes {
			for _, e := range l.lanes[p].entries {
				if e.msg == nil {
					continue
				}
				if info.First == 0 || e.id < info.First {
					info.First = e.id
				}
				info.Last = max(info.Last, e.id)
			}
		}
		infos = append(infos, info)
	}
	return infos
}
