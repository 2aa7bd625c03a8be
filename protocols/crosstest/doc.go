// Package crosstest shows what becomes of a message that one protocol sends and another receives.
// Its test writes what it sees as the table in docs/protocols.md, and fails where that differs.
package crosstest
