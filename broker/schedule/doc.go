// Package schedule keeps messages until they are due.
//
// A job is a message with a plan: a delay, repeats at a period, or a cron expression, in the terms
// of ActiveMQ's AMQ_SCHEDULED_ properties. It lives in records of the store alone:
//
//	d | due time (8 octets) | number (8 octets) -> the job
//	j | number (8 octets)                       -> its due time
//	m | number (8 octets)                       -> its message
//
// In memory are the keys of those that are due next, at most a few thousand however many there are.
// A delivery deletes or renews the job's records in the batch that puts the message on its
// destinations, so that each delivery happens once, also over a crash.
package schedule
