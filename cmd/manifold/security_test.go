package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/security/ldap/ldaptest"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// directoryBroker is a configuration with the test directory.
func directoryBroker(s *ldaptest.Server, more string) string {
	return openBroker + fmt.Sprintf(`
security:
  users_file: 'USERS'
  groups_file: 'GROUPS'
  permissions: [{match: "queue://LOCAL.>", read: [locals], write: [locals], admin: [locals]}]
  ldap:
    urls: ['%s']
    service_account_user: '%s'
    service_account_password_file: 'PASSWORD'
    user_base: '%s'
    role_base: '%s'
    cache: 0s
    permissions: {queue_base: 'ou=Queue,%[5]s', topic_base: 'ou=Topic,%[5]s', temp_base: 'ou=Temp,%[5]s', refresh_interval: 20ms}
`, s.URL, ldaptest.ServiceUser, ldaptest.UserBase, ldaptest.RoleBase, ldaptest.Destinations) + more
}

// withFiles puts the files that directoryBroker names into its text.
func withFiles(t *testing.T, text string) string {
	t.Helper()
	return strings.NewReplacer(
		"USERS'", file(t, "users.properties", "local=here\nalice=another\n")+"'", "GROUPS'", file(t, "groups.properties", "locals=local,bob\n")+"'",
		"PASSWORD'", file(t, "password", ldaptest.ServicePassword+"\n")+"'",
	).Replace(text)
}

// attempt sends to a queue as a user, and tells whether that was allowed.
func (s *runningServe) attempt(t *testing.T, queue, user, password string) string {
	t.Helper()
	r := manifold(t, "", nil, "send", s.url("/queue/"+queue), "x", "--user", user, "--password-file", file(t, "p", password))
	switch {
	case r.code == sysexit.OK:
		return "sent"
	case strings.Contains(r.err, "is not authorized"):
		return "forbidden"
	case strings.Contains(r.err, "User name ["+user+"] or password is invalid."):
		return "refused"
	default:
		return r.err
	}
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	d := ldaptest.Start(t)
	s := serve(t, withFiles(t, directoryBroker(d, "")))
	for _, c := range []struct{ queue, user, password, want string }{
		{"USERS.a", "bob", ldaptest.BobPassword, "sent"},
		{"OTHER", "bob", ldaptest.BobPassword, "forbidden"},
		{"LOCAL.a", "bob", ldaptest.BobPassword, "sent"}, // a group of the file as well
		{"USERS.a", "bob", "wrong", "refused"},
		{"USERS.a", "bob", "", "refused"},
		{"USERS.a", "*", ldaptest.BobPassword, "refused"},
		{"USERS.a", "carol", ldaptest.CarolPassword, "forbidden"}, // who may only read
		{"USERS.a", "mallory", "x", "refused"},
		{"LOCAL.a", "local", "here", "sent"},
		{"USERS.a", "local", "here", "forbidden"},
		{"OTHER", "alice", "another", "forbidden"}, // the file's user of that name
		{"OTHER", "alice", ldaptest.AlicePassword, "refused"},
	} {
		if got := s.attempt(t, c.queue, c.user, c.password); got != c.want {
			t.Errorf("%s sends to %s: %s, want %s", c.user, c.queue, got, c.want)
		}
	}

	// The directory changes: what was read again holds, also for who is connected.
	await := func(about, want string, attempt func() string) {
		t.Helper()
		deadline := time.After(20 * time.Second)
		for got := attempt(); got != want; got = attempt() {
			select {
			case <-deadline:
				t.Fatalf("%s: %s, want %s", about, got, want)
			default:
			}
		}
	}
	bob := func() string { return s.attempt(t, "OTHER", "bob", ldaptest.BobPassword) }
	d.Change("dn: cn=write,cn=$,ou=Queue," + ldaptest.Destinations + "\nchangetype: modify\nadd: member\nmember: cn=users\n\n" +
		"dn: cn=admin,cn=$,ou=Queue," + ldaptest.Destinations + "\nchangetype: modify\nadd: member\nmember: cn=users\n\n")
	await("after a permission was added", "sent", bob)

	// It goes away: what was read last holds, local users log in, others are told nothing.
	d.Stop()
	if got := s.attempt(t, "LOCAL.a", "local", "here"); got != "sent" {
		t.Errorf("local, without the directory: %s", got)
	}
	if got := bob(); got != "refused" {
		t.Errorf("bob, without the directory: %s", got)
	}
	s.signals <- syscall.SIGHUP
	await("the log", "true", func() string { return fmt.Sprint(strings.Contains(s.log.String(), "those that were read last hold")) })
	if !strings.Contains(s.log.String(), "the directory could not tell who a client is") || strings.Contains(s.log.String(), "secret") {
		t.Errorf("the log: %s", s.log)
	}
	d.Run()
	await("back", "sent", bob)
}

// TestStartWithoutDirectory starts while the directory is away.
func TestStartWithoutDirectory(t *testing.T) {
	t.Parallel()
	d := ldaptest.Start(t)
	d.Stop()
	log := &buffer{}
	a := &app{out: log, err: log, env: []string{"GOMEMLIMIT=off", "GOGC=100"}, newBroker: newBroker}
	text := withFiles(t, strings.ReplaceAll(directoryBroker(d, ""), "STORE", t.TempDir()))
	if code := a.run(t.Context(), []string{"serve", "--config", file(t, "c.yaml", text)}); code != sysexit.Unavailable || !strings.Contains(log.String(), "the permissions could not be read") {
		t.Errorf("ended with %d: %s", code, log)
	}
	s := serve(t, withFiles(t, strings.Replace(directoryBroker(d, ""), "refresh_interval", "start_without: true, refresh_interval", 1)))
	if got := s.attempt(t, "LOCAL.a", "local", "here"); got != "sent" {
		t.Errorf("what the configuration allows: %s", got)
	}
	if got := s.attempt(t, "USERS.a", "local", "here"); got != "forbidden" {
		t.Errorf("what nobody allows: %s", got)
	}
}

// loginConfig has every module of ActiveMQ's.
func loginConfig(d *ldaptest.Server) string {
	return fmt.Sprintf(`activemq {
  org.apache.activemq.jaas.PropertiesLoginModule sufficient
    org.apache.activemq.jaas.properties.user="users.properties"
    org.apache.activemq.jaas.properties.group="groups.properties" reload=true;
  org.apache.activemq.jaas.LDAPLoginModule sufficient debug=true
    initialContextFactory=com.sun.jndi.ldap.LdapCtxFactory connectionURL="%s" connectionUsername="%s" connectionPassword="%s"
    connectionProtocol="" authentication=simple userBase="%s" userSearchMatching="(uid={0})" userSearchSubtree=false
    roleBase="%s" roleName=cn roleSearchMatching="(member={0})" roleSearchSubtree=false;
  org.apache.activemq.jaas.GuestLoginModule sufficient credentialsInvalidate=true
    org.apache.activemq.jaas.guest.user="visitor" org.apache.activemq.jaas.guest.group="guests";
};
broken { com.example.Mine required; };
`, d.URL, ldaptest.ServiceUser, ldaptest.ServicePassword, ldaptest.UserBase, ldaptest.RoleBase)
}

func TestLoginConfig(t *testing.T) {
	t.Parallel()
	d := ldaptest.Start(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("users.properties", "local=here\nalice=another\n")
	write("groups.properties", "locals=local,alice\n")
	login := write("login.config", loginConfig(d))
	permissions := `
  permissions:
    - {match: "queue://USERS.>", read: [users], write: [users], admin: [users]}
    - {match: "queue://ADMINS.>", read: [admins], write: [admins], admin: [admins]}
    - {match: "queue://LOCAL.>", read: [locals], write: [locals], admin: [locals]}
    - {match: "queue://GUEST.>", read: [guests], write: [guests], admin: [guests]}
`
	s := serve(t, openBroker+"security:\n  login_config: '"+login+"'"+permissions)
	for _, c := range []struct{ queue, user, password, want string }{
		{"LOCAL.a", "local", "here", "sent"},
		{"USERS.a", "local", "here", "forbidden"},
		{"USERS.a", "bob", ldaptest.BobPassword, "sent"},
		{"LOCAL.a", "bob", ldaptest.BobPassword, "forbidden"},
		{"USERS.a", "bob", "wrong", "refused"},
		{"LOCAL.a", "alice", "another", "sent"},                   // by the first module
		{"ADMINS.a", "alice", ldaptest.AlicePassword, "sent"},     // by the second
		{"LOCAL.a", "alice", ldaptest.AlicePassword, "forbidden"}, // whose groups those are
		{"GUEST.a", "mallory", "x", "refused"},
	} {
		if got := s.attempt(t, c.queue, c.user, c.password); got != c.want {
			t.Errorf("%s sends to %s: %s, want %s", c.user, c.queue, got, c.want)
		}
	}
	manifold(t, "", nil, "send", s.url("/queue/GUEST.a"), "x").want(t, sysexit.OK, "", "")
	manifold(t, "", nil, "send", s.url("/queue/USERS.a"), "x").want(t, sysexit.Permission, "", "User visitor is not authorized")

	check := func(text string) result {
		t.Helper()
		return manifold(t, "", nil, "config", "check", file(t, "c.yaml", text))
	}
	good := "security:\n  login_config: '" + login + "'\n"
	check(good).want(t, sysexit.OK, "good", "")
	check(good+"  login_realm: broken\n").want(t, sysexit.Config, "", "login.config:12: the module com.example.Mine is not known")
	check(good+"  login_realm: other\n").want(t, sysexit.Config, "", `has no realm "other"; there are: activemq, broken`)
	check(good+"  login_certificate_realm: activemq\n").want(t, sysexit.Config, "", "takes none but the TextFileCertificateLoginModule")
	check("security: {login_certificate_realm: x}").want(t, sysexit.Config, "", "give security.login_config as well")
	check("security: {ldap: {user_base: 'dc=x'}}").want(t, sysexit.Config, "", "give security.ldap.urls as well")
	check("security: {ldap: {urls: ['ldap://x']}}").want(t, sysexit.Config, "", "the directory has nothing to say")
	check("security: {ldap: {urls: ['ldap://x'], user_base: 'dc=x', user_search_matching: '(uid=x)'}}").want(t, sysexit.Config, "", "has no {0}")
	check("security: {ldap: {urls: ['ldap://x'], user_base: 'dc=x'}}").want(t, sysexit.OK, "good", "passwords go to the directory in clear")
	if r := manifold(t, "", nil, "config", "show", "--config", file(t, "c.yaml", "security: {ldap: {urls: ['ldap://x'], user_base: 'dc=x', service_account_user: 'cn=x', service_account_password: hush}}")); strings.Contains(r.out, "hush") {
		t.Errorf("the password is shown: %s", r.out)
	}
}
