package bench

import "math/bits"

// chunkBits is how many numbers a chunk of a bitset stands for.
const chunkBits = 1 << 16

type chunk [chunkBits / 64]uint64

// bitset is a set of numbers up to maxSequence, of which most up to the largest are in it. The
// zero value is empty.
type bitset struct {
	chunks []*chunk // nil where nothing is in it
}

// add puts n into the set; false if it was in already.
func (b *bitset) add(n uint64) bool {
	i := int(n / chunkBits)
	for i >= len(b.chunks) {
		b.chunks = append(b.chunks, nil)
	}
	if b.chunks[i] == nil {
		b.chunks[i] = new(chunk)
	}
	word, bit := &b.chunks[i][n%chunkBits/64], uint64(1)<<(n%64)
	fresh := *word&bit == 0
	*word |= bit
	return fresh
}

// merge puts all of other into the set and returns how many were in already.
func (b *bitset) merge(other *bitset) (both uint64) {
	for i, from := range other.chunks {
		if i == len(b.chunks) {
			b.chunks = append(b.chunks, nil)
		}
		switch {
		case from == nil:
		case b.chunks[i] == nil:
			c := *from
			b.chunks[i] = &c
		default:
			to := b.chunks[i]
			for w := range from {
				both += uint64(bits.OnesCount64(to[w] & from[w]))
				to[w] |= from[w]
			}
		}
	}
	return both
}

// count returns how many numbers are in the set.
func (b *bitset) count() (n uint64) {
	for _, c := range b.chunks {
		if c == nil {
			continue
		}
		for _, word := range c {
			n += uint64(bits.OnesCount64(word))
		}
	}
	return n
}
