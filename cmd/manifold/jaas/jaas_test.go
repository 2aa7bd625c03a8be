package jaas

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// sample has what Java's reader understands; Java's own Configuration gives the same values.
const sample = `/* a comment
   of two lines */
// another
activemq {
    org.apache.activemq.jaas.PropertiesLoginModule SUFFICIENT
        debug=true reload = true
        org.apache.activemq.jaas.properties.user="users.properties"   // here
        org.apache.activemq.jaas.properties.group="${x.dir}${/}groups\.properties";
    org.apache.activemq.jaas.GuestLoginModule optional a="x\ty\101\"z\\" n=_$*-x1;
};
"two words" { a.B required; };
empty { };
`

func properties(name string) (string, bool) {
	v, ok := map[string]string{"x.dir": "/conf"}[name]
	return v, ok
}

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := Parse(sample, properties)
	if err != nil {
		t.Fatal(err)
	}
	want := []Realm{
		{Name: "activemq", Line: 4, Modules: []Module{
			{Class: "org.apache.activemq.jaas.PropertiesLoginModule", Flag: Sufficient, Line: 5, Options: []Option{
				{"debug", "true", 6}, {"reload", "true", 6},
				{"org.apache.activemq.jaas.properties.user", "users.properties", 7},
				{"org.apache.activemq.jaas.properties.group", "/conf/groups.properties", 8},
			}},
			{Class: "org.apache.activemq.jaas.GuestLoginModule", Flag: Optional, Line: 9, Options: []Option{{"a", "x\tyA\"z\\", 9}, {"n", "_$*-x1", 9}}},
		}},
		{Name: "two words", Line: 11, Modules: []Module{{Class: "a.B", Flag: Required, Line: 11}}},
		{Name: "empty", Line: 12},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a { b required x=abc/def; };":         `1: '/' is not expected here`,
		"a { b required x=\"a\nb\"; };":        "1: the quote has no end on its line",
		`a { b required x="a\`:                 "1: the quote has no end on its line",
		"a { b required x=; };":                `1: expected the value of x, found ";"`,
		"a {\n b required };":                  `2: expected an option or the ; that ends a module, found "}"`,
		"a { b; };":                            `1: expected a flag, found ";"`,
		"a { b mandatory; };":                  `1: "mandatory" is not one of required, requisite, sufficient, optional`,
		"# c\na { b required; };":              `1: '#' is not expected here`,
		"a { b required; }":                    `1: expected ";" after }, found the end of the file`,
		"a { b required x='q q'; };":           `1: '\'' is not expected here`,
		"a { b required x=a\nx=b; };":          "2: x is also given in line 1",
		"a {b required;};\n\na {c required;};": `3: "a" is also the realm of line 1`,
		"a":                                    `1: expected "{" after the name of a realm, found the end of the file`,
		"{":                                    `1: expected the name of a realm, found "{"`,
		"a { b required x \"y\"; };":           `1: expected "=" after the option x, found "y"`,
		"/* no end\n a { b required; };":       "1: the comment has no end",
		`a { b required x="${home}"; };`:       "1: the property ${home} is not known here; write its value",
		`a { b required x="${home"; };`:        "1: ${home has no }",
		`"" { b required; };`:                  `1: expected the name of a realm, found ""`,
		"a { b required x=1" + strings.Repeat(" ", maxSize) + "; };": "1: the file is larger than",
	} {
		if _, err := Parse(text, properties); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60q: got %v, want %s", text, err, want)
		}
	}
}

// realm parses a realm with the modules.
func realm(t *testing.T, modules string) *Realm {
	t.Helper()
	path := filepath.Join(t.TempDir(), "login.config")
	if err := os.WriteFile(path, []byte("activemq {\n"+modules+"\n};\nother { x.Y required; };\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := ReadFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Realm("activemq")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const ldapModule = `org.apache.activemq.jaas.LDAPLoginModule required debug=true
  initialContextFactory=com.sun.jndi.ldap.LdapCtxFactory connectionURL="ldap://one:1389 ldaps://two"
  connectionUsername="cn=mq,dc=example" connectionPassword=secret connectionProtocol=s authentication=simple
  userBase="ou=people" userSearchMatching="(uid={0})" userSearchSubtree=true userRoleName=employeeType
  roleBase="ou=groups" roleName=cn roleSearchMatching="(member={0})" roleSearchSubtree=True
  expandRoles=true expandRolesMatching="(member={0})"`

func TestLogins(t *testing.T) {
	t.Parallel()
	r := realm(t, `
org.apache.activemq.jaas.PropertiesLoginModule sufficient
  org.apache.activemq.jaas.properties.user="u" org.apache.activemq.jaas.properties.group="/abs/g" reload=true;
org.apache.activemq.jaas.PropertiesLoginModule requisite baseDir="/base"
  org.apache.activemq.jaas.properties.user="u" org.apache.activemq.jaas.properties.group="g";
org.apache.activemq.jaas.GuestLoginModule optional credentialsInvalidate=TRUE org.apache.activemq.jaas.guest.user=me;
org.apache.activemq.jaas.TextFileCertificateLoginModule required
  org.apache.activemq.jaas.textfiledn.user="dns" org.apache.activemq.jaas.textfiledn.group="g";
`+ldapModule+`;`)
	logins, warnings, err := r.Logins()
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	dir := r.Dir
	want := []Login{
		{Flag: Sufficient, Line: 3, Properties: &Properties{Users: filepath.Join(dir, "u"), Groups: "/abs/g", Reload: true}},
		{Flag: Requisite, Line: 5, Properties: &Properties{Users: "/base/u", Groups: "/base/g"}},
		{Flag: Optional, Line: 7, Guest: &Guest{User: "me", Group: "guests", CredentialsInvalidate: true}},
		{Flag: Required, Line: 8, Certificates: &Certificates{Users: filepath.Join(dir, "dns"), Groups: filepath.Join(dir, "g")}},
		{Flag: Required, Line: 10, LDAP: &LDAP{
			URLs: []string{"ldap://one:1389", "ldaps://two"}, ServiceAccountUser: "cn=mq,dc=example", ServiceAccountPassword: "secret",
			UserBase: "ou=people", UserSearchMatching: "(uid={0})", UserSearchSubtree: true, UserRoleName: "employeeType",
			RoleBase: "ou=groups", RoleName: "cn", RoleSearchMatching: "(member={0})", RoleSearchSubtree: true,
			ExpandRoles: true, ExpandRolesMatching: "(member={0})",
		}},
	}
	if !reflect.DeepEqual(logins, want) {
		t.Errorf("got\n%+v\nwant\n%+v", logins, want)
	}
	if text := fmt.Sprintf("%v %+v %#v", logins[4].LDAP, logins[4].LDAP, logins[4].LDAP); strings.Contains(text, "secret") {
		t.Errorf("the password is in %s", text)
	}
}

// TestLDAPVariants changes one option of the module at a time.
func TestLDAPVariants(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		old, new string
		want     string // the part of the login that changes, or the error
	}{
		{"authentication=simple", "authentication=none", "[ldap://one:1389 ldaps://two]||ou=people|ou=groups"},
		{`"ldap://one:1389 ldaps://two"`, `"ldap://one:1389/dc=example,dc=com"`, "[ldap://one:1389]|cn=mq,dc=example|ou=people,dc=example,dc=com|ou=groups,dc=example,dc=com"},
		{`"ldap://one:1389 ldaps://two"`, `"ldap://one/o=a%20b"`, "[ldap://one]|cn=mq,dc=example|ou=people,o=a b|ou=groups,o=a b"},
		{"connectionProtocol=s", "connectionProtocol=ssl", "[ldaps://one:1389 ldaps://two:389]|cn=mq,dc=example|ou=people|ou=groups"},
		{`"ldap://one:1389 ldaps://two"`, `"ldap://one/o=a ldap://two"`, "3: the URLs end with different names"},
		{`"ldap://one:1389 ldaps://two"`, `"http://one"`, `3: "http://one" is not the URL of a directory`},
		{`"ldap://one:1389 ldaps://two"`, `"ldap:///o=a"`, `3: "ldap:///o=a" is not the URL of a directory`},
		{"authentication=simple", "authentication=DIGEST-MD5", "4: authentication DIGEST-MD5 is not spoken"},
		{"connectionPassword=secret", `connectionPassword=""`, "4: the module needs the option connectionPassword"},
		{"connectionPassword=secret", `connectionPassword="ENC(abc)"`, "4: the password is encrypted for ActiveMQ"},
		{`connectionUsername="cn=mq,dc=example"`, "", "2: the module needs the option connectionUsername"},
		{`userBase="ou=people"`, "", "2: the module needs the option userBase"},
		{`userSearchMatching="(uid={0})"`, "", "2: the module needs the option userSearchMatching"},
		{`connectionURL="ldap://one:1389 ldaps://two"`, "", "2: the module needs the option connectionURL"},
	} {
		if !strings.Contains(ldapModule, c.old) {
			t.Fatalf("%s is not in the module", c.old)
		}
		logins, _, err := realm(t, strings.Replace(ldapModule, c.old, c.new, 1)+";").Logins()
		got := fmt.Sprint(err)
		if err == nil {
			l := logins[0].LDAP
			got = fmt.Sprintf("%v|%s|%s|%s", l.URLs, l.ServiceAccountUser, l.UserBase, l.RoleBase)
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: got %s, want %s", c.new, got, c.want)
		}
	}
}

func TestLoginErrors(t *testing.T) {
	t.Parallel()
	for modules, want := range map[string]string{
		"":                               "1: the realm activemq has no module",
		"com.example.MyModule required;": "2: the module com.example.MyModule is not known",
		"org.apache.activemq.jaas.PropertiesLoginModule required;":                                                          "2: the module needs the option org.apache.activemq.jaas.properties.user",
		"org.apache.activemq.jaas.PropertiesLoginModule required\norg.apache.activemq.jaas.properties.user=u;":              "2: the module needs the option org.apache.activemq.jaas.properties.group",
		"org.apache.activemq.jaas.PropertiesLoginModule required\nalgorithm=x\ndecrypt=true;":                               "4: passwords that are encrypted for ActiveMQ",
		"org.apache.activemq.jaas.TextFileCertificateLoginModule required;":                                                 "2: the module needs the option org.apache.activemq.jaas.textfiledn.user",
		"org.apache.activemq.jaas.TextFileCertificateLoginModule required\norg.apache.activemq.jaas.textfiledn.user=\"u\";": "2: the module needs the option org.apache.activemq.jaas.textfiledn.group",
	} {
		if _, _, err := realm(t, modules).Logins(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", modules, err, want)
		}
	}
	_, warnings, err := realm(t, "org.apache.activemq.jaas.GuestLoginModule required debug=true\ncredentialInvalidate=true;").Logins()
	if err != nil || len(warnings) != 1 || warnings[0] != "line 3: the option credentialInvalidate has no meaning here" {
		t.Errorf("%v, %v", warnings, err)
	}
	f := &File{Path: "login.config", Realms: []Realm{{Name: "a"}, {Name: "b"}}}
	if _, err := f.Realm("c"); err == nil || err.Error() != `login.config: has no realm "c"; there are: a, b` {
		t.Error(err)
	}
}

// FuzzParse checks that any text gives realms or an error with a line, and that what was read
// reads the same when it is written out.
func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add("activemq {\n" + ldapModule + ";\n};")
	f.Add("a { b required x=\"\\777\\\\\"; };")
	f.Add("a { b required x=\"${x.dir}")
	f.Fuzz(func(t *testing.T, text string) {
		realms, err := Parse(text, properties)
		if err != nil {
			if line, _, ok := strings.Cut(err.Error(), ":"); !ok || strings.Trim(line, "0123456789") != "" {
				t.Errorf("no line in %v", err)
			}
			return
		}
		var b strings.Builder
		quote := func(s string) string {
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(s) + `"`
		}
		for _, r := range realms {
			fmt.Fprintf(&b, "%s {\n", quote(r.Name))
			for _, m := range r.Modules {
				fmt.Fprintf(&b, "%s %s", quote(m.Class), m.Flag)
				for _, o := range m.Options {
					if strings.Contains(o.Value, "${") {
						return // made of pieces that are no property
					}
					fmt.Fprintf(&b, " %s=%s", quote(o.Name), quote(o.Value))
				}
				b.WriteString(";\n")
			}
			b.WriteString("};\n")
		}
		again, err := Parse(b.String(), properties)
		if err != nil || strip(again) != strip(realms) {
			t.Errorf("%q became %q, %v", text, b.String(), err)
		}
	})
}

// strip writes realms without their lines.
func strip(realms []Realm) string {
	var b strings.Builder
	for _, r := range realms {
		fmt.Fprintf(&b, "%q\n", r.Name)
		for _, m := range r.Modules {
			fmt.Fprintf(&b, "  %q %s\n", m.Class, m.Flag)
			for _, o := range m.Options {
				fmt.Fprintf(&b, "    %q %q\n", o.Name, o.Value)
			}
		}
	}
	return b.String()
}
