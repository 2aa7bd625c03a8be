package wire

import (
	"encoding/binary"
	"unicode/utf8"
)

// Size returns how many bytes the value at the beginning of b takes, its constructor included. It
// trusts the sizes that compounds claim, but not beyond the end of b, and does not look inside
// them.
func Size(b []byte) (int, error) {
	start := len(b)
	for depth := 0; len(b) > 0 && b[0] == Described; depth++ {
		if depth >= MaxDepth {
			return 0, ErrDepth
		}
		n, err := plainSize(b[1:]) // the descriptor, which is itself not described
		if err != nil {
			return 0, err
		}
		b = b[1+n:]
	}
	n, err := plainSize(b)
	return start - len(b) + n, err
}

// plainSize is Size for a value that is not described.
func plainSize(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, ErrShort
	}
	n := 1
	switch b[0] >> 4 {
	case 0x4:
	case 0x5:
		n = 2
	case 0x6:
		n = 3
	case 0x7:
		n = 5
	case 0x8:
		n = 9
	case 0x9:
		n = 17
	case 0xa, 0xc, 0xe:
		if len(b) < 2 {
			return 0, ErrShort
		}
		n = 2 + int(b[1])
	case 0xb, 0xd, 0xf:
		if len(b) < 5 {
			return 0, ErrShort
		}
		size := binary.BigEndian.Uint32(b[1:])
		if uint64(size) > uint64(len(b)-5) {
			return 0, ErrShort
		}
		n = 5 + int(size)
	default:
		return 0, ErrCode
	}
	if n > len(b) {
		return 0, ErrShort
	}
	return n, nil
}

// Check is Size for bytes of an untrusted peer that others will read: it looks at everything in
// the value and at the nesting.
func Check(b []byte) (int, error) { return check(b, 0) }

func check(b []byte, depth int) (int, error) {
	if depth > MaxDepth {
		return 0, ErrDepth
	}
	if len(b) == 0 {
		return 0, ErrShort
	}
	if b[0] == Described {
		if len(b) > 1 && b[1] == Described {
			return 0, ErrType // a descriptor that is described itself: nobody has a use for it
		}
		n, err := check(b[1:], depth+1)
		if err != nil {
			return 0, err
		}
		m, err := check(b[1+n:], depth+1)
		return 1 + n + m, err
	}
	n, err := plainSize(b)
	if err != nil {
		return 0, err
	}
	return n, checkData(b[0], b[1:n], depth)
}

// checkData checks the data behind a constructor, which has the right length at its outside.
func checkData(code byte, data []byte, depth int) error {
	if !known(code) {
		return ErrCode
	}
	switch code {
	case Boolean:
		if data[0] > 1 {
			return ErrValue
		}
	case Char:
		if c := binary.BigEndian.Uint32(data); c > utf8.MaxRune {
			return ErrValue
		}
	case String8, String32:
		if !utf8.Valid(data[sizeWidth(code):]) {
			return ErrValue
		}
	case Symbol8, Symbol32:
		for _, c := range data[sizeWidth(code):] {
			if c >= utf8.RuneSelf {
				return ErrValue
			}
		}
	case List8, List32, Map8, Map32:
		return checkCompound(code, data, depth)
	case Array8, Array32:
		return checkArray(code, data, depth)
	}
	return nil
}

// sizeWidth is how many bytes the size and count fields of a code have.
func sizeWidth(code byte) int {
	if code>>4&1 == 1 {
		return 4
	}
	return 1
}

// counted splits the data of a compound or an array into its count and the rest.
func counted(code byte, data []byte) (uint32, []byte, error) {
	if sizeWidth(code) == 1 {
		if len(data) < 2 {
			return 0, nil, ErrSize
		}
		return uint32(data[1]), data[2:], nil
	}
	if len(data) < 8 {
		return 0, nil, ErrSize
	}
	return binary.BigEndian.Uint32(data[4:]), data[8:], nil
}

func checkCompound(code byte, data []byte, depth int) error {
	count, items, err := counted(code, data)
	switch {
	case err != nil:
		return err
	case uint64(count) > uint64(len(items)):
		return ErrCount
	case code&0xf == Map8&0xf && count%2 != 0:
		return ErrMap
	}
	for range count {
		n, err := check(items, depth+1)
		if err != nil {
			return err
		}
		items = items[n:]
	}
	if len(items) > 0 {
		return ErrSize
	}
	return nil
}

func checkArray(code byte, data []byte, depth int) error {
	v, err := arrayOf(code, data)
	if err != nil {
		return err
	}
	if v.Elem[0] == Described {
		// The descriptor has been measured; what is in it counts too.
		if _, err := check(v.Elem[1:], depth+1); err != nil {
			return err
		}
	}
	elem := v.Elem[len(v.Elem)-1]
	items := v.Data
	for range v.Count {
		n, err := dataSize(elem, items)
		if err != nil {
			return err
		}
		if depth >= MaxDepth {
			return ErrDepth
		}
		if err := checkData(elem, items[:n], depth+1); err != nil {
			return err
		}
		items = items[n:]
		if n == 0 {
			break // all alike
		}
	}
	if len(items) > 0 {
		return ErrSize
	}
	return nil
}

// dataSize returns how many bytes the data of an array's element takes.
func dataSize(code byte, b []byte) (int, error) {
	if w := width(code); w >= 0 {
		if w > len(b) {
			return 0, ErrShort
		}
		return w, nil
	}
	if sizeWidth(code) == 1 {
		if len(b) == 0 || 1+int(b[0]) > len(b) {
			return 0, ErrShort
		}
		return 1 + int(b[0]), nil
	}
	if len(b) < 4 {
		return 0, ErrShort
	}
	size := binary.BigEndian.Uint32(b)
	if uint64(size) > uint64(len(b)-4) {
		return 0, ErrShort
	}
	return 4 + int(size), nil
}
