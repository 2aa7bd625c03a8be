package address

import (
	"slices"
	"strings"
)

// hashed is how many children a node searches one by one before it keeps a map of them.
const hashed = 8

// node is one level of the patterns in a Trie.
type node[V comparable] struct {
	level string // empty at the root and at a * node
	few   []*node[V]
	many  *table[V] // instead of few, if there are many
	any   *node[V]  // the level *
	exact *leaf[V]  // the pattern that ends here
	rest  *leaf[V]  // the pattern that has only > after this level
}

// table holds the children of a node that has many.
type table[V comparable] struct {
	byLevel map[string]*node[V]
	peak    int // the most children since byLevel was made, which is what it has room for
}

func newTable[V comparable](room int) *table[V] {
	return &table[V]{byLevel: make(map[string]*node[V], room), peak: room}
}

func (t *table[V]) add(c *node[V]) {
	t.byLevel[c.level] = c
	t.peak = max(t.peak, len(t.byLevel))
}

// child returns the node of a literal level below n, or nil.
func (n *node[V]) child(level string) *node[V] {
	if n.many != nil {
		return n.many.byLevel[level]
	}
	for _, c := range n.few {
		if c.level == level {
			return c
		}
	}
	return nil
}

// grow returns the node of a level below n, which it makes if it is not there. It copies the
// level's text, so that the node does not keep a whole pattern in memory.
func (n *node[V]) grow(level string) *node[V] {
	if level == anyLevel {
		if n.any == nil {
			n.any = new(node[V])
		}
		return n.any
	}
	if c := n.child(level); c != nil {
		return c
	}
	c := &node[V]{level: strings.Clone(level)}
	switch {
	case n.many != nil:
		n.many.add(c)
	case len(n.few) < hashed:
		n.few = append(n.few, c)
	default:
		n.many = newTable[V](2 * hashed)
		for _, f := range n.few {
			n.many.add(f)
		}
		n.many.add(c)
		n.few = nil
	}
	return c
}

// prune removes c from n's children.
func (n *node[V]) prune(c *node[V]) {
	switch {
	case c == n.any:
		n.any = nil
	case n.many == nil:
		i := slices.Index(n.few, c)
		n.few = slices.Delete(n.few, i, i+1)
		if len(n.few) == 0 {
			n.few = nil
		}
	default:
		delete(n.many.byLevel, c.level)
		n.shrink()
	}
}

// shrink gives memory back after most children have gone: a map never does so by itself.
func (n *node[V]) shrink() {
	left := len(n.many.byLevel)
	switch {
	case left <= hashed/2:
		n.few = make([]*node[V], 0, hashed)
		for _, c := range n.many.byLevel {
			n.few = append(n.few, c)
		}
		n.many = nil
	case left < n.many.peak/4:
		smaller := newTable[V](2 * left)
		for _, c := range n.many.byLevel {
			smaller.add(c)
		}
		n.many = smaller
	}
}

func (n *node[V]) empty() bool {
	return n.exact == nil && n.rest == nil && n.any == nil && len(n.few) == 0 && n.many == nil
}

// match appends the values of the patterns below n that stand for name. Without wild, those that
// have a wildcard at this level are left out.
func (n *node[V]) match(name string, wild bool, dst []V) []V {
	if wild && n.rest != nil {
		dst = append(dst, n.rest.values...)
	}
	level, after, more := strings.Cut(name, string(separator))
	if c := n.child(level); c != nil {
		dst = c.step(after, more, dst)
	}
	if wild && n.any != nil {
		dst = n.any.step(after, more, dst)
	}
	return dst
}

// step is match for a node whose own level has been found to match.
func (n *node[V]) step(after string, more bool, dst []V) []V {
	if more {
		return n.match(after, true, dst)
	}
	if n.exact != nil {
		dst = append(dst, n.exact.values...)
	}
	if n.rest != nil {
		dst = append(dst, n.rest.values...)
	}
	return dst
}

// names appends the plain names below n that a pattern stands for. Without guards, names that
// begin with $ are left out.
func (n *node[V]) names(pattern string, guards bool, dst []string) []string {
	level, after, more := strings.Cut(pattern, string(separator))
	all := level == rest && !more
	if !all && level != anyLevel {
		if c := n.child(level); c != nil {
			dst = c.namesStep(after, more, dst)
		}
		return dst
	}
	for c := range n.literals {
		switch {
		case !guards && guarded(c.level):
		case all:
			dst = c.allNames(dst)
		default:
			dst = c.namesStep(after, more, dst)
		}
	}
	return dst
}

// namesStep is names for a node whose own level has been found to match.
func (n *node[V]) namesStep(after string, more bool, dst []string) []string {
	if n.exact != nil && (!more || after == rest) {
		dst = append(dst, n.exact.pattern)
	}
	if more {
		return n.names(after, true, dst)
	}
	return dst
}

func (n *node[V]) allNames(dst []string) []string {
	if n.exact != nil {
		dst = append(dst, n.exact.pattern)
	}
	for c := range n.literals {
		dst = c.allNames(dst)
	}
	return dst
}

// literals yields the children that are not wildcards.
func (n *node[V]) literals(yield func(*node[V]) bool) {
	for _, c := range n.few {
		if !yield(c) {
			return
		}
	}
	if n.many == nil {
		return
	}
	for _, c := range n.many.byLevel {
		if !yield(c) {
			return
		}
	}
}

// walk yields each pattern below n, with its values, until yield says no.
func (n *node[V]) walk(yield func(string, []V) bool) bool {
	for _, l := range [...]*leaf[V]{n.exact, n.rest} {
		if l != nil && !yield(l.pattern, l.values) {
			return false
		}
	}
	if n.any != nil && !n.any.walk(yield) {
		return false
	}
	for c := range n.literals {
		if !c.walk(yield) {
			return false
		}
	}
	return true
}
