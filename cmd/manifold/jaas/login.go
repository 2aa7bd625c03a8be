package jaas

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// Login is what one module of a realm means; one of the pointers is set.
type Login struct {
	Flag       Flag
	Line       int
	Properties *Properties
	Guest      *Guest
	LDAP       *LDAP
	// Certificates is the login by client certificate.
	Certificates *Certificates
}

// Properties are users in files: PropertiesLoginModule.
type Properties struct {
	Users  string // path of a file with lines user=password
	Groups string // path of a file with lines group=user,user
	Reload bool   // the files are read again when they have changed
}

// Guest is a user for those who have none: GuestLoginModule.
type Guest struct {
	User, Group string
	// CredentialsInvalidate says that who shows a password is no guest. Without it a wrong
	// password makes a guest.
	CredentialsInvalidate bool
}

// Certificates are users by the subject of their certificate: TextFileCertificateLoginModule.
type Certificates struct {
	Users  string // path of a file with lines user=distinguished name, or user=/expression/
	Groups string // path of a file with lines group=user,user
}

// LDAP are users of a directory: LDAPLoginModule. The names are Amazon MQ's for the same.
type LDAP struct {
	URLs                   []string
	ServiceAccountUser     string // empty: the directory is searched without a login
	ServiceAccountPassword string
	UserBase               string
	UserSearchMatching     string
	UserSearchSubtree      bool
	UserRoleName           string
	RoleBase               string
	RoleName               string
	RoleSearchMatching     string
	RoleSearchSubtree      bool
	ExpandRoles            bool
	ExpandRolesMatching    string
}

// String keeps the password out of formatted text.
func (l *LDAP) String() string { return "LDAP at " + strings.Join(l.URLs, " ") }

// GoString keeps the password out of %#v.
func (l *LDAP) GoString() string { return l.String() }

// pkg is the package of ActiveMQ's modules.
const pkg = "org.apache.activemq.jaas."

// Logins returns what the realm's modules mean, in their order, and what of their options has no
// meaning here. Errors begin with the line.
func (r *Realm) Logins() (logins []Login, warnings []string, err error) {
	for i := range r.Modules {
		m := &r.Modules[i]
		o := &options{module: m, dir: r.Dir, used: map[string]bool{"debug": true}}
		l := Login{Flag: m.Flag, Line: m.Line}
		switch m.Class {
		case pkg + "PropertiesLoginModule":
			l.Properties, err = o.properties()
		case pkg + "GuestLoginModule":
			l.Guest = o.guest()
		case pkg + "TextFileCertificateLoginModule":
			l.Certificates, err = o.certificates()
		case pkg + "LDAPLoginModule", pkg + "EncryptableLDAPLoginModule":
			l.LDAP, err = o.ldap()
		default:
			err = failure(m.Line, "the module %s is not known; there are %s with the names Properties-, Guest-, LDAP- and TextFileCertificateLoginModule", m.Class, pkg+"*")
		}
		if err != nil {
			return nil, nil, err
		}
		logins = append(logins, l)
		warnings = append(warnings, o.unused()...)
	}
	if len(logins) == 0 {
		return nil, nil, failure(r.Line, "the realm %s has no module, so that nobody could log in", r.Name)
	}
	return logins, warnings, nil
}

// options reads the options of one module.
type options struct {
	module *Module
	dir    string
	used   map[string]bool
}

// get returns an option's value and line; without the option, the line is the module's.
func (o *options) get(name string) (value string, line int) {
	o.used[name] = true
	for _, opt := range o.module.Options {
		if opt.Name == name {
			return opt.Value, opt.Line
		}
	}
	return "", o.module.Line
}

func (o *options) text(name string) string {
	value, _ := o.get(name)
	return value
}

// truth reads an option as Java's Boolean does: everything but "true" is false.
func (o *options) truth(name string) bool { return strings.EqualFold(o.text(name), "true") }

// need returns an option that must be there.
func (o *options) need(name string) (string, error) {
	value, line := o.get(name)
	if value == "" {
		return "", failure(line, "the module needs the option %s", name)
	}
	return value, nil
}

// unused lists options that nobody asked for.
func (o *options) unused() (list []string) {
	for _, opt := range o.module.Options {
		if !o.used[opt.Name] {
			list = append(list, fmt.Sprintf("line %d: the option %s has no meaning here", opt.Line, opt.Name))
		}
	}
	return list
}

// file returns the path in an option.
func (o *options) file(name string) (string, error) {
	path, err := o.need(name)
	if err != nil {
		return "", err
	}
	if filepath.IsAbs(path) {
		return path, nil
	}
	base := o.text("baseDir")
	if base == "" {
		base = o.dir
	}
	return filepath.Join(base, path), nil
}

func (o *options) properties() (*Properties, error) {
	if err := o.plain(); err != nil {
		return nil, err
	}
	users, err := o.file(pkg + "properties.user")
	if err != nil {
		return nil, err
	}
	groups, err := o.file(pkg + "properties.group")
	return &Properties{Users: users, Groups: groups, Reload: o.truth("reload")}, err
}

func (o *options) certificates() (*Certificates, error) {
	if err := o.plain(); err != nil {
		return nil, err
	}
	users, err := o.file(pkg + "textfiledn.user")
	if err != nil {
		return nil, err
	}
	groups, err := o.file(pkg + "textfiledn.group")
	o.used["reload"] = true
	return &Certificates{Users: users, Groups: groups}, err
}

// plain refuses files whose values are encrypted.
func (o *options) plain() error {
	o.used["baseDir"] = true
	if o.truth("decrypt") {
		_, line := o.get("decrypt")
		return failure(line, "passwords that are encrypted for ActiveMQ can't be read without its key; write bcrypt hashes, as `manifold user hash` prints them, and remove decrypt")
	}
	return nil
}

func (o *options) guest() *Guest {
	g := &Guest{
		User: o.text(pkg + "guest.user"), Group: o.text(pkg + "guest.group"),
		CredentialsInvalidate: o.truth("credentialsInvalidate"),
	}
	if g.User == "" {
		g.User = "guest"
	}
	if g.Group == "" {
		g.Group = "guests"
	}
	return g
}

func (o *options) ldap() (*LDAP, error) {
	o.used["initialContextFactory"] = true
	l := &LDAP{
		UserSearchSubtree: o.truth("userSearchSubtree"), UserRoleName: o.text("userRoleName"),
		RoleBase: o.text("roleBase"), RoleName: o.text("roleName"), RoleSearchMatching: o.text("roleSearchMatching"),
		RoleSearchSubtree: o.truth("roleSearchSubtree"),
		ExpandRoles:       o.truth("expandRoles"), ExpandRolesMatching: o.text("expandRolesMatching"),
	}
	var err error
	if l.UserBase, err = o.need("userBase"); err != nil {
		return nil, err
	}
	if l.UserSearchMatching, err = o.need("userSearchMatching"); err != nil {
		return nil, err
	}
	if err := o.account(l); err != nil {
		return nil, err
	}
	return l, o.urls(l)
}

// account reads how the directory is searched.
func (o *options) account(l *LDAP) (err error) {
	how, line := o.get("authentication")
	user, password := o.text("connectionUsername"), o.text("connectionPassword")
	switch strings.ToLower(how) {
	case "none":
		return nil
	case "", "simple":
	default:
		return failure(line, "authentication %s is not spoken; there are simple and none", how)
	}
	if user == "" {
		_, err = o.need("connectionUsername") // as ActiveMQ, which refuses to search without a login unless told
		return err
	}
	if password == "" {
		_, err = o.need("connectionPassword")
		return err
	}
	if strings.HasPrefix(password, "ENC(") {
		_, line = o.get("connectionPassword")
		return failure(line, "the password is encrypted for ActiveMQ, ENC(...), and can't be read without its key; write it out, or use the keys security.ldap")
	}
	l.ServiceAccountUser, l.ServiceAccountPassword = user, password
	return nil
}

// urls reads where the directory is. A name at the end of a URL is what the bases are relative to.
func (o *options) urls(l *LDAP) error {
	text, err := o.need("connectionURL")
	if err != nil {
		return err
	}
	_, line := o.get("connectionURL")
	secure := strings.EqualFold(o.text("connectionProtocol"), "ssl")
	root, first := "", true
	for s := range strings.FieldsSeq(text) {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || u.Scheme != "ldap" && u.Scheme != "ldaps" || u.RawQuery != "" || u.User != nil {
			return failure(line, "%q is not the URL of a directory, such as ldap://host:389", s)
		}
		base := strings.TrimPrefix(u.Path, "/")
		if !first && base != root {
			return failure(line, "the URLs end with different names")
		}
		root, first = base, false
		if secure {
			u.Scheme = "ldaps"
			if u.Port() == "" {
				u.Host += ":389" // what Java connects to
			}
		}
		l.URLs = append(l.URLs, u.Scheme+"://"+u.Host)
	}
	if root != "" {
		l.UserBase += "," + root
		if l.RoleBase != "" {
			l.RoleBase += "," + root
		} else {
			l.RoleBase = root
		}
	}
	return nil
}
