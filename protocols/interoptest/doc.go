// Package interoptest sends every kind of message with each protocol, receives it with each, and writes what arrives as the
// table in docs/interop.md. Its test fails where that differs. A protocol joins by one more peer.
package interoptest
