package security

import (
	"context"
	"errors"

	"github.com/manifoldmq/manifold/broker/fault"
)

// External is the SASL mechanism that relies on the client's certificate, Anonymous the one for
// guests (RFC 4422 appendix A, RFC 4505).
const (
	External  = "EXTERNAL"
	Anonymous = "ANONYMOUS"
)

// passwordMax is the longest password that is looked at, in bytes.
const passwordMax = 4096

// Authenticate returns who shows these credentials. It blocks while a password is hashed, or
// while another source is asked, until ctx ends. Its errors are of kind fault.Unauthenticated
// with ActiveMQ's text, also where a source failed: clients learn nothing of that, as the source
// says why in the log. If ctx ended before the answer was known they are of kind fault.Timeout.
func (a *Authority) Authenticate(ctx context.Context, c Credentials) (*Principal, error) {
	for {
		s := a.current.Load()
		p, err := s.authenticate(ctx, a.verifier, c)
		if a.current.Load() == s || ctx.Err() != nil {
			return p, err
		}
		// Users changed meanwhile: what was just verified may no longer be true.
	}
}

// Keys returns what is stored of a user for a challenge and response mechanism. Its error is of
// kind fault.Unsupported if no source stores any, and of fault.Unauthenticated if none knows the
// user.
func (a *Authority) Keys(ctx context.Context, name, mechanism string) (Keys, error) {
	offered := false
	for _, src := range a.current.Load().sources {
		ks, ok := src.(KeySource)
		if !ok {
			continue
		}
		offered = true
		switch k, err := ks.Keys(ctx, name, mechanism); {
		case err == nil:
			return k, nil
		case !errors.Is(err, ErrNoUser):
			return Keys{}, sourceError(name, err)
		}
	}
	if !offered {
		return Keys{}, fault.New(fault.Unsupported, "connect", name, "the mechanism %s is not offered", mechanism)
	}
	return Keys{}, refused(Credentials{User: name, HasUser: true})
}

// authenticate picks what the credentials are to be judged by.
func (s *state) authenticate(ctx context.Context, v *verifier, c Credentials) (*Principal, error) {
	switch {
	case s.open:
		return &Principal{Name: c.User, origin: unchecked}, nil
	case c.Mechanism == External:
		return s.certified(c)
	case c.Mechanism == Anonymous:
		return s.admit(ctx, c)
	case c.Password != "":
		return s.verify(ctx, v, c)
	case len(c.Certificates) > 0:
		if p, err := s.certified(c); err == nil {
			return p, nil
		}
	}
	return s.admit(ctx, c)
}

// verify judges by user name and password.
func (s *state) verify(ctx context.Context, v *verifier, c Credentials) (*Principal, error) {
	if !c.HasUser || c.User == "" || len(c.Password) > passwordMax {
		return nil, refused(c)
	}
	known, ok, err := s.users.verify(ctx, v, c.User, c.Password)
	switch {
	case err != nil:
		return nil, sourceError(c.User, err)
	case ok:
		p := s.users.principal(c.User, nil, byPassword)
		p.shown = s.users.secrets[c.User]
		return p, nil
	case known:
		return nil, refused(c)
	}
	for _, src := range s.sources {
		switch name, groups, err := identify(ctx, src, c.User, c.Password); {
		case err == nil && name != c.User && s.users.has(name):
			return nil, refused(c) // guests don't pass for a user with a password
		case err == nil:
			return s.users.principal(name, groups, bySource), nil
		case fault.Is(err, fault.Unauthenticated):
			return nil, refused(c)
		case ctx.Err() != nil:
			return nil, sourceError(c.User, ctx.Err())
		}
	}
	return nil, refused(c)
}

// certified judges by the client's certificate. A user name is not needed, but must not
// contradict it.
func (s *state) certified(c Credentials) (*Principal, error) {
	if len(c.Certificates) == 0 {
		return nil, refused(c)
	}
	sub, err := subjectOf(c.Certificates[0])
	if err != nil {
		return nil, refused(c)
	}
	name, ok := s.user(sub)
	if !ok || c.User != "" && c.User != name {
		return nil, refused(c)
	}
	return s.certain(name, sub), nil
}

// certain returns the user of a certificate.
func (s *state) certain(name string, sub subject) *Principal {
	p := s.users.principal(name, s.subjects.groups[name], byCertificate)
	p.subject = sub
	return p
}

// admit lets a guest in who gives neither name nor password, or whom a source invites.
func (s *state) admit(ctx context.Context, c Credentials) (*Principal, error) {
	if c.Password != "" || s.users.has(c.User) {
		return nil, refused(c)
	}
	if s.guest != nil && !c.HasUser {
		return s.guest, nil
	}
	name, groups, err := s.invited(ctx, c.User)
	if err != nil || s.users.has(name) {
		return nil, refused(c)
	}
	return s.users.principal(name, groups, bySource), nil
}

// invited asks the sources for somebody to whom a client without a password may stand.
func (s *state) invited(ctx context.Context, name string) (user string, groups []string, err error) {
	for _, src := range s.sources {
		if host, ok := src.(GuestSource); ok {
			if user, groups, err = host.Admit(ctx, name); err == nil {
				return user, groups, nil
			}
		}
	}
	return "", nil, ErrNoUser
}

// user returns the user that a certificate's subject stands for.
func (s *state) user(sub subject) (string, bool) {
	if name, ok := s.subjects.user(sub); ok {
		return name, true
	}
	if s.names && s.users.knows(sub.commonName) {
		return sub.commonName, true
	}
	return "", false
}

// refused returns ActiveMQ's answer, the same for all that can be wrong.
func refused(c Credentials) error {
	name := "null"
	if c.HasUser {
		name = c.User
	}
	return fault.New(fault.Unauthenticated, "connect", name, "User name [%s] or password is invalid.", name)
}

// sourceError wraps what kept a source from answering.
func sourceError(name string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fault.Wrap(fault.Timeout, "connect", name, err)
	}
	return fault.Wrap(fault.Internal, "connect", name, err)
}
