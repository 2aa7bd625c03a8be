package access

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/schedule"
	"github.com/manifoldmq/manifold/broker/security"
)

// Options make a Gate.
type Options struct {
	Authority *security.Authority     // nil: there are no users
	Token     func(token string) bool // whether a token is the API's; it takes the same time for all
	// Administrator may do everything here, and is no user of the broker; nil: there is none.
	Administrator *security.User
	Admins        []string // groups that may do everything
	Monitors      []string // groups that may look
}

// Gate lets callers in. It is safe for use by many goroutines.
type Gate struct {
	o   Options
	own *security.Authority // of the administrator; nil: there is none
}

// New returns a gate. It fails if the administrator's name or password is none.
func New(o Options) (*Gate, error) {
	g := &Gate{o: o}
	if o.Administrator == nil {
		return g, nil
	}
	var err error
	g.own, err = security.New(security.Options{Users: []security.User{*o.Administrator}})
	return g, err
}

// Caller is somebody who was let in. It never changes.
type Caller struct {
	Name string

	gate      *Gate
	principal *security.Principal // nil: who has the token
}

// Request returns who sends a request: by a bearer token (RFC 6750, 2.1), or by name and password
// (RFC 7617), where the token as the password will do with any name. Its errors are of kind
// fault.Unauthenticated, or fault.Forbidden for a user who may not even look. It may block on
// hashing a password.
func (g *Gate) Request(r *http.Request) (*Caller, error) {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && g.o.Token(strings.TrimLeft(rest, " ")) {
		return &Caller{Name: "token", gate: g}, nil
	}
	name, password, ok := r.BasicAuth()
	if !ok {
		return nil, fault.New(fault.Unauthenticated, "log in", "", "this needs a user's name and password, or the broker's API token")
	}
	return g.Login(r.Context(), name, password)
}

// Login returns who shows a name and a password; see Request.
func (g *Gate) Login(ctx context.Context, name, password string) (*Caller, error) {
	if g.o.Token(password) {
		if name == "" {
			name = "token"
		}
		return &Caller{Name: name, gate: g}, nil
	}
	refused := fault.New(fault.Unauthenticated, "log in", name, "User name [%s] or password is invalid.", name)
	authority := g.o.Authority
	if g.own != nil && name == g.o.Administrator.Name {
		authority = g.own
	}
	if name == "" || password == "" || authority == nil || authority.Open() {
		return nil, refused
	}
	p, err := authority.Authenticate(ctx, security.Credentials{User: name, Password: password, HasUser: true})
	if err != nil {
		return nil, err
	}
	if authority == g.own {
		return &Caller{Name: p.Name, gate: g}, nil
	}
	c := &Caller{Name: p.Name, gate: g, principal: p}
	if !c.mayLook() {
		return nil, fault.New(fault.Forbidden, "log in", name, "User %s is in no group that may administrate or monitor this broker", name)
	}
	return c, nil
}

// Again returns who a caller is now, after users may have changed; nil if he is let in no more.
func (g *Gate) Again(c *Caller) *Caller {
	if c.principal == nil {
		return c
	}
	if g.o.Authority.Open() || !g.o.Authority.Valid(c.principal) || !g.o.Authority.Unchanged(c.principal) {
		return nil
	}
	now := *c
	if c.principal.Known() {
		now.principal = g.o.Authority.Recall(c.principal.Name, nil)
	}
	if now.principal == nil || !now.mayLook() {
		return nil
	}
	return &now
}

func (c *Caller) mayLook() bool {
	return c.isAdmin() || c.inAny(c.gate.o.Monitors)
}

func (c *Caller) isAdmin() bool {
	return c.principal == nil || !c.gate.o.Authority.Restricted() && c.principal.Known() || c.inAny(c.gate.o.Admins)
}

func (c *Caller) inAny(groups []string) bool {
	return slices.ContainsFunc(groups, c.principal.In)
}

// Principal returns the user, nil for who has the token.
func (c *Caller) Principal() *security.Principal { return c.principal }

// Admin returns nil if the caller may change something at all, and otherwise a fault of kind
// Forbidden.
func (c *Caller) Admin() error {
	if c.isAdmin() {
		return nil
	}
	return fault.New(fault.Forbidden, "administrate", "", "User %s is not authorized to administrate this broker", c.Name)
}

// MayWrite reports whether the caller may send to a destination.
func (c *Caller) MayWrite(a address.Address) bool { return c.Check(security.Write, a) == nil }

// MayRemove returns what says whether the caller may take a scheduled message off all of its
// destinations, as Check does; nil if there is nothing that he may not.
func (c *Caller) MayRemove() func(*schedule.Job) error {
	if c.principal == nil {
		return nil
	}
	return func(j *schedule.Job) error {
		for _, a := range j.To {
			if err := c.Check(security.Admin, a); err != nil {
				return err
			}
		}
		return nil
	}
}

// Check returns nil if the caller has a right on a destination, as a client would need it, and
// otherwise a fault of kind Forbidden in ActiveMQ's words. Other rights than security.Read also
// need Admin.
func (c *Caller) Check(op security.Operation, a address.Address) error {
	if c.principal == nil {
		return nil
	}
	if op != security.Read {
		if err := c.Admin(); err != nil {
			return err
		}
	}
	if c.gate.o.Authority.Allowed(c.principal, op, a) {
		return nil
	}
	return fault.New(fault.Forbidden, op.String(), a.String(), "User %s is not authorized to %s: %s", c.Name, op, a)
}
