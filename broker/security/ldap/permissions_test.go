package ldap

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/broker/security/ldap/ldaptest"
)

// layout are ActiveMQ's search bases in the test directory.
func layout() PermissionOptions {
	o := DefaultPermissions()
	o.QueueSearchBase = "ou=Queue," + ldaptest.Destinations
	o.TopicSearchBase = "ou=Topic," + ldaptest.Destinations
	o.TempSearchBase = "ou=Temp," + ldaptest.Destinations
	return o
}

// permissions reads what the directory says.
func permissions(t *testing.T, o Options, p PermissionOptions) ([]security.Permission, error) {
	t.Helper()
	reader, err := directory(t, o).Permissions(p)
	if err != nil {
		t.Fatal(err)
	}
	return reader.Read(t.Context())
}

// text writes permissions, one a line.
func text(list []security.Permission) string {
	var b strings.Builder
	for _, p := range list {
		fmt.Fprintf(&b, "%s r%v w%v a%v", p.Match, p.Read, p.Write, p.Admin)
		if users := slices.Concat(p.ReadUsers, p.WriteUsers, p.AdminUsers); len(users) > 0 {
			fmt.Fprintf(&b, " users r%v w%v a%v", p.ReadUsers, p.WriteUsers, p.AdminUsers)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

const stock = `queue://> r[admins] w[admins] a[admins]
queue://USERS.> r[users] w[users] a[users] users r[carol] w[] a[]
temp-queue://> r[admins users] w[admins users] a[admins users]
temp-topic://> r[admins users] w[admins users] a[admins users]
topic://ActiveMQ.Advisory.> r[admins auditors users] w[admins auditors users] a[admins auditors users]
topic://USERS.> r[users] w[users] a[users]
`

func TestPermissions(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	var log lines
	o := options(s.URL)
	o.Log = log.logger()
	check := func(about string, p PermissionOptions, want string) {
		t.Helper()
		list, err := permissions(t, o, p)
		if got := text(list); err != nil || got != want {
			t.Errorf("%s: got\n%s%v, want\n%s", about, got, err, want)
		}
	}
	check("all", layout(), stock)
	queues := PermissionOptions(layout())
	queues.TopicSearchBase, queues.TempSearchBase = "", ""
	check("queues only", queues, strings.Join(strings.SplitAfter(stock, "\n")[:2], ""))
	if log.String() != "" {
		t.Errorf("the log says %s", log.String())
	}

	// What is unclear is left out, and nothing else.
	queue := func(name, member string) string {
		parent := "cn=" + name + ",ou=Queue," + ldaptest.Destinations
		return "dn: " + parent + "\nchangetype: add\nobjectClass: applicationProcess\ncn: " + name + "\n\n" +
			"dn: cn=read," + parent + "\nchangetype: add\nobjectClass: groupOfNames\ncn: read\nmember: " + member + "\n\n"
	}
	s.Change(queue("LEGACY", "cn=old") + queue("GONE", "cn=gone,"+ldaptest.RoleBase) + queue("STRANGE", "ou=people,"+ldaptest.Suffix) +
		queue("$.rest", "cn=admins") + queue(`a\2cb`, "cn=admins") + queue("EVERYBODY.*", "cn=*") + queue("LIST", `cn=a\2cb`) +
		"dn: cn=read,ou=Queue," + ldaptest.Destinations + "\nchangetype: add\nobjectClass: groupOfNames\ncn: read\nmember: cn=admins\n\n")
	check("after changes", queues, `queue://> r[admins] w[admins] a[admins]
queue://EVERYBODY.* r[*] w[] a[]
queue://GONE r[] w[] a[]
queue://LEGACY r[old] w[] a[]
queue://LIST r[] w[] a[]
queue://STRANGE r[] w[] a[]
queue://USERS.> r[users] w[users] a[users] users r[carol] w[] a[]
queue://a,b r[admins] w[] a[]
`)
	for _, want := range []string{"a permission of the directory is left out", "a member of a permission of the directory is left out"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q: %s", want, log.String())
		}
	}

	missing := layout()
	missing.TopicSearchBase = "ou=nowhere," + ldaptest.Suffix
	if list, err := permissions(t, o, missing); err == nil || list != nil {
		t.Errorf("without the topics: %v, %v", list, err)
	}
	s.Stop()
	if list, err := permissions(t, o, layout()); err == nil || list != nil {
		t.Errorf("without the server: %v, %v", list, err)
	}
}

// TestManyPermissions needs several pages.
func TestManyPermissions(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	var b strings.Builder
	for i := range 2 * permissionPage {
		parent := fmt.Sprintf("cn=Q%d,ou=Queue,%s", i, ldaptest.Destinations)
		fmt.Fprintf(&b, "dn: %s\nchangetype: add\nobjectClass: applicationProcess\ncn: Q%d\n\n", parent, i)
		fmt.Fprintf(&b, "dn: cn=read,%s\nchangetype: add\nobjectClass: groupOfNames\ncn: read\nmember: cn=users,%s\n\n", parent, ldaptest.RoleBase)
	}
	s.Change(b.String())
	o := options(s.URL)
	list, err := permissions(t, o, layout())
	if err != nil || len(list) != 6+2*permissionPage {
		t.Errorf("%d permissions, %v", len(list), err)
	}
}

func TestWrongOptions(t *testing.T) {
	t.Parallel()
	good := options("ldap://127.0.0.1")
	for want, change := range map[string]func(*Options){
		"names no URL": func(o *Options) { o.URLs = nil },
		`"http://x" is not the URL of a directory`:              func(o *Options) { o.URLs = []string{"http://x"} },
		`"ldap://" is not the URL of a directory`:               func(o *Options) { o.URLs = []string{"ldap://"} },
		`"ldap://x/dc=y" is not the URL of a directory`:         func(o *Options) { o.URLs = []string{"ldap://x/dc=y"} },
		`"ldap://u:p@x" is not the URL of a directory`:          func(o *Options) { o.URLs = []string{"ldap://u:p@x"} },
		`"ldap://x:0" has no valid port`:                        func(o *Options) { o.URLs = []string{"ldap://x:0"} },
		"the service account has no password":                   func(o *Options) { o.ServiceAccountPassword = "" },
		"the password of the service account belongs to nobody": func(o *Options) { o.ServiceAccountUser = "" },
		`the filter for users: "" is not a filter`:              func(o *Options) { o.UserSearchMatching = "" },
		`the user base "people" is not a distinguished name`:    func(o *Options) { o.UserBase = "people" },
		`the role base "," is not a distinguished name`:         func(o *Options) { o.RoleBase = "," },
		`the filter for users: "uid={0" is not a filter`:        func(o *Options) { o.UserSearchMatching = "uid={0" },
		`has no {0} for the user name`:                          func(o *Options) { o.UserSearchMatching = "(uid=alice)" },
		`"(uid={0}{1})" has a place {1}`:                        func(o *Options) { o.UserSearchMatching = "(uid={0}{1})" },
		`does not say how groups are found`:                     func(o *Options) { o.RoleName = "" },
		`the filter for groups: "(member={2})" has a place {2}`: func(o *Options) { o.RoleSearchMatching = "(member={2})" },
		`the filter for groups of groups: "" is not a filter`:   func(o *Options) { o.ExpandRoles = true },
		"no such file":         func(o *Options) { o.CA = "does/not/exist" },
		"holds no certificate": func(o *Options) { o.CA = "doc.go" },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	d := directory(t, good)
	for want, change := range map[string]func(*PermissionOptions){
		`the search base "x" is not`: func(o *PermissionOptions) { o.TempSearchBase = "x" },
		`"cn=read" is not a filter`:  func(o *PermissionOptions) { o.ReadPermissionGroupSearchFilter = "cn=read" },
		`"(cn={0})" has a place {0}`: func(o *PermissionOptions) { o.AdminPermissionGroupSearchFilter = "(cn={0})" },
		"has no name":                func(o *PermissionOptions) { o.GroupNameAttribute = "" },
	} {
		p := layout()
		change(&p)
		if _, err := d.Permissions(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", good, good, good); strings.Contains(s, ldaptest.ServicePassword) {
		t.Errorf("the password is in %s", s)
	}
}
