package pebble

import (
	"math/big"

	lsm "github.com/cockroachdb/pebble/v2"
)

// probeSize is how many bytes of a family's keys a search tells apart. Each probe of a damaged
// block takes the engine up to half a second, since it looks for the bit that flipped, and the
// probes grow with the bytes.
func probeSize(family byte) int {
	switch family {
	case entryFamily:
		return entryKeySize - 1
	case messageFamily:
		return messageKeySize
	case partFamily:
		return partKeySize
	}
	return 24
}

// resume finds where keys can be read again behind at, which can't, or nil if nowhere. It takes
// the unreadable keys for one interval, as a damaged block or table makes them: it leaps ahead
// by growing steps, and goes back by halves. Something readable between two damaged blocks that
// lie close may be missed.
func resume(r lsm.Reader, at, end []byte) []byte {
	size := probeSize(at[0])
	bad, limit := keyNumber(at, size), keyNumber(end, size)
	good := new(big.Int)
	for step := big.NewInt(1); ; step.Lsh(step, 1) {
		if good.Add(bad, step); good.Cmp(limit) >= 0 {
			good.Set(limit)
			break
		}
		if readable(r, numberKey(good, size), end) {
			break
		}
	}
	one, middle := big.NewInt(1), new(big.Int)
	for {
		middle.Sub(good, bad)
		if middle.Cmp(one) <= 0 {
			break
		}
		middle.Add(bad, middle.Rsh(middle, 1))
		if readable(r, numberKey(middle, size), end) {
			good.Set(middle)
		} else {
			bad.Set(middle)
		}
	}
	if good.Cmp(limit) == 0 {
		return nil
	}
	return numberKey(good, size)
}

// readable reports whether the first key at or behind from can be read.
func readable(r lsm.Reader, from, end []byte) bool {
	return readRange(r, from, end, func(it *lsm.Iterator) error {
		it.First()
		return it.Error()
	}) == nil
}

// keyNumber is the place of a key among all.
func keyNumber(k []byte, size int) *big.Int {
	p := make([]byte, size)
	copy(p, k)
	return new(big.Int).SetBytes(p)
}

func numberKey(n *big.Int, size int) []byte {
	p := n.FillBytes(make([]byte, size))
	for len(p) > 1 && p[len(p)-1] == 0 {
		p = p[:len(p)-1]
	}
	return p
}
