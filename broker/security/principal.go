package security

import (
	"crypto/x509"
	"log/slog"
	"slices"
)

// Principal is somebody who was let in. It never changes: after a reload a new one is made.
// Its fields are for reading only.
type Principal struct {
	Name   string
	Groups []string // in order, each once

	origin  origin
	subject subject // of the certificate, with origin byCertificate
	shown   secret  // what the password was compared with, with origin byPassword
}

// origin is how a principal was let in, and so what a reload asks before it stays in.
type origin uint8

const (
	given         origin = iota // made by the caller; stands for itself
	byPassword                  // a user of the directory
	byCertificate               // a client certificate
	bySource                    // a user that another Source vouched for
	asGuest                     // nobody in particular
	unchecked                   // let in while there was no security
)

// In reports whether the principal belongs to a group.
func (p *Principal) In(group string) bool { return slices.Contains(p.Groups, group) }

// Known reports whether the principal showed the password of a configured user: no other source has
// vouched for it, which may have taken it for a guest.
func (p *Principal) Known() bool { return p.origin == byPassword }

// Credentials are what a client shows at login.
type Credentials struct {
	User     string
	Password string
	HasUser  bool // a user name was given, even an empty one

	// Certificates is the client's chain, its own first. The caller passes it only if TLS has
	// verified it.
	Certificates []*x509.Certificate

	// Mechanism is the SASL mechanism, or empty. EXTERNAL allows nothing but the certificate,
	// ANONYMOUS nothing but a guest.
	Mechanism string
}

// LogValue keeps the password out of logs.
func (c Credentials) LogValue() slog.Value {
	return slog.GroupValue(slog.String("user", c.User), slog.String("mechanism", c.Mechanism), slog.Int("certificates", len(c.Certificates)))
}

// String keeps the password out of formatted text.
func (c Credentials) String() string { return "credentials of " + c.User }

// GoString keeps the password out of %#v.
func (c Credentials) GoString() string { return c.String() }
