// Package jolokia answers for the broker as the Jolokia agent in ActiveMQ does: JSON over HTTP
// about objects with ActiveMQ's JMX names, attributes and operations, which monitoring tools,
// scalers and scripts are written for. It speaks Jolokia's protocol 7.2: version, search, list,
// read and exec.
//
// Reading needs a caller whom package access lets in. Operations need the right of an
// administrator, the right on the destination that a client would need, a POST, and the operator's
// consent by Options.Exec. Nothing here opens a connection to anywhere, ends the process, or
// changes a setting: those operations of ActiveMQ do not exist.
package jolokia
