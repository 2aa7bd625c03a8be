package frame

import "bytes"

// Version is a protocol version. The zero value is 1.0, which also holds before a version is
// agreed on.
type Version uint8

// The versions.
const (
	V10 Version = iota
	V11
	V12
)

// Versions lists the versions as an ERROR frame's version header does.
const Versions = "1.0,1.1,1.2"

// rules is what the versions differ in.
type rules struct {
	name   string
	escape bool // headers are escaped with backslashes
	cr     bool // \r stands for CR, in addition to \n, \c and \\
	dropCR bool // a line may end with CR LF
	trim   bool // white space around a value is not part of it
}

// ActiveMQ drops a trailing CR in 1.0 too; in 1.1 a CR belongs to the value. Escapes never
// apply to CONNECT, STOMP and CONNECTED.
var versions = [...]rules{
	V10: {name: "1.0", dropCR: true, trim: true},
	V11: {name: "1.1", escape: true},
	V12: {name: "1.2", escape: true, cr: true, dropCR: true},
}

// String returns the version's number, "1.2".
func (v Version) String() string { return versions[v].name }

// Negotiate picks the highest version of a comma-separated accept-version header that is
// spoken here; false if none is. A missing header means 1.0: callers then don't ask.
// [STOMP-1.2 Protocol Negotiation]
func Negotiate(accept []byte) (Version, bool) {
	best, found := V10, false
	for len(accept) > 0 {
		var item []byte
		item, accept, _ = bytes.Cut(accept, []byte{','})
		item = bytes.TrimSpace(item)
		for v := V12; ; v-- {
			if string(item) == versions[v].name {
				best, found = max(best, v), true
			}
			if v == V10 {
				break
			}
		}
	}
	return best, found
}

// UnsupportedVersion returns the error for an accept-version header without a version in
// common. Its ERROR frame should carry a version header with Versions.
func UnsupportedVersion(accept []byte) *Error {
	return &Error{Fatal: true, Text: "Invalid Protocol version[" + string(accept) + "], supported versions are: [1.2, 1.1, 1.0]"}
}
