package pebble

import (
	"math/big"

	lsm "github.com/cockroachdb/pebble/v2"
)

// probeSize is how many bytes of keys a search tells apart.
const probeSize = 40

// resume finds where keys can be read again behind at, which can't, or nil if nowhere. It takes
// the unreadable keys for one interval, as a damaged block or table makes them: it leaps ahead
// by growing steps, and goes back by halves. Something readable between two damaged blocks that
// lie close may be missed.
func resume(r lsm.Reader, at, end []byte) []byte {
	bad, limit := keyNumber(at), keyNumber(end)
	good := new(big.Int)
	for step := big.NewInt(1); ; step.Lsh(step, 1) {
		if good.Add(bad, step); good.Cmp(limit) >= 0 {
			good.Set(limit)
			break
		}
		if readable(r, numberKey(good), end) {
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
		if readable(r, numberKey(middle), end) {
			good.Set(middle)
		} else {
			bad.Set(middle)
		}
	}
	if good.Cmp(limit) == 0 {
		return nil
	}
	return numberKey(good)
}

// readable reports whether the first key at or behind from can be read.
func readable(r lsm.Reader, from, end []byte) bool {
	return readRange(r, from, end, func(it *lsm.Iterator) error {
		it.First()
		return it.Error()
	}) == nil
}

// keyNumber is the place of a key among all.
func keyNumber(k []byte) *big.Int {
	var p [probeSize]byte
	copy(p[:], k)
	return new(big.Int).SetBytes(p[:])
}

func numberKey(n *big.Int) []byte {
	p := n.FillBytes(make([]byte, probeSize))
	for len(p) > 1 && p[len(p)-1] == 0 {
		p = p[:len(p)-1]
	}
	return p
}
