package security

import (
	"errors"
	"fmt"
	"strings"

	"github.com/manifoldmq/manifold/broker/address"
)

// acl is the list of permissions by kind of destination.
type acl struct {
	entries [address.TempTopic + 1][]entry
}

// entry is one permission: who has which right on what matches.
type entry struct {
	match  pattern
	groups [rights]groupSet
}

// groupSet is who has a right.
type groupSet struct {
	everybody bool
	names     map[string]struct{}
	users     map[string]struct{} // nil: none by name
}

// newACL returns the list of permissions.
func newACL(list []Permission) (*acl, error) {
	l := new(acl)
	for i, p := range list {
		e, kind, err := newEntry(p)
		if err != nil {
			return nil, fmt.Errorf("permission %d, %q: %w", i+1, p.Match, err)
		}
		l.entries[kind] = append(l.entries[kind], e)
	}
	return l, nil
}

func newEntry(p Permission) (entry, address.Kind, error) {
	dest := address.Parse(p.Match, address.None)
	if dest.Kind == address.None {
		return entry{}, 0, errors.New("does not start with queue://, topic://, temp-queue:// or temp-topic://")
	}
	match, err := newPattern(dest.Name)
	if err != nil {
		return entry{}, 0, err
	}
	e := entry{match: match}
	for right, groups := range [rights][]string{Read: p.Read, Write: p.Write, Admin: p.Admin} {
		if e.groups[right], err = newGroupSet(groups); err != nil {
			return entry{}, 0, fmt.Errorf("%s: %w", [rights]string{"read", "write", "admin"}[right], err)
		}
	}
	for right, users := range [rights][]string{Read: p.ReadUsers, Write: p.WriteUsers, Admin: p.AdminUsers} {
		if len(users) == 0 {
			continue
		}
		e.groups[right].users = make(map[string]struct{}, len(users))
		for _, name := range users {
			e.groups[right].users[name] = struct{}{}
		}
	}
	return e, dest.Kind, nil
}

func newGroupSet(groups []string) (groupSet, error) {
	g := groupSet{names: make(map[string]struct{}, len(groups))}
	for _, name := range groups {
		switch {
		case name == "*":
			g.everybody = true
		case name == "" || name != strings.TrimSpace(name) || strings.Contains(name, ","):
			return groupSet{}, fmt.Errorf("%q is not the name of a group", name)
		default:
			g.names[name] = struct{}{}
		}
	}
	return g, nil
}

// allowed reports whether an entry gives p the right. The kinds of temporary destinations are
// everybody's until an entry names them.
func (l *acl) allowed(p *Principal, op Operation, dest address.Address) bool {
	entries := l.entries[dest.Kind]
	if len(entries) == 0 {
		return dest.Kind.IsTemp()
	}
	right := op.right()
	for i := range entries {
		if e := &entries[i]; e.groups[right].has(p) && e.match.covers(dest.Name) {
			return true
		}
	}
	return false
}

// has reports whether p belongs to the set.
func (g *groupSet) has(p *Principal) bool {
	if g.everybody {
		return true
	}
	if _, ok := g.users[p.Name]; ok {
		return true
	}
	for _, name := range p.Groups {
		if _, ok := g.names[name]; ok {
			return true
		}
	}
	return false
}

// Check says what is wrong with a permission.
func (p Permission) Check() error {
	_, _, err := newEntry(p)
	return err
}
