package wire

// Error says why bytes are not a value of AMQP. All errors of this package are of this type.
type Error string

// Error returns the text.
func (e Error) Error() string { return string(e) }

// What can be wrong.
const (
	ErrShort  Error = "the value goes beyond its end"
	ErrCode   Error = "unknown format code"
	ErrType   Error = "a field has the wrong type"
	ErrDepth  Error = "values are nested too deeply"
	ErrCount  Error = "a compound has more items than bytes"
	ErrSize   Error = "a compound's size and its items differ"
	ErrMap    Error = "a map has a key without a value"
	ErrValue  Error = "a value is out of its range"
	ErrAbsent Error = "a mandatory field is absent"
)
