package address

import "slices"

// indexed is how many values a leaf searches one by one before it keeps an index.
const indexed = 32

// leaf is the set of values of one pattern. Values stand in a slice, since matching copies them
// all; a large set has an index too, so that a mass of subscribers comes and goes in linear time.
type leaf[V comparable] struct {
	pattern string
	values  []V
	index   map[V]int // position in values; nil for a small set
}

// add puts v in, and reports whether it was not there.
func (l *leaf[V]) add(v V) bool {
	if l.find(v) >= 0 {
		return false
	}
	l.values = append(l.values, v)
	switch {
	case l.index != nil:
		l.index[v] = len(l.values) - 1
	case len(l.values) > indexed:
		l.index = make(map[V]int, 2*len(l.values))
		for i, v := range l.values {
			l.index[v] = i
		}
	}
	return true
}

// remove takes v out, and reports whether it was there. The last value takes its place.
func (l *leaf[V]) remove(v V) bool {
	i := l.find(v)
	if i < 0 {
		return false
	}
	last := len(l.values) - 1
	moved := l.values[last]
	l.values[i] = moved
	clear(l.values[last:])
	l.values = l.values[:last]
	if l.index != nil {
		l.index[moved] = i
		delete(l.index, v)
	}
	l.shrink()
	return true
}

// shrink gives memory back after most values have gone.
func (l *leaf[V]) shrink() {
	if cap(l.values) <= 2*indexed || len(l.values) > cap(l.values)/4 {
		return
	}
	l.values = append(make([]V, 0, 2*len(l.values)), l.values...)
	if len(l.values) <= indexed {
		l.index = nil
		return
	}
	index := make(map[V]int, 2*len(l.values))
	for i, v := range l.values {
		index[v] = i
	}
	l.index = index
}

func (l *leaf[V]) find(v V) int {
	if l.index == nil {
		return slices.Index(l.values, v)
	}
	if i, ok := l.index[v]; ok {
		return i
	}
	return -1
}
