// Package groups loads a queue with messages of many groups, while the consumers that share it come
// and go, and audits that the order inside each group is kept.
//
// Each group has one producer, which numbers its messages, and now and then closes the group or
// begins it anew. Consumers take some messages, settle what they feel like in the order in which it
// came, alone, with confirmation, or in transactions that are committed or rolled back, and leave:
// they say goodbye, cut their connection, or end their subscription with a transaction open. The
// broker may be killed and started again meanwhile.
//
// What must hold at each delivery: the messages of its group before it are settled, or with the
// same consumer, however often consumers and brokers have changed. That counts from where the group
// was closed or begun anew: what comes from there on may go elsewhere at once, as in ActiveMQ. What comes again did so before anything behind
// it went to somebody else, and nothing comes again whose settlement was confirmed, by itself or with
// its transaction. And nothing confirmed is lost.
package groups
