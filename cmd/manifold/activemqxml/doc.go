// Package activemqxml reads an activemq.xml, the configuration of ActiveMQ Classic and of Amazon
// MQ, into the YAML that says the same here, with a report: each element and attribute is kept,
// mapped to what is nearest, or dropped with the reason.
//
// The file is Spring's: beans around a broker, or a broker alone, with placeholders ${...} that
// come from property files and from Java's system properties. It is read strictly: what ActiveMQ
// does not know either is an error with its line. Nothing outside of the file is read but what
// [Source].Read gives, and no entity is expanded.
//
// One table says what becomes of each element and attribute. The converter works by it, and the
// page on migration is generated from it.
package activemqxml

//go:generate go test . -run TestMigrationPage -write
