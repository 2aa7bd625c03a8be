// Package frame has the frames of AMQP 1.0: their header, the performatives of the transport
// (part 2 of the standard), SASL's frames (part 5), and the types that they carry: termini,
// delivery states, errors. It turns bytes into structs and back, and knows no sockets.
//
// What a performative is decoded into holds views of the frame's buffer where that is said, and
// copies otherwise.
package frame
