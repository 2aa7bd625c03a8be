// Package route finds the bindings that match a topic. Patterns and names are separated by
// dots; see package address for the wildcards.
package route

import "github.com/manifoldmq/manifold/broker/address"

// Table holds bindings by their patterns. It may be used by many goroutines at once; a look-up
// of a topic that was looked up before takes no lock.
type Table[V comparable] struct {
	cache *address.Cache[V]
}

// New returns an empty table.
func New[V comparable]() *Table[V] { return &Table[V]{cache: address.NewCache[V]()} }

// Bind adds a binding. It matches from the moment Bind returns.
func (t *Table[V]) Bind(pattern string, v V) { t.cache.Insert(pattern, v) }

// Unbind removes a binding. It matches no more when Unbind has returned.
func (t *Table[V]) Unbind(pattern string, v V) { t.cache.Remove(pattern, v) }

// Rebind puts a binding in the place of another, so that no message meets both of them or neither.
func (t *Table[V]) Rebind(pattern string, old, v V) { t.cache.Replace(pattern, old, v) }

// Match returns the bindings that match a topic's name. Callers must not change the slice.
func (t *Table[V]) Match(name string) []V { return t.cache.Match(name) }
