// Package client has the clients by which the load engine speaks to brokers, behind one interface:
// codecs of our own, which keep any number of confirmations outstanding, and client libraries of
// others, unmodified, which prove that what holds for our frames holds for theirs.
package client
