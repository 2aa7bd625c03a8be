package selector

import "strconv"

// SyntaxError says why a text is no selector.
type SyntaxError struct {
	Offset int    // byte in the text at which it was noticed
	Text   string // what is wrong, in words
}

// Error returns the text and the offset.
func (e *SyntaxError) Error() string {
	return "selector: " + e.Text + " at offset " + strconv.Itoa(e.Offset)
}
