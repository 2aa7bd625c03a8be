package bench

import (
	"math"
	"math/bits"
)

// steps is how many buckets each power of two is divided into: a quantile is at most one part in
// so many too large.
const (
	stepBits = 5
	steps    = 1 << stepBits
)

// histogram counts durations in nanoseconds. The zero value is empty.
type histogram struct {
	buckets [(64 - stepBits) * steps]uint64
	total   uint64
	max     int64
}

// bucketOf returns the bucket of n, which is not negative: below steps each number has its own,
// above each power of two has steps of them.
func bucketOf(n int64) int {
	shift := max(bits.Len64(uint64(n))-stepBits-1, 0)
	return shift*steps + int(n>>shift)
}

// upper returns the largest number of a bucket.
func upper(bucket int) int64 {
	shift := max(bucket/steps-1, 0)
	return (int64(bucket-shift*steps)+1)<<shift - 1
}

// add counts one duration. Negative ones, which clocks of two threads could give, count as 0.
func (h *histogram) add(n int64) {
	n = max(n, 0)
	h.buckets[bucketOf(n)]++
	h.total++
	h.max = max(h.max, n)
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
	h.total += other.total
	h.max = max(h.max, other.max)
}

// quantile returns a duration that the given part, between 0 and 1, of all does not exceed.
func (h *histogram) quantile(part float64) int64 {
	rank := uint64(math.Ceil(part * float64(h.total)))
	sum := uint64(0)
	for i, n := range h.buckets {
		if sum += n; n > 0 && sum >= rank {
			return min(upper(i), h.max)
		}
	}
	return h.max
}
