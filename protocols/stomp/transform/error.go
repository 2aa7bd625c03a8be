package transform

// Error is why a body could not be transformed: its text is for a transformation-error header.
// The message is then sent on as plain text, or received without a body.
type Error struct {
	Text string
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// NotOpened returns the error for the body of an object message, in either direction.
func NotOpened() *Error {
	return &Error{Text: "Object messages are not transformed: their classes are not known here"}
}

func unknown(t Transformation) *Error {
	return &Error{Text: "Unknown transformation: " + t.String()}
}

func malformed(what string) *Error { return &Error{Text: "Malformed body: " + what} }

func unexpected(what string) *Error { return &Error{Text: "Not a map message: " + what} }

func tooDeep() *Error { return &Error{Text: "The body is nested too deeply"} }
