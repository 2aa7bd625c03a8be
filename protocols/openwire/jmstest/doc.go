// Package jmstest is the behaviour suite of OpenWire as applications see it: scenarios over JMS 1.1, written in Java
// and run by ActiveMQ's own client library, unmodified, against any broker.
//
// The scenarios are in testdata/java. Each is a method with a name and a sentence that says which behaviour it proves.
// One Java process runs them all, several at once, since starting one takes longer than most scenarios; [Suite.Run] makes
// a subtest of each. They use destinations of their own, so that they run on a broker that others use as well.
//
// What differs on purpose from ActiveMQ is declared at the scenario with ActiveMQ's behaviour and a reason, and either is
// asserted according to the target's [Peer].
package jmstest
