package security

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/manifoldmq/manifold/broker/address"
)

// Authority knows who may connect and what they may do. It is safe for use by many goroutines.
type Authority struct {
	current  atomic.Pointer[state]
	verifier *verifier
	reload   sync.Mutex // one Reload at a time
}

// state is one loaded configuration. It never changes; a reload makes another.
type state struct {
	generation uint64
	open       bool
	guest      *Principal // nil: guests are not let in
	users      *directory
	subjects   *subjects
	names      bool // common names are user names
	sources    []Source
	configured []Permission
	granted    []Permission // by Grant
	restricted bool         // there are permissions, or Grant will bring some
	acl        *acl         // nil: who is let in may do everything
}

// New returns an authority. It reads the files that the options name, and fails if one can't be
// read or says something unclear: half a list of users or rights is never used.
func New(o Options) (*Authority, error) {
	s, err := load(&o)
	if err != nil {
		return nil, err
	}
	s.generation = 1
	a := &Authority{verifier: newVerifier(o.clock())}
	a.current.Store(s)
	return a, nil
}

// Reload takes other options and reads the files again. It takes effect at once and as a whole;
// on an error everything stays as it was. Remembered verifications are forgotten, and each
// [Access] decides anew.
func (a *Authority) Reload(o Options) error {
	a.reload.Lock()
	defer a.reload.Unlock()
	s, err := load(&o)
	if err != nil {
		return err
	}
	if old := a.current.Load(); o.Granted && old.granted != nil {
		if s, err = s.with(old.granted); err != nil {
			return err
		}
	}
	s.generation = a.Generation() + 1
	a.current.Store(s)
	a.verifier.forget()
	return nil
}

// Grant takes the permissions that hold beside those of the options, in place of the ones that
// it took before. It takes effect at once, unless an error says that one of them is unclear. It
// has no effect where the options do not announce it. It reports whether anything has changed.
func (a *Authority) Grant(list []Permission) (changed bool, err error) {
	a.reload.Lock()
	defer a.reload.Unlock()
	old := a.current.Load()
	if old.open || !old.restricted || old.granted != nil && slices.EqualFunc(old.granted, list, Permission.equal) {
		return false, nil
	}
	s, err := old.with(list)
	if err != nil {
		return false, err
	}
	s.generation++
	a.current.Store(s)
	return true, nil
}

// with returns the state with other permissions by Grant.
func (s *state) with(granted []Permission) (*state, error) {
	if granted == nil {
		granted = []Permission{}
	}
	list, err := newACL(slices.Concat(s.configured, granted))
	if err != nil {
		return nil, err
	}
	with := *s
	with.granted, with.acl = granted, list
	return &with, nil
}

// Generation returns a number that grows with each Reload.
func (a *Authority) Generation() uint64 { return a.current.Load().generation }

// Open reports whether there is no security at all.
func (a *Authority) Open() bool { return a.current.Load().open }

// Admits reports whether somebody without any credentials is let in.
func (a *Authority) Admits() bool {
	s := a.current.Load()
	if s.open || s.guest != nil {
		return true
	}
	_, _, err := s.invited(context.Background(), "")
	return err == nil
}

// Restricted reports whether permissions are configured: otherwise who is let in may do everything.
func (a *Authority) Restricted() bool { return a.current.Load().acl != nil }

// Allowed reports whether p may do op with dest. A wildcard pattern is allowed only if one entry
// covers all of it. Members of a composite destination are asked for one by one. The answer is
// not remembered: see [Access].
func (a *Authority) Allowed(p *Principal, op Operation, dest address.Address) bool {
	s := a.current.Load()
	return s.allowed(s.renew(p), op, dest)
}

// Recall returns somebody by the name and groups that were noted when they were let in, for what
// they have left behind: a will, a session's bindings. Users with a password have the groups that
// they have now; those that others vouched for have the ones that were noted.
func (a *Authority) Recall(name string, groups []string) *Principal {
	s := a.current.Load()
	switch {
	case s.open:
		return &Principal{Name: name, Groups: groups}
	case s.users.has(name):
		return s.users.principal(name, nil, byPassword)
	case s.guest != nil && s.guest.Name == name:
		return s.guest
	}
	return s.users.principal(name, groups, given)
}

// Valid reports whether p would still be let in: whether the user, certificate or guest that it
// stands for is part of the current configuration.
func (a *Authority) Valid(p *Principal) bool {
	s := a.current.Load()
	return s.renew(p) != nil
}

// Unchanged reports whether the password that p has shown at login still is the user's, as far as it is
// kept here.
func (a *Authority) Unchanged(p *Principal) bool {
	s := a.current.Load()
	return s.open || p.origin != byPassword || p.shown.text == "" || s.users.secrets[p.Name].text == p.shown.text
}

// load reads options and files into a state.
func load(o *Options) (*state, error) {
	if o.Open {
		if o.Anonymous || len(o.Users) > 0 || o.UsersFile != "" || o.GroupsFile != "" || o.CertificatesFile != "" ||
			len(o.CertificateUsers) > 0 || o.CertificateNames || o.CertificateGroupsFile != "" || len(o.Sources) > 0 ||
			len(o.Permissions) > 0 || o.Granted {
			return nil, errors.New("security is off, yet users or permissions are configured")
		}
		return &state{open: true}, nil
	}
	users, err := newDirectory(o)
	if err != nil {
		return nil, err
	}
	s := &state{
		users: users, names: o.CertificateNames, sources: o.Sources,
		configured: o.Permissions, restricted: o.Granted || len(o.Permissions) > 0,
	}
	if s.subjects, err = loadSubjects(o); err != nil {
		return nil, err
	}
	if s.restricted {
		if s.acl, err = newACL(o.Permissions); err != nil {
			return nil, err
		}
	}
	if o.Anonymous {
		s.guest = newGuest(o, users)
		if users.has(s.guest.Name) {
			return nil, fmt.Errorf("anonymous user %q: a user with this name has a password", s.guest.Name)
		}
	}
	return s, nil
}

// newGuest returns the principal of those who come without a name.
func newGuest(o *Options, users *directory) *Principal {
	name, group := o.AnonymousUser, o.AnonymousGroup
	if name == "" {
		name = "anonymous"
	}
	if group == "" {
		group = "anonymous"
	}
	return users.principal(name, []string{group}, asGuest)
}

// allowed decides for a principal that renew has returned.
func (s *state) allowed(p *Principal, op Operation, dest address.Address) bool {
	switch {
	case s.open:
		return true
	case p == nil || op >= operations || dest.Kind == address.None || dest.Kind > address.TempTopic:
		return false
	case s.acl == nil:
		return true
	default:
		return s.acl.allowed(p, op, dest)
	}
}

// renew returns p with the groups that it has now, or nil if it would not be let in any more.
func (s *state) renew(p *Principal) *Principal {
	if p == nil || s.open {
		return p
	}
	switch p.origin {
	case byPassword:
		if !s.users.has(p.Name) {
			return nil
		}
		return s.users.principal(p.Name, nil, byPassword)
	case byCertificate:
		if name, ok := s.user(p.subject); !ok || name != p.Name {
			return nil
		}
		return s.certain(p.Name, p.subject)
	case asGuest:
		return s.guest
	case bySource:
		if len(s.sources) == 0 {
			return nil
		}
		return s.users.principal(p.Name, p.Groups, bySource)
	case unchecked:
		return nil
	default:
		return p
	}
}
