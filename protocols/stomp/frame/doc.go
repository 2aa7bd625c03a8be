// Package frame reads and writes STOMP frames of versions 1.0, 1.1 and 1.2. It is a pure
// codec: bytes on one side, views of commands, headers and bodies on the other. It knows no
// broker, starts no goroutine and logs nothing; limits are handed in.
//
// A Reader parses from a stream with one buffer. Frames that carry a message (SEND, MESSAGE)
// come with a block of their own, allocated once per frame: the raw header lines and the body
// in one slice, which a message may keep as long as it likes. Everything else is a view of the
// reader's buffer and is good until the next call.
//
// Memory follows the bytes that arrived, never the size that a header claims.
//
// The writing side is a set of Append functions that grow a caller's buffer and allocate
// nothing else.
package frame
