package memory

import (
	"cmp"
	"context"
	"io"
	"maps"
	"slices"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/internal/dump"
)

var _ store.Exporter = (*Store)(nil)

// idSkip is how far above a dump's ids a store goes on: the one it was made of went on, too.
const idSkip = store.ID(1 << 36)

// Export implements store.Exporter. It holds commits back only while it copies references.
func (s *Store) Export(ctx context.Context, w io.Writer) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	c := s.d.copy()
	out, err := dump.NewWriter(w, dump.Header{Store: s.d.id, Next: s.c.Peek(), Backend: "memory"})
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context, dump.Sink) error{c.exportRecords, c.exportParts, c.exportMessages, c.exportEntries} {
		if err := step(ctx, out); err != nil {
			return err
		}
	}
	return out.Close()
}

// content is what a disk holds at one moment.
type content struct {
	records [store.Buckets]records
	parts   map[store.ID]map[uint32][]byte
	lists   map[store.ListID]*list
}

// copy copies what may change. Messages, parts and values never do.
func (d *Disk) copy() *content {
	d.mu.RLock()
	defer d.mu.RUnlock()
	c := &content{parts: map[store.ID]map[uint32][]byte{}, lists: map[store.ListID]*list{}}
	for k := range d.records {
		c.records[k] = slices.Clone(d.records[k])
	}
	for id, parts := range d.parts {
		c.parts[id] = maps.Clone(parts)
	}
	for id, l := range d.lists {
		to := new(list)
		for p := range l.lanes {
			for _, e := range l.lanes[p].entries {
				if e.msg != nil && e.flag&store.Volatile == 0 {
					to.lanes[p].entries = append(to.lanes[p].entries, e)
				}
			}
		}
		c.lists[id] = to
	}
	return c
}

func (c *content) exportRecords(ctx context.Context, to dump.Sink) error {
	for k := store.Meta + 1; int(k) < store.Buckets; k++ {
		for _, r := range c.records[k] {
			if err := cmp.Or(ctx.Err(), to.Record(k, []byte(r.key), r.value)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *content) exportParts(ctx context.Context, to dump.Sink) error {
	for _, id := range slices.Sorted(maps.Keys(c.parts)) {
		for _, n := range slices.Sorted(maps.Keys(c.parts[id])) {
			if err := cmp.Or(ctx.Err(), to.Part(id, n, c.parts[id][n])); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *content) exportMessages(ctx context.Context, to dump.Sink) error {
	refs, messages := map[store.ID]uint32{}, map[store.ID]*message{}
	for _, l := range c.lists {
		for p := range l.lanes {
			for _, e := range l.lanes[p].entries {
				if e.flag&store.Shared != 0 {
					refs[e.id]++
					messages[e.id] = e.msg
				}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(messages)) {
		m := messages[id].stored()
		if err := cmp.Or(ctx.Err(), to.Message(id, refs[id], &m)); err != nil {
			return err
		}
	}
	return nil
}

func (c *content) exportEntries(ctx context.Context, to dump.Sink) error {
	for _, id := range slices.Sorted(maps.Keys(c.lists)) {
		for p := store.MaxPrio; p >= 0; p-- {
			for _, e := range c.lists[id].lanes[p].entries {
				out := store.Entry{
					Ref:   store.Ref{ID: e.id, List: id, Size: e.size, Prio: uint8(p), Flag: e.flag},
					State: e.state, Note: e.note, Msg: e.msg.stored(),
				}
				if err := cmp.Or(ctx.Err(), to.Entry(&out)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (m *message) stored() store.Msg {
	return store.Msg{Head: m.head, Body: m.body, Parts: m.parts, PartsID: m.partsID, PartsSize: m.partsSize}
}

// Import implements store.Exporter.
func (s *Store) Import(ctx context.Context, r io.Reader) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if !s.d.empty() {
		return store.ErrNotEmpty
	}
	from, err := dump.NewReader(r)
	if err != nil {
		return err
	}
	if err := dump.Copy(&loader{ctx: ctx, d: s.d, shared: map[store.ID]*message{}}, from); err != nil {
		return err
	}
	s.c.SkipTo(from.Header.Next + idSkip)
	return s.c.Sync(ctx)
}

func (d *Disk) empty() bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for k := range d.records {
		if len(d.records[k]) > 0 {
			return false
		}
	}
	return len(d.lists) == 0 && len(d.parts) == 0
}

// loader puts a dump's items on a disk.
type loader struct {
	ctx    context.Context
	d      *Disk
	shared map[store.ID]*message
}

var _ dump.Sink = (*loader)(nil)

// do runs put with the disk locked.
func (l *loader) do(put func()) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	put()
	return nil
}

// Record implements dump.Sink.
func (l *loader) Record(k store.Bucket, key, value []byte) error {
	return l.do(func() { l.d.records[k].put(string(key), slices.Clone(value)) })
}

// Part implements dump.Sink.
func (l *loader) Part(id store.ID, part uint32, data []byte) error {
	return l.do(func() {
		if l.d.parts[id] == nil {
			l.d.parts[id] = map[uint32][]byte{}
		}
		l.d.parts[id][part] = slices.Clone(data)
	})
}

// Message implements dump.Sink.
func (l *loader) Message(id store.ID, _ uint32, m *store.Msg) error {
	l.shared[id] = loaded(m)
	return l.ctx.Err()
}

// Entry implements dump.Sink.
func (l *loader) Entry(e *store.Entry) error {
	m := l.shared[e.ID]
	if e.Flag&store.Shared == 0 {
		m = loaded(&e.Msg)
	}
	return l.do(func() {
		o := store.Op{List: e.List, Prio: e.Prio, ID: e.ID, Flag: e.Flag, Size: e.Size, State: e.State}
		l.d.append(&o, m, e.Note)
	})
}

func loaded(m *store.Msg) *message {
	return &message{
		head: slices.Clone(m.Head), body: slices.Clone(m.Body),
		parts: m.Parts, partsID: m.PartsID, partsSize: m.PartsSize,
	}
}
