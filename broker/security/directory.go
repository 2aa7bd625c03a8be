package security

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/manifoldmq/manifold/broker/security/properties"
)

// directory is the users and groups of the options and their files. It never changes.
type directory struct {
	secrets map[string]secret
	groups  map[string][]string // user → groups, in order, each once; also users without password
	decoy   secret              // what the password of an unknown user is compared with
}

// newDirectory reads users and groups.
func newDirectory(o *Options) (*directory, error) {
	d := &directory{secrets: make(map[string]secret), groups: make(map[string][]string)}
	for _, u := range o.Users {
		if err := d.addUser(u); err != nil {
			return nil, fmt.Errorf("user %q: %w", u.Name, err)
		}
	}
	if o.UsersFile != "" {
		if err := d.readUsers(o.UsersFile); err != nil {
			return nil, err
		}
	}
	if o.GroupsFile != "" {
		if err := d.readGroups(o.GroupsFile); err != nil {
			return nil, err
		}
	}
	for user, groups := range d.groups {
		slices.Sort(groups)
		d.groups[user] = slices.Compact(groups)
	}
	d.decoy = newDecoy(d.secrets)
	return d, nil
}

// addUser takes one user of the options.
func (d *directory) addUser(u User) error {
	s := secret{text: u.Password}
	switch {
	case u.Hash != "" && u.Password != "":
		return errors.New("has a hash and a password")
	case u.Hash != "":
		cost, err := checkHash(u.Hash)
		if err != nil {
			return err
		}
		s = secret{text: u.Hash, cost: cost}
	}
	if err := d.add(u.Name, s); err != nil {
		return err
	}
	for _, g := range u.Groups {
		if err := checkGroup(g); err != nil {
			return err
		}
		d.groups[u.Name] = append(d.groups[u.Name], g)
	}
	return nil
}

// readUsers reads a file of users.
func (d *directory) readUsers(path string) error {
	pairs, err := properties.ReadFile(path)
	if err != nil {
		return fmt.Errorf("users: %w", err)
	}
	for _, p := range pairs {
		s, err := fileSecret(p.Value)
		if err == nil {
			err = d.add(p.Key, s)
		}
		if err != nil {
			return fmt.Errorf("users: %s:%d: user %q: %w", path, p.Line, p.Key, err)
		}
	}
	return nil
}

// fileSecret reads the value of a user in a file: a hash or a password in clear.
func fileSecret(value string) (secret, error) {
	switch {
	case strings.HasPrefix(value, "ENC("):
		return secret{}, errors.New("the password is encrypted for ActiveMQ, ENC(...), and can't be read without its key; put a bcrypt hash in its place")
	case isHash(value):
		cost, err := checkHash(value)
		return secret{text: value, cost: cost}, err
	default:
		return secret{text: value}, nil
	}
}

// add takes one user.
func (d *directory) add(name string, s secret) error {
	if err := checkUser(name); err != nil {
		return err
	}
	if s.text == "" {
		return errors.New("has no password")
	}
	if _, twice := d.secrets[name]; twice {
		return errors.New("is listed twice")
	}
	d.secrets[name] = s
	return nil
}

// readGroups reads a file of groups.
func (d *directory) readGroups(path string) error {
	pairs, err := properties.ReadFile(path)
	if err != nil {
		return fmt.Errorf("groups: %w", err)
	}
	for _, p := range pairs {
		if err := checkGroup(p.Key); err != nil {
			return fmt.Errorf("groups: %s:%d: %w", path, p.Line, err)
		}
		for user := range strings.SplitSeq(p.Value, ",") {
			if user = strings.TrimSpace(user); user != "" {
				d.groups[user] = append(d.groups[user], p.Key)
			}
		}
	}
	return nil
}

// checkUser refuses names that can't be told apart in a log or a list.
func checkUser(name string) error {
	if name == "" || name != strings.TrimSpace(name) || strings.ContainsFunc(name, isControl) {
		return fmt.Errorf("%q is not the name of a user", name)
	}
	return nil
}

// checkGroup refuses what a list of groups can't express.
func checkGroup(name string) error {
	if name == "" || name == "*" || name != strings.TrimSpace(name) || strings.Contains(name, ",") || strings.ContainsFunc(name, isControl) {
		return fmt.Errorf("%q is not the name of a group", name)
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// has reports whether name may log in with a password.
func (d *directory) has(name string) bool {
	_, ok := d.secrets[name]
	return ok
}

// knows reports whether name is a user or the member of a group.
func (d *directory) knows(name string) bool {
	_, ok := d.groups[name]
	return ok || d.has(name)
}

// principal returns who name is: in its own groups and in further ones.
func (d *directory) principal(name string, further []string, from origin) *Principal {
	groups := append(slices.Clone(d.groups[name]), further...)
	slices.Sort(groups)
	return &Principal{Name: name, Groups: slices.Compact(groups), origin: from}
}

// verify reports whether password is name's. For an unknown name it takes as long.
func (d *directory) verify(ctx context.Context, v *verifier, name, password string) (known, ok bool, err error) {
	s, known := d.secrets[name]
	if !known {
		s = d.decoy
	}
	ok, err = v.verify(ctx, name, password, s, d.decoy)
	return known, ok && known, err
}

// newDecoy returns a secret that nobody's password matches and that is as expensive to verify as
// the most expensive one.
func newDecoy(secrets map[string]secret) secret {
	cost := 0
	for _, s := range secrets {
		cost = max(cost, s.cost)
	}
	if cost == 0 {
		return secret{}
	}
	return secret{text: fmt.Sprintf("$2a$%02d$%s", cost, strings.Repeat(".", saltAndHash)), cost: cost}
}
