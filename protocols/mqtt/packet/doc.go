// Package packet reads and writes MQTT control packets of versions 3.1, 3.1.1 and 5. It is a
// pure codec: bytes on one side, views of fields and properties on the other. It knows no broker,
// starts no goroutine and logs nothing; limits are handed in. The version is data: one decoder
// and one encoder serve all three.
//
// A Reader parses from a stream with one buffer. A PUBLISH comes with a block of its own,
// allocated once per packet, which a message may keep as long as it likes; everything else is a
// view of the reader's buffer and is good until the next call. Properties stay raw: they were
// checked once and can be passed on as they are.
//
// Memory follows the bytes that arrived, never the remaining length that a header claims.
//
// The writing side is a set of Append functions that grow a caller's buffer and allocate
// nothing else.
package packet
