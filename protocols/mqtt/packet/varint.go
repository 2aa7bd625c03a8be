package packet

// appendVarint appends a variable byte integer in its shortest form [MQTT-1.5.5-1].
func appendVarint(dst []byte, n uint32) []byte {
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}

// varintSize returns how many octets appendVarint appends.
func varintSize(n int) int {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14:
		return 2
	case n < 1<<21:
		return 3
	}
	return 4
}

// varint reads a variable byte integer. It returns the octets it takes: 0 when there are too few
// in b, and -1 when it has more than four or is longer than it need be [MQTT-1.5.5-1].
func varint(b []byte) (n uint32, size int) {
	for i := range b {
		if i == 4 {
			return 0, -1
		}
		n |= uint32(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			if i > 0 && b[i] == 0 {
				return 0, -1
			}
			return n, i + 1
		}
	}
	if len(b) >= 4 {
		return 0, -1
	}
	return 0, 0
}
