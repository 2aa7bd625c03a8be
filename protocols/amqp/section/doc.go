// Package section takes the messages of AMQP 1.0 apart into their sections (part 3 of the
// standard) without decoding them, decodes the few that a broker needs, and builds sections. The
// bare message is never changed: whoever forwards it sends the bytes that Scan has found.
package section
