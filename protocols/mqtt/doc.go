// Package mqtt serves MQTT 3.1, 3.1.1 and 5 with ActiveMQ's mapping of topics and messages. The
// version is data, not a copy of the machine. Where a statement of the specification is obeyed
// its number stands beside the code, [MQTT-3.1.4-2] for instance; where the two specifications
// number alike and mean different things, both hold.
package mqtt
