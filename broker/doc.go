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
package broker
