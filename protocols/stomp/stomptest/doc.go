// Package stomptest is the behaviour suite of the STOMP protocol: a table of scenarios that any broker with a STOMP
// listener can be put through over a socket.
//
// Each scenario proves one line of the reference behaviour (connecting, destinations, acknowledgement, transactions,
// errors and so on) with frames written and read byte by byte, so that exact texts, headers and the state of the
// connection afterwards can be asserted. The suite has its own small client and shares no code with the listener's
// codec: a fault in one cannot hide a fault in the other.
//
// [Run] executes the table against a [Target]. Scenarios use destinations of their own, so they run in parallel and on
// a broker that others use as well. Nothing here sleeps: presence is awaited under a deadline, absence is shown by a
// later message or receipt that overtakes nothing.
//
// Where this broker deliberately differs from ActiveMQ, the scenario says what ActiveMQ does and why we differ, and
// asserts either behaviour according to the target's [Peer]. [Differences] prints those as a table for the
// documentation.
package stomptest
