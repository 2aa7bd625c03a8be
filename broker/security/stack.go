package security

import (
	"context"
	"errors"
	"slices"
)

// Flag says what a module's answer means for a login as a whole, as Java's login modules have it
// (javax.security.auth.login.Configuration).
type Flag uint8

// The flags.
const (
	Required   Flag = iota // must succeed; the others are asked all the same
	Requisite              // must succeed; else nobody else is asked
	Sufficient             // if it succeeds nobody else is asked
	Optional               // may succeed or not
)

// Module is one source of a [Stack].
type Module struct {
	Flag   Flag
	Source Source
}

// Stack is a [Source] made of others, which are asked in turn as their flags say. Who is let in
// has the groups of all that succeeded.
type Stack []Module

// errIgnored is the answer of a module that has no opinion.
var errIgnored = errors.Join(ErrNoUser)

// Verify implements [Source].
func (s Stack) Verify(ctx context.Context, name, password string) ([]string, error) {
	_, groups, err := s.ask(func(src Source) (string, []string, error) {
		groups, err := src.Verify(ctx, name, password)
		return name, groups, err
	})
	return groups, err
}

// Admit implements [GuestSource]: only modules for guests can succeed.
func (s Stack) Admit(ctx context.Context, name string) (user string, groups []string, err error) {
	return s.ask(func(src Source) (string, []string, error) {
		if host, ok := src.(GuestSource); ok {
			return host.Admit(ctx, name)
		}
		return "", nil, ErrNoUser
	})
}

// ask asks the modules in turn. A login fails if a required one fails, or if none succeeds.
func (s Stack) ask(login func(Source) (string, []string, error)) (user string, groups []string, err error) {
	var failed, other error // of a required module, of others
	for _, m := range s {
		name, more, err := login(m.Source)
		switch {
		case err == nil:
			if user == "" {
				user = name
			}
			groups = append(groups, more...)
			if m.Flag == Sufficient && failed == nil {
				return user, groups, nil
			}
		case err == errIgnored:
		case m.Flag == Requisite:
			return "", nil, worse(failed, err)
		case m.Flag == Required:
			failed = worse(failed, err)
		default:
			other = worse(other, err)
		}
	}
	switch {
	case failed != nil:
		return "", nil, failed
	case user == "":
		return "", nil, worse(other, ErrNoUser)
	default:
		return user, groups, nil
	}
}

// worse returns the error that says more.
func worse(a, b error) error {
	if a == nil || errors.Is(a, ErrNoUser) {
		return b
	}
	return a
}

// Guest is a [Source] that lets everybody in: who gives no name as User, all in the group Group.
type Guest struct {
	User, Group string
	// CredentialsInvalidate says that who gives a name or a password is no guest. Without it, in a
	// stack whose other modules need not succeed, a wrong password makes a guest, as in ActiveMQ.
	CredentialsInvalidate bool
}

// Verify implements [Source].
func (g Guest) Verify(context.Context, string, string) ([]string, error) {
	if g.CredentialsInvalidate {
		return nil, errIgnored
	}
	return []string{g.Group}, nil
}

// Admit implements [GuestSource].
func (g Guest) Admit(_ context.Context, name string) (string, []string, error) {
	switch {
	case name == "":
		name = g.User
	case g.CredentialsInvalidate: // protocols don't tell no password from an empty one
		return "", nil, errIgnored
	}
	return name, []string{g.Group}, nil
}

// Closer is a [Source] that holds connections.
type Closer interface {
	Source
	Close()
}

// Close closes the modules that hold connections.
func (s Stack) Close() {
	for _, m := range slices.Backward(s) {
		if c, ok := m.Source.(Closer); ok {
			c.Close()
		}
	}
}
