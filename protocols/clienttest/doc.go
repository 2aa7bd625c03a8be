// Package clienttest has what the behaviour suites of all protocols need beside a broker: certificates for TLS, and programs
// that drive the client libraries of other languages.
package clienttest
