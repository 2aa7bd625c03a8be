// Package groups loads a queue with messages of many groups, while the consumers that share it come
// and go, and audits that the order inside each group is kept.
//
// Each group has one producer, which numbers its messages. Consumers take some messages, settle
// what they feel like in the order in which it came, and leave: they say goodbye, or cut their
// connection, with messages unsettled. The broker may be killed and started again meanwhile.
//
// What must hold at each delivery: the messages of its group before it are settled, or with the
// same consumer, however often consumers and brokers have changed. And nothing confirmed is lost.
package groups
