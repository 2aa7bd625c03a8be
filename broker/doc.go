// Package broker is the core that all protocols share: connections, producers, subscriptions,
// transactions, and the destinations behind them. It knows no protocol.
//
// A protocol's connection calls Broker.Connect and gets a Connection. It sends through
// Producers and receives through Subscriptions, whose deliveries and confirmations come to
// its Handler and Sinks. Nothing here blocks but Connect (which may hash a password),
// Connection.Throttle, and the functions whose comments say so.
//
// The methods of one Connection, its producers, subscriptions and transactions may be called
// from several goroutines, but are meant for one: the reader of the client's connection.
//
// The package is larger than others here. What is in it meets in one table of destinations, under
// one order of locks, and in the batch that a burst or a transaction commits: a part of it with a
// package of its own would have to see the insides of the rest. What only computes, or keeps its
// state to itself, is in the packages below: queue, route, schedule, policy, session, retained.
package broker
