package memory

import (
	"slices"
	"strings"
)

// records are sorted by key.
type records []record

type record struct {
	key   string
	value []byte // never changed
}

func (r records) find(key string) (int, bool) {
	return slices.BinarySearchFunc(r, key, func(r record, key string) int { return strings.Compare(r.key, key) })
}

func (r *records) put(key string, value []byte) {
	i, ok := r.find(key)
	if ok {
		(*r)[i].value = value
		return
	}
	*r = slices.Insert(*r, i, record{key, value})
}

func (r *records) delete(key string) {
	if i, ok := r.find(key); ok {
		*r = slices.Delete(*r, i, i+1)
	}
}

// between returns at most n records with from <= key < to; a nil to is the end.
func (r records) between(from, to []byte, n int) records {
	i, _ := r.find(string(from))
	end := len(r)
	if to != nil {
		end, _ = r.find(string(to))
	}
	return r[i:max(i, min(end, i+n))]
}
