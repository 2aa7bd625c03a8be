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
	_, groups, err := s.Identify(ctx, name, password)
	return groups, err
}

// Identify implements [Identifier]: who is let in as nothing but a guest is called as guests are.
func (s Stack) Identify(ctx context.Context, name, password string) (user string, groups []string, err error) {
	return s.ask(name, func(src Source) (string, []string, error) { return identify(ctx, src, name, password) })
}

// Admit implements [GuestSource]: only modules for guests can succeed.
func (s Stack) Admit(ctx context.Context, name string) (user string, groups []string, err error) {
	return s.ask("", func(src Source) (string, []string, error) {
		if host, ok := src.(GuestSource); ok {
			return host.Admit(ctx, name)
		}
		return "", nil, ErrNoUser
	})
}

// ask asks the modules in turn. A login fails if a required one fails, or if none succeeds. A module
// that vouches for the name that was given goes before one that calls its user otherwise.
func (s Stack) ask(given string, login func(Source) (string, []string, error)) (user string, groups []string, err error) {
	var failed, other error // of a required module, of others
	in := false
	for _, m := range s {
		name, more, err := login(m.Source)
		switch {
		case err == nil:
			if !in || name == given && given != "" {
				user = name
			}
			in = true
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
	case !in:
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

// Guest is a [Source] that lets everybody in, as User in the group Group. Nobody has shown that a name
// is his who is let in here, so that none is called as he says: rights are given to names too.
type Guest struct {
	User, Group string
	// CredentialsInvalidate says that who gives a name or a password is no guest. Without it, in a
	// stack whose other modules need not succeed, a wrong password makes a guest, as in ActiveMQ.
	CredentialsInvalidate bool
}

// Verify implements [Source].
func (g Guest) Verify(ctx context.Context, name, password string) ([]string, error) {
	_, groups, err := g.Identify(ctx, name, password)
	return groups, err
}

// Identify implements [Identifier].
func (g Guest) Identify(context.Context, string, string) (string, []string, error) {
	if g.CredentialsInvalidate {
		return "", nil, errIgnored
	}
	return g.User, []string{g.Group}, nil
}

// Admit implements [GuestSource].
func (g Guest) Admit(_ context.Context, name string) (string, []string, error) {
	if name != "" && g.CredentialsInvalidate { // protocols don't tell no password from an empty one
		return "", nil, errIgnored
	}
	return g.User, []string{g.Group}, nil
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
