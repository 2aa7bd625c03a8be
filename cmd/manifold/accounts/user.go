package accounts

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/crypto/bcrypt"
)

// User is one user of the two files.
type User struct {
	Name     string
	Password string   // in clear or a bcrypt hash
	Groups   []string // in the order of the groups file
}

// Read returns the users of a users file with their groups. An empty groupsFile means that
// nobody is in a group. Neither file needs to exist.
func Read(usersFile, groupsFile string) ([]User, error) {
	users, err := Open(usersFile)
	if err != nil {
		return nil, err
	}
	groups := &File{}
	if groupsFile != "" {
		if groups, err = Open(groupsFile); err != nil {
			return nil, err
		}
	}
	all := make([]User, 0, len(users.entries))
	for _, name := range users.Names() {
		password, _ := users.Get(name)
		all = append(all, User{name, password, groups.Groups(name)})
	}
	return all, nil
}

// Groups returns the groups of a groups file that name is in.
func (f *File) Groups(name string) []string {
	var in []string
	for _, group := range f.Names() {
		members, _ := f.Get(group)
		if slices.Contains(splitMembers(members), name) {
			in = append(in, group)
		}
	}
	return in
}

// SetGroups puts name into exactly these groups of a groups file.
func (f *File) SetGroups(name string, groups []string) {
	for _, group := range f.Names() {
		text, _ := f.Get(group)
		members := splitMembers(text)
		is, want := slices.Contains(members, name), slices.Contains(groups, group)
		switch {
		case is && !want:
			members = slices.DeleteFunc(members, func(m string) bool { return m == name })
		case !is && want:
			members = append(members, name)
		default:
			continue
		}
		f.Set(group, strings.Join(members, ","))
	}
	for _, group := range groups {
		if _, known := f.Get(group); !known {
			f.Set(group, name)
		}
	}
}

func splitMembers(text string) []string {
	var all []string
	for m := range strings.SplitSeq(text, ",") {
		if m = strings.TrimSpace(m); m != "" {
			all = append(all, m)
		}
	}
	return all
}

// CheckName refuses names that the files, or lists in them, can't hold.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case name != strings.TrimSpace(name):
		return errors.New("the name begins or ends with white space")
	case strings.Contains(name, ","):
		return errors.New("the name contains a comma, which separates names in the groups file")
	case strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("the name contains a control character")
	}
	return nil
}

// Hash returns the bcrypt hash of a password. It takes a noticeable time, as it should.
func Hash(password string, cost int) (string, error) {
	if password == "" {
		return "", errors.New("the password is empty")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if errors.Is(err, bcrypt.ErrPasswordTooLong) {
		return "", errors.New("the password is longer than 72 bytes, which is all that bcrypt looks at")
	}
	return string(hash), err
}

// DefaultCost is a cost of bcrypt at which one check takes about 60 ms on a server.
const DefaultCost = bcrypt.DefaultCost

// MinCost and MaxCost bound what bcrypt accepts.
const (
	MinCost = bcrypt.MinCost
	MaxCost = bcrypt.MaxCost
)
