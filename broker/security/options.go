package security

import (
	"slices"
	"time"
)

// Options say who may connect and what they may do. The zero Options let nobody in.
type Options struct {
	// Open turns security off: everybody is let in under the name they give and may do
	// everything. It excludes all other options.
	Open bool

	// Anonymous lets in who gives neither user name nor password, as the user AnonymousUser in
	// the group AnonymousGroup; both are "anonymous" if empty.
	Anonymous      bool
	AnonymousUser  string
	AnonymousGroup string

	Users      []User
	UsersFile  string // ActiveMQ's users.properties: name=password, in clear or as a bcrypt hash
	GroupsFile string // ActiveMQ's groups.properties: group=user,user

	// CertificateUsers maps the subject of a client certificate to a user. Subjects are written
	// as in RFC 2253, such as CN=app,O=Example; Java's older form with spaces is read as well.
	// A text between slashes is a regular expression (RE2), which must match the whole of the
	// subject in Java's older form, such as /CN=app.*, O=Example/. What is written out goes
	// first, then the expressions of the file in its order.
	CertificateUsers map[string]string
	CertificatesFile string // the same in ActiveMQ's form: user=subject

	// CertificateGroupsFile lists, as GroupsFile, groups of users who show a certificate.
	CertificateGroupsFile string

	// CertificateNames takes the common name for the user name where no subject matches. The
	// user must be known: listed as one, or member of a group.
	CertificateNames bool

	// Sources are asked in turn for users that are not in Users or UsersFile. One that fails
	// counts as one that does not know the user.
	Sources []Source

	// Permissions are rights on destinations. Without any, who is let in may do everything.
	Permissions []Permission

	// Granted says that further permissions come by [Authority.Grant]. Until they do, nothing
	// but Permissions is allowed.
	Granted bool

	// Clock returns the time, for the age of remembered verifications; nil means time.Now.
	Clock func() time.Time
}

// User is one who may log in with a password.
type User struct {
	Name     string
	Hash     string // bcrypt, of the password
	Password string // in clear, instead of Hash: for a user that comes from the environment
	Groups   []string
}

// equal reports whether two permissions say the same.
func (p Permission) equal(q Permission) bool {
	return p.Match == q.Match && slices.Equal(p.Read, q.Read) && slices.Equal(p.Write, q.Write) && slices.Equal(p.Admin, q.Admin) &&
		slices.Equal(p.ReadUsers, q.ReadUsers) && slices.Equal(p.WriteUsers, q.WriteUsers) && slices.Equal(p.AdminUsers, q.AdminUsers)
}

// String keeps password and hash out of formatted text.
func (u User) String() string { return "user " + u.Name }

// GoString keeps password and hash out of %#v.
func (u User) GoString() string { return u.String() }

// Permission gives groups, and users by name, rights on the destinations that match.
type Permission struct {
	Match string // queue://, topic://, temp-queue:// or temp-topic://, and a name or pattern
	Read  []string
	Write []string
	Admin []string // create and remove

	ReadUsers, WriteUsers, AdminUsers []string
}

// clock returns the source of time.
func (o *Options) clock() func() time.Time {
	if o.Clock != nil {
		return o.Clock
	}
	return time.Now
}
