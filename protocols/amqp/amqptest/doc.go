// Package amqptest is the behaviour suite of AMQP 1.0: a table of scenarios that any broker with an AMQP listener can be
// put through over a socket.
//
// Each scenario proves one line of the reference behaviour (headers and SASL, open, sessions, links, credit, transfers,
// settlement, outcomes, nodes, filters, subscriptions, transactions, errors) with frames written and read octet by octet,
// so that exact fields and the state of the connection afterwards can be asserted. The suite has its own small codec and
// client and shares no code with the listener: a fault in one cannot hide a fault in the other. Attaches, messages and
// annotations of the JMS scenarios have the shape that Qpid JMS gives them.
//
// [Run] executes the table against a [Target]. Scenarios use nodes of their own, so they run in parallel and on a broker
// that others use as well. Nothing here sleeps: presence is awaited under a deadline, absence is shown by an echoed flow
// or a drain that overtakes nothing.
//
// Where another broker does something else, the scenario says what; on that peer the scenario must fail, which proves the
// difference. [Differences] prints them as tables for the documentation.
package amqptest
