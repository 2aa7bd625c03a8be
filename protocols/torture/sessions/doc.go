// Package sessions loads a broker with MQTT clients whose sessions are kept, and audits what it
// did with every message.
//
// Publishers send with QoS 1 or 2 in windows, subscribers acknowledge; both keep their side of the
// protocol's state, as a client with a store of its own does, and go on with it when their
// connection breaks or the broker was killed and started again. At the end everything that was
// acknowledged has come to each subscriber: with QoS 1 at least once, with QoS 2 exactly once, and
// in order.
package sessions
