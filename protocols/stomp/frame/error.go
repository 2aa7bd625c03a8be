package frame

// Error is a violation of the protocol, with the text that ActiveMQ has for it where it has
// one: clients and their operators search for those.
type Error struct {
	Fatal   bool   // the stream can't be trusted any more: answer with ERROR and close
	Text    string // for the message header of an ERROR frame
	Receipt string // the receipt that the offending frame asked for, as far as it was read
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

const (
	textCommand       = "The maximum command length was exceeded"
	textHeader        = "The maximum header length was exceeded"
	textHeaders       = "The maximum number of headers was exceeded"
	textData          = "The maximum data length was exceeded"
	textFrame         = "The maximum frame size was exceeded"
	textContentLength = "Specified content-length is not a valid integer"
	textTrailing      = "content-length bytes were read and there was no trailing null byte"
	textEscape        = "Undefined escape sequence in header line ["
	textHeaderLine    = "Unable to parser header line [" // sic
	textAction        = "Unknown STOMP action: "
)

// quoted bounds how much of a bad line an error repeats.
const quoted = 256

func clip(line []byte) string {
	if len(line) > quoted {
		return string(line[:quoted]) + "..."
	}
	return string(line)
}
