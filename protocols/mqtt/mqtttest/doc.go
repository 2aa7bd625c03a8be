// Package mqtttest is the behaviour suite of the MQTT protocol: scenarios that any broker with an
// MQTT listener can be put through over a socket.
//
// Each [Scenario] proves one line of the reference behaviour, or of the standards, with packets
// that are written and read byte by byte, so that exact codes, flags and the state of the
// connection afterwards can be asserted. The suite has its own small client and shares no code
// with the listener's codec: a fault in one cannot hide a fault in the other. The programs in
// testdata/clients drive client libraries, unmodified, through what people use MQTT for.
//
// [Run] executes the table against a [Target]. Scenarios use topics of their own, so they run in
// parallel and on a broker that others use as well. Nothing here sleeps: presence is awaited under
// a deadline, absence is shown by a later message that overtakes nothing.
//
// Where brokers differ, the scenario says what each does, and asserts it according to the target's
// [Peer]. [Differences] prints that as a table for the documentation.
package mqtttest
