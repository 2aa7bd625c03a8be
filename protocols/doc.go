// Package protocols accepts connections and finds out what they speak. A [Server] holds the
// listeners; each takes connections, limits them before anybody has logged in, reads the header
// of a load balancer, speaks TLS, recognises the protocol from the first bytes, and hands the
// connection to that [Protocol] as a [Conn].
//
// The implementations live in the packages below this one and are handed in as values.
package protocols
