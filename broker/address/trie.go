package address

import "strings"

// Trie is a set of pairs of a pattern and a value, which finds the values whose patterns stand
// for a name in a time that does not depend on how many other patterns there are. The zero Trie
// is empty and ready. Match, Names and Patterns may run at once with each other; the caller
// keeps them apart from Insert and Remove. Cache does so, and remembers.
type Trie[V comparable] struct {
	root node[V]
	len  int
}

// Len returns how many pairs there are.
func (t *Trie[V]) Len() int { return t.len }

// Insert adds a value under a pattern, and reports whether the pair is new. The trie keeps the
// string.
func (t *Trie[V]) Insert(pattern string, v V) bool {
	n := &t.root
	for remaining := pattern; ; {
		level, after, more := strings.Cut(remaining, string(separator))
		if level == rest && !more {
			return t.insert(&n.rest, pattern, v)
		}
		n = n.grow(level)
		if !more {
			return t.insert(&n.exact, pattern, v)
		}
		remaining = after
	}
}

func (t *Trie[V]) insert(at **leaf[V], pattern string, v V) bool {
	if *at == nil {
		*at = &leaf[V]{pattern: pattern}
	}
	if !(*at).add(v) {
		return false
	}
	t.len++
	return true
}

// Remove takes a value away from a pattern, and reports whether it was there. What only it
// needed is freed.
func (t *Trie[V]) Remove(pattern string, v V) bool {
	if !t.root.remove(pattern, v) {
		return false
	}
	t.len--
	return true
}

func (n *node[V]) remove(pattern string, v V) bool {
	level, after, more := strings.Cut(pattern, string(separator))
	if level == rest && !more {
		return take(&n.rest, v)
	}
	c := n.any
	if level != anyLevel {
		c = n.child(level)
	}
	if c == nil {
		return false
	}
	var removed bool
	if more {
		removed = c.remove(after, v)
	} else {
		removed = take(&c.exact, v)
	}
	if removed && c.empty() {
		n.prune(c)
	}
	return removed
}

// take removes v from a leaf, and the leaf if v was its last value.
func take[V comparable](at **leaf[V], v V) bool {
	if *at == nil || !(*at).remove(v) {
		return false
	}
	if len((*at).values) == 0 {
		*at = nil
	}
	return true
}

// Match appends the values whose patterns stand for a name to dst: a value as often as it has
// such patterns, in no order. It allocates only if dst is too small.
func (t *Trie[V]) Match(name string, dst []V) []V {
	return t.root.match(name, !guarded(name), dst)
}

// Names appends to dst the names for which a pattern stands, of those inserted that are not
// patterns themselves, in no order.
func (t *Trie[V]) Names(pattern string, dst []string) []string {
	return t.root.names(pattern, !leadsWild(pattern), dst)
}

// Patterns yields each pattern once with its values, in no order. Neither the trie nor the
// values may be changed meanwhile.
func (t *Trie[V]) Patterns(yield func(pattern string, values []V) bool) { t.root.walk(yield) }
