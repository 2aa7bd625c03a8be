package amqp

import (
	"slices"
	"sort"
)

// ranges is a set of deliveries of one link: ranges of their numbers that ascend and do not touch.
type ranges []numbers

// numbers are those from first to last.
type numbers struct{ first, last uint64 }

// add returns the set with the numbers from first to last in it.
func (r ranges) add(first, last uint64) ranges {
	i := sort.Search(len(r), func(i int) bool { return r[i].last+1 >= first })
	j := i
	for ; j < len(r) && r[j].first <= last+1; j++ {
		first, last = min(first, r[j].first), max(last, r[j].last)
	}
	return slices.Replace(r, i, j, numbers{first, last})
}
