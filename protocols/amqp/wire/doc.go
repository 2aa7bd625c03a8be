// Package wire has the type system of AMQP 1.0 (part 1 of the standard): reading and appending
// encoded values without reflection and without allocation. What is read are views of the
// buffer; nothing is ever allocated because a length or a count claims it.
package wire
