package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/store"
)

// modelTime bounds the random test.
const modelTime = 2 * time.Second

// testModel does random operations on the store and on maps, reopens at random, and compares.
func testModel(t *testing.T, open Opener) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	m := &model{
		bench: start(t, open), rand: rand.New(rand.NewPCG(seed, 0)),
		lanes: map[lane][]modelEntry{}, records: map[string]string{},
	}
	end := time.Now().Add(modelTime)
	for round := 0; time.Now().Before(end); round++ {
		for range m.rand.IntN(20) {
			m.step()
		}
		if err := m.s.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m.rand.IntN(8) == 0 {
			m.reopen()
			for l, es := range m.lanes {
				m.lanes[l] = slices.DeleteFunc(es, func(e modelEntry) bool { return e.ref.Flag&store.Volatile != 0 })
			}
			m.counts()
		}
		m.compare()
		if t.Failed() {
			t.Fatalf("round %d, seed %d", round, seed)
		}
	}
	m.reopen()
	if c, ok := m.s.(store.Checker); ok {
		err := c.Check(t.Context(), func(p store.Problem) { t.Errorf("check: %+v", p) })
		if err != nil {
			t.Errorf("check: %v", err)
		}
	}
}

type lane struct {
	list store.ListID
	prio uint8
}

type modelEntry struct {
	ref   store.Ref
	state store.State
	note  string
	body  string
}

// model is what the store should hold.
type model struct {
	*bench
	rand    *rand.Rand
	lanes   map[lane][]modelEntry
	records map[string]string
	n       int
}

const modelLists = 6

func (m *model) lane() lane {
	return lane{store.ListID(1 + m.rand.IntN(modelLists)), uint8(4 + m.rand.IntN(2))}
}

// step commits one batch of a few operations, without waiting.
func (m *model) step() {
	x := &store.Batch{Durability: store.Durability(m.rand.IntN(2))}
	x.Done = func(_ *store.Batch, err error) {
		if err != nil {
			m.t.Errorf("done: %v", err)
		}
	}
	var added []lane
	var entries []modelEntry
	touched := map[lane]bool{}
	for range 1 + m.rand.IntN(5) {
		l := m.lane()
		switch k := m.rand.IntN(20); {
		case k < 8:
			e := m.entry()
			x.Append(e.target(l), l.prio, message(e.body))
			added, entries = append(added, l), append(entries, e)
		case k < 11:
			var to []store.Target
			e := m.entry()
			for _, list := range m.rand.Perm(modelLists)[:m.rand.IntN(4)] {
				e.note = fmt.Sprint("note ", list)
				l := lane{store.ListID(1 + list), l.prio}
				to = append(to, e.target(l))
				added, entries = append(added, l), append(entries, e)
			}
			x.Fanout(to, l.prio, message(e.body))
		case k < 16:
			if es := m.lanes[l]; len(es) > 0 {
				i := m.rand.IntN(len(es))
				x.Ack(es[i].ref)
				m.lanes[l] = slices.Delete(es, i, i+1)
			}
		case k < 18:
			if es := m.lanes[l]; len(es) > 0 {
				e := &es[m.rand.IntN(len(es))]
				e.state = store.State{Deliveries: uint16(m.rand.IntN(3))}
				e.ref = x.Update(e.ref, e.state)
			}
		case k < 19:
			// Only what was there before the batch: the model doesn't know the ids in it.
			if es := m.lanes[l]; len(es) > 0 && !touched[l] {
				i := m.rand.IntN(len(es))
				x.Truncate(l.list, l.prio, es[i].ref.ID)
				m.lanes[l] = slices.Delete(es, 0, i+1)
			}
		default:
			key, value := fmt.Sprint("key ", m.rand.IntN(10)), fmt.Sprint("value ", m.n)
			if m.rand.IntN(3) == 0 {
				x.DeleteRecord(store.Retained, []byte(key))
				delete(m.records, key)
			} else {
				x.PutRecord(store.Retained, []byte(key), []byte(value))
				m.records[key] = value
			}
		}
	}
	m.s.Commit(x)
	for i, l := range added {
		entries[i].ref = x.Refs[i]
		m.lanes[l] = append(m.lanes[l], entries[i])
	}
}

func (m *model) entry() modelEntry {
	m.n++
	e := modelEntry{body: fmt.Sprintf("%d%*s", m.n, m.rand.IntN(3000), "")}
	if m.rand.IntN(4) == 0 {
		e.state = store.State{Tag: m.rand.Uint32()}
	}
	if m.rand.IntN(6) == 0 {
		e.ref.Flag = store.Volatile
	}
	return e
}

func (e *modelEntry) target(l lane) store.Target {
	return store.Target{List: l.list, State: e.state, Note: []byte(e.note), Volatile: e.ref.Flag&store.Volatile != 0}
}

// compare reads all there is.
func (m *model) compare() {
	m.t.Helper()
	for list := store.ListID(1); list <= modelLists; list++ {
		for prio := uint8(4); prio <= 5; prio++ {
			want := m.lanes[lane{list, prio}]
			got := m.all(list, prio)
			if len(got) != len(want) {
				m.t.Errorf("list %d, priority %d: %d entries, want %d", list, prio, len(got), len(want))
				continue
			}
			for i, g := range got {
				w := want[i]
				if g.Ref != w.ref || g.State != w.state || string(g.Note) != w.note || string(g.Body) != w.body {
					m.t.Errorf("list %d, priority %d, entry %d:\n%+v %+v %q\nwant\n%+v %+v %q",
						list, prio, i, g.Ref, g.State, g.Note, w.ref, w.state, w.note)
				}
			}
		}
	}
	n := 0
	err := m.s.Records(m.t.Context(), store.Retained, nil, nil, func(k, v []byte) error {
		if n++; m.records[string(k)] != string(v) {
			m.t.Errorf("record %q is %q, want %q", k, v, m.records[string(k)])
		}
		return nil
	})
	if err != nil || n != len(m.records) {
		m.t.Errorf("%d records, %v; want %d", n, err, len(m.records))
	}
}

// counts compares the counters, as a start does.
func (m *model) counts() {
	m.t.Helper()
	for list := store.ListID(1); list <= modelLists; list++ {
		var n, size uint64
		for prio := uint8(4); prio <= 5; prio++ {
			for _, e := range m.lanes[lane{list, prio}] {
				n++
				size += uint64(e.ref.Size)
			}
		}
		m.wantCount(list, n, size)
	}
}
