package broker

import (
	"cmp"
	"slices"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
)

// merger joins the bindings of one session that match the same message, so that the session gets
// it once. Its memory is kept for the next message.
type merger struct {
	out     []*binding
	several []*binding // of sessions that may have more than one
	merged  []binding
	ids     []uint32
}

// merge returns the bindings with those of each session joined, as far as they want the message.
// The result is valid until the next call.
func (g *merger) merge(bindings []*binding, m *message.Message, from *Connection) []*binding {
	g.out, g.several = g.out[:0], g.several[:0]
	for _, n := range bindings {
		switch {
		case n.session == nil || !n.session.overlaps.Load():
			g.out = append(g.out, n)
		case n.wants(m, from):
			g.several = append(g.several, n)
		default:
			n.refused(m)
		}
	}
	if cap(g.merged) < len(g.several)/2 {
		g.merged = make([]binding, 0, len(g.several))
	}
	g.merged = g.merged[:0]
	slices.SortFunc(g.several, func(a, b *binding) int { return cmp.Compare(a.session.serial, b.session.serial) })
	for i := 0; i < len(g.several); {
		j := i + 1
		for j < len(g.several) && g.several[j].session == g.several[i].session {
			j++
		}
		if j == i+1 {
			g.out = append(g.out, g.several[i])
		} else {
			g.out = append(g.out, g.join(g.several[i:j], m))
		}
		i = j
	}
	clear(g.several)
	return g.out
}

// join returns what a session's bindings come to together: the best assurance, all identifiers,
// and the retain flag if one keeps it. They want the message, so the result asks nothing more.
func (g *merger) join(list []*binding, m *message.Message) *binding {
	n := binding{pattern: list[0].pattern, temp: list[0].temp, session: list[0].session, to: list[0].to}
	g.ids = g.ids[:0]
	for _, o := range list {
		n.assurance = max(n.assurance, o.assurance)
		n.published = n.published || o.published
		n.to.durable = n.to.durable || o.to.durable
		if o.identifier != 0 {
			g.ids = append(g.ids, o.identifier)
		}
	}
	n.notes = n.session.b.plain
	if len(g.ids) > 0 {
		i := note.Index(min(m.Assurance(), n.assurance), n.published && m.Flags&message.Retain != 0)
		n.notes, n.note = nil, note.Append(nil, i, g.ids...)
	}
	g.merged = append(g.merged, n)
	return &g.merged[len(g.merged)-1]
}
