package ldap

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/broker/security/ldap/ldaptest"
)

// options are those of a login at the test directory.
func options(urls ...string) Options {
	return Options{
		URLs: urls, ServiceAccountUser: ldaptest.ServiceUser, ServiceAccountPassword: ldaptest.ServicePassword,
		UserBase: ldaptest.UserBase, UserSearchMatching: "(uid={0})",
		RoleBase: ldaptest.RoleBase, RoleName: "cn", RoleSearchMatching: "(member={0})",
		Timeout: 10 * time.Second,
	}
}

// lines is a log that tests read.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// directory returns a directory that ends with the test.
func directory(t testing.TB, o Options) *Directory {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// answer names what Verify returned.
func answer(groups []string, err error) string {
	switch {
	case err == nil:
		return fmt.Sprint(groups)
	case errors.Is(err, security.ErrNoUser):
		return "no user"
	case fault.Is(err, fault.Unauthenticated):
		return "refused"
	default:
		return "failed"
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	subtree := func(o *Options) { o.UserSearchSubtree, o.RoleSearchSubtree = true, true }
	expand := func(o *Options) { o.ExpandRoles, o.ExpandRolesMatching = true, "(member={0})" }
	for _, c := range []struct {
		about, user, password string
		change                func(*Options)
		want                  string
	}{
		{"right", "alice", ldaptest.AlicePassword, nil, "[admins]"},
		{"other case", "ALICE", ldaptest.AlicePassword, nil, "[admins]"},
		{"wrong", "alice", ldaptest.BobPassword, nil, "refused"},
		{"empty", "alice", "", nil, "refused"},
		{"zero byte", "alice", ldaptest.AlicePassword + "\x00", nil, "refused"},
		{"unknown", "mallory", "x", nil, "no user"},
		{"no name", "", "x", nil, "no user"},
		{"no password in the directory", "dave", "x", nil, "refused"},
		{"no group", "carol", ldaptest.CarolPassword, nil, "[]"},
		{"group further down", "carol", ldaptest.CarolPassword, subtree, "[auditors]"},
		{"user further down", "erin", "erin's secret", nil, "no user"},
		{"user further down, looked for", "erin", "erin's secret", subtree, "[users]"},
		{"group of a group", "alice", ldaptest.AlicePassword, expand, "[admins everybody users]"},
		{"two entries", "twin", "twin's secret", nil, "refused"},
		{"the service account is no user", "broker", ldaptest.ServicePassword, nil, "no user"},

		{"name with all that is special", `o'neil(*)\,ü`, "neil's secret", nil, "[users]"},
		{"wildcard", "*", ldaptest.AlicePassword, nil, "no user"},
		{"wildcard at the end", "ali*", ldaptest.AlicePassword, nil, "no user"},
		{"another filter", "alice)(uid=*", ldaptest.AlicePassword, nil, "no user"},
		{"any filter", "x)(|(uid=*", ldaptest.AlicePassword, nil, "no user"},
		{"escape", `\2a`, ldaptest.AlicePassword, nil, "no user"},
		{"place of a filter", "{0}", ldaptest.AlicePassword, nil, "no user"},
		{"end of a text", "alice\x00", ldaptest.AlicePassword, nil, "no user"},
		{"space around", " alice", ldaptest.AlicePassword, nil, "no user"},
		{"line end", "alice\n", ldaptest.AlicePassword, nil, "no user"},
		{"not UTF-8", "alice\xff", ldaptest.AlicePassword, nil, "no user"},
		{"endless", strings.Repeat("a", 10000), "x", nil, "no user"},

		{"groups by an attribute", "bob", ldaptest.BobPassword, func(o *Options) { o.UserRoleName, o.RoleBase = "employeetype", "" }, "[night shift staff]"},
		{"both", "bob", ldaptest.BobPassword, func(o *Options) { o.UserRoleName = "employeeType" }, "[night shift staff users]"},
		{"no groups", "bob", ldaptest.BobPassword, func(o *Options) { o.RoleBase = "" }, "[]"},
		{"groups by user name", "bob", ldaptest.BobPassword, func(o *Options) { o.RoleSearchMatching = "(member=uid={1},ou=people,dc=example,dc=org)" }, "[users]"},
		{"place in the name", "{1}", "x", func(o *Options) { o.UserSearchMatching = "(|(uid={0})(cn=Alice))" }, "refused"},
		{"filter with more", "alice", ldaptest.AlicePassword, func(o *Options) { o.UserSearchMatching = "(&(objectClass=person)(uid={0}))" }, "[admins]"},

		{"TLS", "alice", ldaptest.AlicePassword, func(o *Options) { o.URLs, o.CA = []string{s.TLS}, s.CA }, "[admins]"},
		{"StartTLS", "alice", ldaptest.AlicePassword, func(o *Options) { o.StartTLS, o.CA = true, s.CA }, "[admins]"},
		{"TLS by a name that the certificate has", "alice", ldaptest.AlicePassword, func(o *Options) {
			o.URLs, o.CA = []string{strings.Replace(s.TLS, "127.0.0.1", "localhost", 1)}, s.CA
		}, "[admins]"},
		{"TLS of an unknown authority", "alice", ldaptest.AlicePassword, func(o *Options) { o.URLs = []string{s.TLS} }, "failed"},
		{"StartTLS of an unknown authority", "alice", ldaptest.AlicePassword, func(o *Options) { o.StartTLS = true }, "failed"},
		{"TLS spoken to the wrong port", "alice", ldaptest.AlicePassword, func(o *Options) { o.URLs = []string{strings.Replace(s.URL, "ldap:", "ldaps:", 1)} }, "failed"},
		{"no server, then one", "alice", ldaptest.AlicePassword, func(o *Options) { o.URLs = []string{"ldap://127.0.0.1:1", s.URL} }, "[admins]"},
		{"no server", "alice", ldaptest.AlicePassword, func(o *Options) { o.URLs = []string{"ldap://127.0.0.1:1"} }, "failed"},

		{"wrong service account", "alice", ldaptest.AlicePassword, func(o *Options) { o.ServiceAccountPassword = "x" }, "failed"},
		{"anonymous searches", "alice", ldaptest.AlicePassword, func(o *Options) { o.ServiceAccountUser, o.ServiceAccountPassword = "", "" }, "failed"},
		{"no such base", "alice", ldaptest.AlicePassword, func(o *Options) { o.UserBase = "ou=nowhere,dc=example,dc=org" }, "failed"},
		{"no such base for groups", "alice", ldaptest.AlicePassword, func(o *Options) { o.RoleBase = "ou=nowhere,dc=example,dc=org" }, "failed"},
	} {
		t.Run(c.about, func(t *testing.T) {
			t.Parallel()
			o := options(s.URL)
			if c.change != nil {
				c.change(&o)
			}
			var log lines
			o.Log = log.logger()
			d := directory(t, o)
			for range 2 { // over a fresh connection, and over the one that is left
				if got := answer(d.Verify(t.Context(), c.user, c.password)); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
			}
			if strings.Contains(log.String(), "secret") {
				t.Errorf("a password is in the log: %s", log.String())
			}
			if said := strings.Count(log.String(), "level=WARN"); c.want == "failed" && said != 1 {
				t.Errorf("the log has %d lines: %s", said, log.String())
			}
		})
	}
}

// TestConnectionIsOfTheServiceAccount logs somebody in who may see nothing, and then another over
// the same connection.
func TestConnectionIsOfTheServiceAccount(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	o := options(s.URL)
	o.Connections = 1
	d := directory(t, o)
	for range 3 {
		if got := answer(d.Verify(t.Context(), "bob", ldaptest.BobPassword)); got != "[users]" {
			t.Error(got)
		}
		if got := answer(d.Verify(t.Context(), "alice", "wrong")); got != "refused" {
			t.Error(got)
		}
	}
	if len(d.idle) != 1 {
		t.Errorf("%d connections are kept", len(d.idle))
	}
}

// TestManyLogins has more logins at a time than connections.
func TestManyLogins(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	o := options(s.URL)
	o.Connections, o.Timeout = 3, time.Minute
	d := directory(t, o)
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			user, password, want := "alice", ldaptest.AlicePassword, "[admins]"
			if i%2 == 0 {
				user, password, want = "bob", ldaptest.BobPassword, "[users]"
			}
			if i%3 == 0 {
				password, want = "wrong", "refused"
			}
			if got := answer(d.Verify(t.Context(), user, password)); got != want {
				t.Errorf("%s: got %s, want %s", user, got, want)
			}
		})
	}
	all.Wait()
	if n := len(d.idle); n < 1 || n > 3 {
		t.Errorf("%d connections are kept", n)
	}
	d.Close()
	if got := answer(d.Verify(t.Context(), "alice", ldaptest.AlicePassword)); got != "[admins]" || len(d.idle) != 0 {
		t.Errorf("after Close: %s, %d connections are kept", got, len(d.idle))
	}
}

// TestDirectoryGoesAndComes stops, restarts and suspends the server.
func TestDirectoryGoesAndComes(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	var log lines
	now := time.Now()
	var clock sync.Mutex
	o := options(s.URL)
	o.Log, o.Timeout = log.logger(), 20*time.Second
	o.now = func() time.Time {
		clock.Lock()
		defer clock.Unlock()
		return now
	}
	wait := func(d time.Duration) {
		clock.Lock()
		defer clock.Unlock()
		now = now.Add(d)
	}
	d := directory(t, o)
	login := func(about, want string) {
		t.Helper()
		if got := answer(d.Verify(t.Context(), "alice", ldaptest.AlicePassword)); got != want {
			t.Errorf("%s: got %s, want %s; %s", about, got, want, log.String())
		}
	}
	login("at first", "[admins]")
	s.Stop()
	login("stopped", "failed")
	s.Run()
	login("back, and left alone", "failed")
	wait(rest)
	login("back", "[admins]")
	s.Stop()
	s.Run()
	login("restarted in between", "[admins]")
	wait(idleMax)
	login("after a long time", "[admins]")

	s.Pause()
	d.o.Timeout = 300 * time.Millisecond
	login("suspended", "failed")
	for range 100 { // which would take half a minute
		login("suspended, and left alone", "failed")
	}
	s.Resume()
	d.o.Timeout = 20 * time.Second
	wait(rest)
	login("resumed", "[admins]")
	if n := strings.Count(log.String(), "level=WARN"); n != 2 { // the second after a minute
		t.Errorf("%d lines are logged: %s", n, log.String())
	}
	s.Stop()
	wait(complaintInterval)
	login("stopped again", "failed")
	if !strings.Contains(log.String(), `"not logged since the last"=100`) {
		t.Errorf("the log does not count: %s", log.String())
	}
}
