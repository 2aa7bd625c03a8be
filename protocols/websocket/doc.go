// Package websocket carries other protocols over WebSockets (RFC 6455): STOMP, MQTT, AMQP and
// whatever else it is handed as a value. It knows their names and those of their sub-protocols,
// not their packages: each gets a connection on which it reads and writes the bytes that it would
// on a socket.
//
// A [Protocol] serves listeners of its own, and takes requests over from an HTTP server.
package websocket
