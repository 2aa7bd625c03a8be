package websocket

import "unicode/utf8"

// scan checks text that comes in pieces, where a character may be cut in two.
type scan struct {
	cut  [utf8.UTFMax]byte // the beginning of a character
	have int
}

// valid reports whether the text may go on with a piece.
func (s *scan) valid(b []byte) bool {
	for s.have > 0 && len(b) > 0 {
		s.cut[s.have] = b[0]
		s.have++
		b = b[1:]
		if utf8.FullRune(s.cut[:s.have]) {
			if r, _ := utf8.DecodeRune(s.cut[:s.have]); r == utf8.RuneError && !isReplacement(s.cut[:s.have]) {
				return false
			}
			s.have = 0
		}
	}
	if n := len(b); n > 0 {
		// What begins in the last bytes and is not complete waits for the next piece.
		from := max(n-utf8.UTFMax+1, 0)
		for i := n - 1; i >= from; i-- {
			if utf8.RuneStart(b[i]) {
				if !utf8.FullRune(b[i:]) {
					s.have = copy(s.cut[:], b[i:])
					b = b[:i]
				}
				break
			}
		}
	}
	return utf8.Valid(b)
}

// complete reports whether the text may end here.
func (s *scan) complete() bool { return s.have == 0 }

// isReplacement tells U+FFFD itself from what decodes to it because it is wrong.
func isReplacement(b []byte) bool { return string(b) == string(utf8.RuneError) }
