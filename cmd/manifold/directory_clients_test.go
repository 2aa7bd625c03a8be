package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/security/ldap/ldaptest"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/protocols/openwire/jmstest"
)

// javaLogins compiles the program that logs in through ActiveMQ's own client.
func javaLogins(t *testing.T) *jmstest.Java {
	t.Helper()
	j, err := jmstest.Compile(t.Context(), "testdata/java/login", t.TempDir())
	switch {
	case errors.Is(err, jmstest.ErrMissing) && os.Getenv("MANIFOLD_FOREIGN_CLIENTS") != "required":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	return j
}

// loginAttempt is a login and what is done then.
type loginAttempt struct {
	user, password, what, queue string
	want                        string // what comes of it, from every broker
}

// sharedAttempts are answered alike by this broker and by ActiveMQ, with the same login.config and
// the permissions of the same directory.
func sharedAttempts() []loginAttempt {
	refused := func(user string) string {
		return "JMSSecurityException: User name [" + user + "] or password is invalid."
	}
	denied := func(user, what, queue string) string {
		return "JMSSecurityException: User " + user + " is not authorized to " + what + ": queue://" + queue
	}
	return []loginAttempt{
		{"alice", ldaptest.AlicePassword, "send", "ANY.a", "sent"},
		{"alice", ldaptest.AlicePassword, "receive", "USERS.a", "received"},
		{"alice", "wrong", "send", "ANY.a", refused("alice")},
		{"bob", ldaptest.BobPassword, "send", "USERS.b", "sent"},
		{"bob", ldaptest.BobPassword, "receive", "USERS.b", "received"},
		{"bob", ldaptest.BobPassword, "receive", "USERS.>", "received"},
		{"bob", ldaptest.BobPassword, "send", "ANY.a", denied("bob", "write to", "ANY.a")},
		{"bob", ldaptest.BobPassword, "receive", "ANY.a", denied("bob", "read from", "ANY.a")},
		{"bob", ldaptest.BobPassword, "receive", ">", denied("bob", "read from", ">")},
		{"bob", ldaptest.BobPassword, "send", "ANY.new", denied("bob", "write to", "ANY.new")},
		{"bob", ldaptest.AlicePassword, "send", "USERS.b", refused("bob")},
		{"bob", "", "send", "USERS.b", refused("bob")},
		{"carol", ldaptest.CarolPassword, "receive", "USERS.b", "received"}, // by name
		{"carol", ldaptest.CarolPassword, "send", "USERS.b", denied("carol", "write to", "USERS.b")},
		{`o'neil(*)\,ü`, "neil's secret", "send", "USERS.b", "sent"},
		{"*", ldaptest.BobPassword, "send", "USERS.b", refused("*")},
		{"bob)(uid=*", ldaptest.BobPassword, "send", "USERS.b", refused("bob)(uid=*")},
		{"dave", "x", "send", "USERS.b", refused("dave")},
		{"mallory", "x", "send", "USERS.b", refused("mallory")},
		{"local", "here", "send", "USERS.b", "sent"}, // users of the file, who is in the group of that name
		{"local", "there", "send", "USERS.b", refused("local")},
		{"alice", "another", "send", "USERS.b", denied("alice", "write to", "USERS.b")}, // of the file: in no group
	}
}

// check runs the attempts and compares what comes of them.
func checkAttempts(t *testing.T, j *jmstest.Java, url string, attempts []loginAttempt) {
	t.Helper()
	args := []string{url}
	for _, a := range attempts {
		args = append(args, a.user, a.password, a.what, a.queue)
	}
	out, err := j.Output(t.Context(), "Login", args...)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(out, "\n"), "\n")
	if len(lines) != len(attempts) {
		t.Fatalf("%d answers to %d attempts:\n%s", len(lines), len(attempts), out)
	}
	for i, a := range attempts {
		if lines[i] != a.want {
			t.Errorf("%s, %s on %s: got %s, want %s", a.user, a.what, a.queue, lines[i], a.want)
		}
	}
}

// loginFolder writes a login.config and the files that it names.
func loginFolder(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"login.config": text, "users.properties": "local=here\nalice=another\n", "groups.properties": "users=local\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDirectoryByJava gives a login.config and the permissions of a directory to this broker.
func TestDirectoryByJava(t *testing.T) {
	t.Parallel()
	j, d, dir := javaLogins(t), ldaptest.Start(t), t.TempDir()
	loginFolder(t, dir, loginConfig(d))
	s := serve(t, strings.Replace(openBroker, "protocols: [stomp]}", `protocols: [stomp]}, {name: auto, address: "127.0.0.1:0"}`, 1)+fmt.Sprintf(`
security:
  login_config: '%s/login.config'
  ldap:
    urls: ['%s']
    service_account_user: '%s'
    service_account_password: '%s'
    permissions: {queue_base: 'ou=Queue,%[5]s', topic_base: 'ou=Topic,%[5]s', temp_base: 'ou=Temp,%[5]s'}
`, dir, d.URL, ldaptest.ServiceUser, ldaptest.ServicePassword, ldaptest.Destinations))
	checkAttempts(t, j, "tcp://"+s.at["auto"], sharedAttempts())
	differs := []loginAttempt{{"twin", "twin's secret", "send", "USERS.b", "JMSSecurityException: User name [twin] or password is invalid."}}
	checkAttempts(t, j, "tcp://"+s.at["auto"], differs)
	guest := []loginAttempt{{"-", "-", "send", "USERS.b", "JMSSecurityException: User visitor is not authorized to write to: queue://USERS.b"}}
	checkAttempts(t, j, "tcp://"+s.at["auto"], guest)
}

// TestDirectoryAsActiveMQ gives the same to Debian's ActiveMQ, and then its activemq.xml to this broker.
func TestDirectoryAsActiveMQ(t *testing.T) {
	t.Parallel()
	if !jmstest.ActiveMQInstalled() && os.Getenv("MANIFOLD_FOREIGN_CLIENTS") != "required" {
		t.Skip("ActiveMQ is not installed")
	}
	j, d, dir := javaLogins(t), ldaptest.Start(t), t.TempDir()
	loginFolder(t, filepath.Join(dir, "conf"), loginConfig(d))
	b := jmstest.StartActiveMQ(t, dir, jmstest.Config{
		Port: jmstest.FreePort(t),
		Plugins: fmt.Sprintf(`<jaasAuthenticationPlugin configuration="activemq"/>
<authorizationPlugin><map><cachedLDAPAuthorizationMap connectionURL="%s" connectionUsername="%s" connectionPassword="%s"
  queueSearchBase="ou=Queue,%[4]s" topicSearchBase="ou=Topic,%[4]s" tempSearchBase="ou=Temp,%[4]s"
  legacyGroupMapping="false" refreshInterval="60000"/></map></authorizationPlugin>`,
			d.URL, ldaptest.ServiceUser, ldaptest.ServicePassword, ldaptest.Destinations),
	})
	url := fmt.Sprintf("tcp://127.0.0.1:%d", b.Port)
	checkAttempts(t, j, url, sharedAttempts())
	// The first of two entries for one name counts there, and a guest has no name.
	differs := []loginAttempt{
		{"twin", "twin's secret", "send", "USERS.b", "JMSSecurityException: User twin is not authorized to write to: queue://USERS.b"},
		{"-", "-", "send", "USERS.b", "JMSSecurityException: User null is not authorized to write to: queue://USERS.b"},
		{"bob", "-", "send", "USERS.b", "JMSSecurityException: User bob is not authorized to write to: queue://USERS.b"},
	}
	checkAttempts(t, j, url, differs)
	b.Kill()

	// And its configuration, as it is, to this broker.
	r := manifold(t, "", nil, "convert", filepath.Join(dir, "conf/activemq.xml"))
	if r.code != sysexit.OK {
		t.Errorf("convert ended with %d: %s", r.code, r.err)
	}
	serve(t, r.out)
	checkAttempts(t, j, url, sharedAttempts())
}

// TestDirectoryByEveryProtocol logs in through the public client libraries of STOMP, AMQP and MQTT,
// and OpenWire.
func TestDirectoryByEveryProtocol(t *testing.T) {
	t.Parallel()
	d := ldaptest.Start(t)
	s := serve(t, withFiles(t, strings.Replace(directoryBroker(d, ""), "protocols: [stomp]}", `protocols: [stomp]}, {name: auto, address: "127.0.0.1:0"}`, 1)))
	_, port, err := net.SplitHostPort(s.at["auto"])
	if err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"stomp", "amqp", "mqtt", "tcp"} {
		for _, c := range []struct {
			name, user, password string
			code                 sysexit.Code
		}{
			{"USERS.every", "bob", ldaptest.BobPassword, sysexit.OK},
			{"OTHER.every", "bob", ldaptest.BobPassword, sysexit.Permission},
			{"USERS.every", "bob", "wrong", sysexit.Permission},
			{"USERS.every", "mallory", "x", sysexit.Permission},
		} {
			url := fmt.Sprintf("%s://127.0.0.1:%s/topic/%s", scheme, port, c.name)
			does := []string{"send", url, "x"}
			if scheme == "mqtt" { // whose servers can't refuse a message, but a subscription
				url = fmt.Sprintf("mqtt://127.0.0.1:%s/%s", port, strings.ReplaceAll(c.name, ".", "/"))
				does = []string{"receive", url, "--timeout", "100ms"}
			}
			r := manifold(t, "", nil, append(does, "--user", c.user, "--password-file", file(t, "p", c.password))...)
			if r.code != c.code {
				t.Errorf("%s: %s sends to %s: code %d, want %d; %s", scheme, c.user, c.name, r.code, c.code, r.err)
			}
		}
	}
}
