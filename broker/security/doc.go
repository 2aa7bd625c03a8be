// Package security says who a client is and what it may do. An [Authority] checks passwords and
// client certificates, and answers whether a [Principal] may read from, write to, create or
// remove a destination. The rules are ActiveMQ's: all entries that match a destination are
// united, "*" stands for everybody, what no entry allows is denied, and temporary destinations
// are everybody's until an entry names them.
//
// Nothing here logs, and no error holds a password or a hash.
package security
