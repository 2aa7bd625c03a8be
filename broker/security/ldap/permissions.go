package ldap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/manifoldmq/manifold/broker/security"
)

// PermissionOptions say how permissions are found in a directory. Their names and meaning are
// those of ActiveMQ's cachedLDAPAuthorizationMap.
//
// Below a search base each destination or pattern has an entry, in whose name "$" stands for the
// ">" that names can't well have, and below that one group for each right, whose members have the
// right. A member is the entry of a group or of a user; one whose name has a single part, such as
// cn=admins, is the group of that name. Temporary destinations have one entry for all of them.
type PermissionOptions struct {
	QueueSearchBase string // distinguished name; empty: no permissions for queues
	TopicSearchBase string
	TempSearchBase  string

	ReadPermissionGroupSearchFilter  string // such as (cn=read)
	WritePermissionGroupSearchFilter string
	AdminPermissionGroupSearchFilter string

	PermissionGroupMemberAttribute string // such as member
	GroupObjectClass               string // of an entry that is a group
	GroupNameAttribute             string // of a group: its name
	UserObjectClass                string // of an entry that is a user
	UserNameAttribute              string // of a user: its name
}

// permissionTime is how long it may take to read all permissions, as a multiple of the time for a
// login, permissionBytes how large they may be in all.
const (
	permissionTime  = 12
	permissionBytes = 32 << 20
	permissionPage  = 500 // entries in one answer
)

// check says what is wrong with the options.
func (o *PermissionOptions) check() error {
	for _, base := range []string{o.QueueSearchBase, o.TopicSearchBase, o.TempSearchBase} {
		if _, err := ldap.ParseDN(base); err != nil {
			return fmt.Errorf("the search base %q is not a distinguished name: %w", base, err)
		}
	}
	for _, filter := range o.filters() {
		if err := CheckFilter(filter, 0); err != nil {
			return err
		}
	}
	for _, name := range []string{o.PermissionGroupMemberAttribute, o.GroupObjectClass, o.GroupNameAttribute, o.UserObjectClass, o.UserNameAttribute} {
		if name == "" {
			return errors.New("an attribute or an object class has no name")
		}
	}
	return nil
}

// filters are those for the rights read, write and admin.
func (o *PermissionOptions) filters() [3]string {
	return [3]string{o.ReadPermissionGroupSearchFilter, o.WritePermissionGroupSearchFilter, o.AdminPermissionGroupSearchFilter}
}

// Permissions is what a directory says about destinations.
type Permissions struct {
	d *Directory
	o PermissionOptions
}

// Permissions returns the permissions of the directory; [Permissions.Read] asks for them.
func (d *Directory) Permissions(o PermissionOptions) (*Permissions, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("ldap: permissions: %w", err)
	}
	return &Permissions{d, o}, nil
}

// Read returns all permissions, in a fixed order. What of them is unclear is left out, and the log
// says so: that gives nobody a right.
func (p *Permissions) Read(ctx context.Context) ([]security.Permission, error) {
	ctx, cancel := context.WithTimeout(ctx, permissionTime*p.d.o.Timeout)
	defer cancel()
	var list []security.Permission
	err := p.d.use(ctx, permissionBytes, func(c *connection) error {
		r := &permissionReader{p, c, make(map[string]*security.Permission), make(map[string]member)}
		for _, s := range []struct {
			base  string
			kinds []string
			depth int // of the group below the base
		}{
			{p.o.QueueSearchBase, []string{"queue://"}, 2},
			{p.o.TopicSearchBase, []string{"topic://"}, 2},
			{p.o.TempSearchBase, []string{"temp-queue://", "temp-topic://"}, 1},
		} {
			if s.base == "" {
				continue
			}
			if err := r.read(s.base, s.kinds, s.depth); err != nil {
				return fmt.Errorf("the permissions below %s: %w", s.base, err)
			}
		}
		list = r.list()
		return nil
	})
	return list, err
}

// member is who is behind a member's distinguished name.
type member struct {
	name string // empty: nobody
	user bool
}

// permissionReader collects permissions.
type permissionReader struct {
	*Permissions
	c       *connection
	found   map[string]*security.Permission // by what they match
	members map[string]member               // by distinguished name
}

// read collects what is below one base.
func (r *permissionReader) read(base string, kinds []string, depth int) error {
	root, err := ldap.ParseDN(base)
	if err != nil {
		return err
	}
	for right, filter := range r.o.filters() {
		request := ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.DerefAlways, 0, 0, false, filter,
			[]string{r.o.PermissionGroupMemberAttribute}, nil)
		result, err := r.c.SearchWithPaging(request, permissionPage)
		if err != nil {
			return err
		}
		for _, e := range result.Entries {
			pattern, err := patternOf(e.DN, root, depth)
			if err != nil {
				r.d.log.warn("a permission of the directory is left out", "entry", e.DN, "error", err)
				continue
			}
			groups, users, err := r.resolve(e)
			if err != nil {
				return err
			}
			for _, kind := range kinds {
				r.add(kind+pattern, right, groups, users)
			}
		}
	}
	return nil
}

// patternOf returns the pattern that an entry's name holds.
func patternOf(dn string, root *ldap.DN, depth int) (string, error) {
	name, err := ldap.ParseDN(dn)
	if err != nil {
		return "", err
	}
	if len(name.RDNs) != len(root.RDNs)+depth || !root.AncestorOfFold(name) {
		return "", errors.New("it is not at the level where permissions are")
	}
	if depth == 1 {
		return ">", nil
	}
	level := name.RDNs[1]
	if len(level.Attributes) != 1 {
		return "", errors.New("the name of its destination has several parts")
	}
	pattern := strings.ReplaceAll(level.Attributes[0].Value, "$", ">")
	probe := security.Permission{Match: "queue://" + pattern}
	return pattern, probe.Check()
}

// resolve returns who the members of a permission's entry are.
func (r *permissionReader) resolve(e *ldap.Entry) (groups, users []string, err error) {
	for _, dn := range e.GetEqualFoldAttributeValues(r.o.PermissionGroupMemberAttribute) {
		m, known := r.members[dn]
		if !known {
			if m, err = r.member(dn); err != nil {
				return nil, nil, err
			}
			r.members[dn] = m
		}
		switch {
		case m.name == "":
			r.d.log.warn("a member of a permission of the directory is left out: it is neither a group nor a user", "member", dn, "entry", e.DN)
		case m.user:
			users = append(users, m.name)
		default:
			groups = append(groups, m.name)
		}
	}
	return groups, users, nil
}

// member looks a member up.
func (r *permissionReader) member(dn string) (member, error) {
	name, err := ldap.ParseDN(dn)
	if err != nil || len(name.RDNs) == 0 {
		return member{}, nil
	}
	if first := name.RDNs[0].Attributes; len(name.RDNs) == 1 && len(first) == 1 {
		return valid(member{name: first[0].Value}), nil
	}
	attributes := []string{"objectClass", r.o.GroupNameAttribute, r.o.UserNameAttribute}
	result, err := r.c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.DerefAlways, 1, 0, false, "(objectClass=*)", attributes, nil))
	switch {
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultReferral, ldap.LDAPResultInvalidDNSyntax):
		return member{}, nil
	case err != nil:
		return member{}, err
	case len(result.Entries) != 1:
		return member{}, nil
	}
	e := result.Entries[0]
	is := func(class string) bool {
		return slices.ContainsFunc(e.GetEqualFoldAttributeValues("objectClass"), func(s string) bool { return strings.EqualFold(s, class) })
	}
	switch group, user := is(r.o.GroupObjectClass), is(r.o.UserObjectClass); {
	case group && !user:
		return valid(member{name: e.GetEqualFoldAttributeValue(r.o.GroupNameAttribute)}), nil
	case user && !group:
		return valid(member{name: e.GetEqualFoldAttributeValue(r.o.UserNameAttribute), user: true}), nil
	}
	return member{}, nil
}

// valid makes nobody of a group whose name a list of groups can't have.
func valid(m member) member {
	if strings.Contains(m.name, ",") || m.name != strings.TrimSpace(m.name) {
		return member{}
	}
	return m
}

// add unites groups and users with those that have a right already.
func (r *permissionReader) add(match string, right int, groups, users []string) {
	p := r.found[match]
	if p == nil {
		p = &security.Permission{Match: match}
		r.found[match] = p
	}
	g := [...]*[]string{&p.Read, &p.Write, &p.Admin}[right]
	u := [...]*[]string{&p.ReadUsers, &p.WriteUsers, &p.AdminUsers}[right]
	*g, *u = append(*g, groups...), append(*u, users...)
}

// list returns what was collected.
func (r *permissionReader) list() []security.Permission {
	list := make([]security.Permission, 0, len(r.found))
	for _, p := range r.found {
		for _, names := range []*[]string{&p.Read, &p.Write, &p.Admin, &p.ReadUsers, &p.WriteUsers, &p.AdminUsers} {
			slices.Sort(*names)
			*names = slices.Compact(*names)
		}
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b security.Permission) int { return cmp.Compare(a.Match, b.Match) })
	return list
}

// DefaultPermissions are ActiveMQ's settings, but for the search bases.
func DefaultPermissions() PermissionOptions {
	return PermissionOptions{
		ReadPermissionGroupSearchFilter: "(cn=read)", WritePermissionGroupSearchFilter: "(cn=write)", AdminPermissionGroupSearchFilter: "(cn=admin)",
		PermissionGroupMemberAttribute: "member",
		GroupObjectClass:               "groupOfNames", GroupNameAttribute: "cn", UserObjectClass: "person", UserNameAttribute: "uid",
	}
}
