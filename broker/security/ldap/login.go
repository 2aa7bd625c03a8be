package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/security"
)

// nameMax is the longest user name that a directory is asked for, in bytes.
const nameMax = 512

// rolesMax is how many groups one user may be in.
const rolesMax = 10000

// Verify implements security.Source.
func (d *Directory) Verify(ctx context.Context, name, password string) (groups []string, err error) {
	if d.o.UserBase == "" || !searchable(name) {
		return nil, security.ErrNoUser
	}
	if password == "" {
		return nil, refusal(name) // the directory would let nobody in particular in
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.Timeout)
	defer cancel()
	var verdict error
	err = d.use(ctx, loginBytes, func(c *connection) (err error) {
		groups, verdict, err = d.login(c, name, password)
		return err
	})
	if err != nil {
		d.log.warn("the directory could not tell who a client is", "user", name, "error", err)
		return nil, err
	}
	return groups, verdict
}

// searchable reports whether a name can be that of one user and of no other: directories take no
// notice of spaces around a name.
func searchable(name string) bool {
	return name != "" && len(name) <= nameMax && utf8.ValidString(name) && name == strings.TrimSpace(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func refusal(name string) error {
	return fault.New(fault.Unauthenticated, "connect", name, "User name [%s] or password is invalid.", name)
}

// login finds the user and its groups, and binds with the password. The verdict is why the user is
// not let in; err is why that could not be told.
func (d *Directory) login(c *connection, name, password string) (groups []string, verdict, err error) {
	user, verdict, err := d.find(c, name)
	if verdict != nil || err != nil {
		return nil, verdict, err
	}
	if groups, err = d.roles(c, user, name); err != nil {
		return nil, nil, err
	}
	c.service = false
	err = c.Bind(user.DN, password)
	switch {
	case err == nil:
		return groups, nil, nil
	case refuses(err):
		return nil, refusal(name), nil
	default:
		return nil, nil, fmt.Errorf("the login of a user: %w", err)
	}
}

// refuses reports whether a bind failed for what is wrong with user or password.
func refuses(err error) bool {
	return ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInappropriateAuthentication,
		ldap.LDAPResultNoSuchObject, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultUnwillingToPerform,
		ldap.LDAPResultConstraintViolation)
}

// find returns the entry of a user. There must be one: with two, nobody knows who it is.
func (d *Directory) find(c *connection, name string) (user *ldap.Entry, verdict, err error) {
	attributes := []string{"1.1"} // none [RFC 4511 4.5.1.8]
	if d.o.UserRoleName != "" {
		attributes = []string{d.o.UserRoleName}
	}
	entries, err := d.search(c, d.o.UserBase, d.o.UserSearchSubtree, fill(d.o.UserSearchMatching, name), attributes, 2)
	switch {
	case err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded):
		return nil, nil, fmt.Errorf("the search for a user: %w", err)
	case err != nil || len(entries) > 1:
		d.log.warn("the directory has several entries for one user name, who can't log in", "user", name)
		return nil, refusal(name), nil
	case len(entries) == 0 || entries[0].DN == "":
		return nil, security.ErrNoUser, nil
	}
	return entries[0], nil, nil
}

// search returns the entries below a base that a filter matches.
func (d *Directory) search(c *connection, base string, subtree bool, filter string, attributes []string, limit int) ([]*ldap.Entry, error) {
	scope := ldap.ScopeSingleLevel
	if subtree {
		scope = ldap.ScopeWholeSubtree
	}
	seconds := max(1, int(d.o.Timeout.Seconds()))
	result, err := c.Search(ldap.NewSearchRequest(base, scope, ldap.DerefAlways, limit, seconds, false, filter, attributes, nil))
	if err != nil {
		return nil, err
	}
	return result.Entries, nil
}

// roles returns the groups of a user.
func (d *Directory) roles(c *connection, user *ldap.Entry, name string) ([]string, error) {
	var names []string
	if d.o.UserRoleName != "" {
		names = user.GetEqualFoldAttributeValues(d.o.UserRoleName)
	}
	if d.o.RoleBase != "" {
		found, err := d.search(c, d.o.RoleBase, d.o.RoleSearchSubtree, fill(d.o.RoleSearchMatching, user.DN, name), []string{d.o.RoleName}, 0)
		if err != nil {
			return nil, fmt.Errorf("the search for groups: %w", err)
		}
		if found, err = d.expand(c, found); err != nil {
			return nil, fmt.Errorf("the search for groups of groups: %w", err)
		}
		for _, e := range found {
			names = append(names, e.GetEqualFoldAttributeValues(d.o.RoleName)...)
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(s string) bool { return s == "" }), nil
}

// expand adds the groups that groups are members of, each once.
func (d *Directory) expand(c *connection, found []*ldap.Entry) ([]*ldap.Entry, error) {
	if !d.o.ExpandRoles {
		return found, nil
	}
	seen := make(map[string]bool)
	for _, e := range found {
		seen[e.DN] = true
	}
	for i := 0; i < len(found); i++ { // which grows
		more, err := d.search(c, d.o.RoleBase, d.o.RoleSearchSubtree, fill(d.o.ExpandRolesMatching, found[i].DN), []string{d.o.RoleName}, 0)
		if err != nil {
			return nil, err
		}
		for _, e := range more {
			if !seen[e.DN] {
				seen[e.DN] = true
				found = append(found, e)
			}
		}
		if len(found) > rolesMax {
			return nil, errors.New("too many groups")
		}
	}
	return found, nil
}
