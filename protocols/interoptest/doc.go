// Package interoptest has what holds for all protocols at once, proved by clients that are not ours: ActiveMQ's own for
// OpenWire, go-amqp, Paho's two for MQTT, and go-stomp. One interface stands for all of them.
//
// A table of what arrives where, from every protocol to every protocol, is docs/interop.md: a test writes it, and fails where it
// is no longer true. A suite of what a broker promises of delivery, written once, is run through each protocol against Manifold,
// and against a real ActiveMQ on request. A protocol joins by one more client.
package interoptest
