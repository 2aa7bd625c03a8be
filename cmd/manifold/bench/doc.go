// Package bench is a load generator for message brokers that speak STOMP 1.2. It spends as little
// as it can on each message, so that the broker is what is measured: frames are encoded once and
// patched, written in batches, and received without being copied.
//
// Every message carries a stamp that says who sent it as the how-manieth. A run compares what
// came with what was sent, and reports what was lost, came twice or came in a wrong order beside
// its figures.
package bench
