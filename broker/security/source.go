package security

import (
	"context"
	"errors"
)

// ErrNoUser is what a [Source] returns for a name that it does not know; the next one is asked.
var ErrNoUser = errors.New("no such user")

// GuestSource is a [Source] that may let in who shows no password.
type GuestSource interface {
	Source

	// Admit returns the user that a client without a password stands for, and the user's groups,
	// or an error if it is not let in. name is what the client gave as its name, or empty.
	Admit(ctx context.Context, name string) (user string, groups []string, err error)
}

// Source knows users and their passwords. It is called from many goroutines at once, and it
// remembers what is expensive to verify by itself.
type Source interface {
	// Verify returns the groups of the user who proves with a password to be name. The password
	// is never empty. It returns ErrNoUser for a name that it does not know, an error of kind
	// fault.Unauthenticated for a wrong password, and any other error if it could not tell.
	// It may block until ctx ends.
	Verify(ctx context.Context, name, password string) (groups []string, err error)
}

// Identifier is a [Source] that may take who gives one name for another user: for a guest.
type Identifier interface {
	Source

	// Identify is Verify, and returns who the client is.
	Identify(ctx context.Context, name, password string) (user string, groups []string, err error)
}

// identify asks a source who a client is.
func identify(ctx context.Context, src Source, name, password string) (user string, groups []string, err error) {
	if i, ok := src.(Identifier); ok {
		return i.Identify(ctx, name, password)
	}
	groups, err = src.Verify(ctx, name, password)
	return name, groups, err
}

// KeySource is a [Source] that can also serve challenge and response logins, which never show
// the password.
type KeySource interface {
	Source

	// Keys returns what is stored of name for a mechanism such as SCRAM-SHA-256, or ErrNoUser.
	// It may block until ctx ends.
	Keys(ctx context.Context, name, mechanism string) (Keys, error)
}

// Keys are what a server stores for SCRAM (RFC 5802 section 3): enough to verify a client, not
// enough to pose as one.
type Keys struct {
	Salt       []byte
	Iterations int
	StoredKey  []byte
	ServerKey  []byte
}

// String keeps the keys out of formatted text.
func (Keys) String() string { return "keys" }

// GoString keeps the keys out of %#v.
func (Keys) GoString() string { return "keys" }
