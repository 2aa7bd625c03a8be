package ldap

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Options say where a directory is and how users and groups are found in it. The names are those
// that Amazon MQ has for the options of ActiveMQ's module.
type Options struct {
	URLs []string // ldap://host:port or ldaps://host:port; asked in their order

	// ServiceAccountUser is the distinguished name that searches are done as, with its password;
	// empty: searches are anonymous.
	ServiceAccountUser     string
	ServiceAccountPassword string

	UserBase           string // distinguished name of the entry below which users are; empty: no users
	UserSearchMatching string // filter for a user's entry; {0} is the user name
	UserSearchSubtree  bool   // look at all levels below UserBase, not only at the next one
	UserRoleName       string // attribute of the user's entry that names groups; empty: none

	RoleBase            string // distinguished name of the entry below which groups are; empty: not searched
	RoleName            string // attribute of a group's entry that is its name
	RoleSearchMatching  string // filter for a user's groups; {0} is the entry's name, {1} the user name
	RoleSearchSubtree   bool
	ExpandRoles         bool   // also look for the groups that these groups are members of
	ExpandRolesMatching string // filter for that; {0} is the name of a group's entry

	CA       string        // PEM file with the authorities that servers are checked against; empty: the system's
	StartTLS bool          // turn TLS on before anything else is said, on ldap:// URLs
	Timeout  time.Duration // of a login; 0 stands for 5 s

	// Connections is how many connections there are at a time, and so how many logins under
	// way; 0 stands for 8.
	Connections int

	Log *slog.Logger // nil: nothing is logged
	now func() time.Time
}

// String keeps the password out of formatted text.
func (o Options) String() string { return "directory at " + strings.Join(o.URLs, " ") }

// GoString keeps the password out of %#v.
func (o Options) GoString() string { return o.String() }

// What holds where the options say nothing.
const (
	defaultTimeout     = 5 * time.Second
	defaultConnections = 8
)

// server is one URL.
type server struct {
	url     string
	address string // host:port
	host    string
	secure  bool // TLS from the first byte
}

// check completes the options.
func (o *Options) check() (servers []*server, err error) {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Connections <= 0 {
		o.Connections = defaultConnections
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.now == nil {
		o.now = time.Now
	}
	if len(o.URLs) == 0 {
		return nil, errors.New("names no URL")
	}
	for _, u := range o.URLs {
		s, err := newServer(u)
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
	}
	switch {
	case o.ServiceAccountUser != "" && o.ServiceAccountPassword == "":
		return nil, errors.New("the service account has no password")
	case o.ServiceAccountUser == "" && o.ServiceAccountPassword != "":
		return nil, errors.New("the password of the service account belongs to nobody")
	}
	return servers, o.checkSearches()
}

// checkSearches checks filters and names.
func (o *Options) checkSearches() error {
	if o.UserBase == "" {
		return nil
	}
	for name, base := range map[string]string{"user base": o.UserBase, "role base": o.RoleBase} {
		if _, err := ldap.ParseDN(base); err != nil {
			return fmt.Errorf("the %s %q is not a distinguished name: %w", name, base, err)
		}
	}
	if err := CheckFilter(o.UserSearchMatching, 1); err != nil {
		return fmt.Errorf("the filter for users: %w", err)
	}
	if !strings.Contains(o.UserSearchMatching, "{0}") {
		return fmt.Errorf("the filter for users: %q has no {0} for the user name, so that everybody would be the same", o.UserSearchMatching)
	}
	if o.RoleBase != "" {
		if o.RoleName == "" || o.RoleSearchMatching == "" {
			return errors.New("does not say how groups are found: role name and filter are needed")
		}
		if err := CheckFilter(o.RoleSearchMatching, 2); err != nil {
			return fmt.Errorf("the filter for groups: %w", err)
		}
	}
	if o.ExpandRoles {
		if err := CheckFilter(o.ExpandRolesMatching, 1); err != nil {
			return fmt.Errorf("the filter for groups of groups: %w", err)
		}
	}
	return nil
}

// newServer reads a URL.
func newServer(text string) (*server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "ldap" && u.Scheme != "ldaps" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%q is not the URL of a directory, such as ldaps://host:636", text)
	}
	s := &server{url: u.Scheme + "://" + u.Host, host: u.Hostname(), secure: u.Scheme == "ldaps"}
	port := u.Port()
	switch {
	case port == "" && s.secure:
		port = "636"
	case port == "":
		port = "389"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return nil, fmt.Errorf("%q has no valid port", text)
	}
	s.address = net.JoinHostPort(s.host, port)
	return s, nil
}

// CheckFilter says what is wrong with a filter (RFC 4515) that has places {0} and on.
func CheckFilter(filter string, places int) error {
	values := make([]string, places)
	for i := range values {
		values[i] = "x"
	}
	text := fill(filter, values...)
	for i := places; i < 10; i++ {
		if strings.Contains(text, "{"+strconv.Itoa(i)+"}") {
			return fmt.Errorf("%q has a place {%d}, which stands for nothing", filter, i)
		}
	}
	if _, err := ldap.CompileFilter(text); err != nil {
		return fmt.Errorf("%q is not a filter such as (uid={0})", filter)
	}
	return nil
}

// fill puts values into the places of a filter, escaped so that they are nothing but values.
func fill(filter string, values ...string) string {
	pairs := make([]string, 0, 2*len(values))
	for i, v := range values {
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", ldap.EscapeFilter(v))
	}
	return strings.NewReplacer(pairs...).Replace(filter)
}
