package security

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/manifoldmq/manifold/broker/fault"
)

// hash returns a hash that is cheap to verify.
func hash(t testing.TB, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

// file writes a file and returns its path.
func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func password(user, password string) Credentials {
	return Credentials{User: user, Password: password, HasUser: true}
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	cert := []*x509.Certificate{certificate(t, "CN=app,O=Acme")}
	stranger := []*x509.Certificate{certificate(t, "CN=eve,O=Acme")}
	named := []*x509.Certificate{certificate(t, "CN=b,O=Acme")}
	users := Options{
		Users:            []User{{Name: "a", Hash: hash(t, "secret"), Groups: []string{"g2", "g1", "g2"}}, {Name: "env", Password: "clear"}},
		UsersFile:        file(t, "users.properties", "b=plain\nc="+hash(t, "hashed")+"\n"),
		GroupsFile:       file(t, "groups.properties", "g1=b, c\ng3=b,app\nempty=\n"),
		CertificateUsers: map[string]string{"CN=app, O=Acme": "app"},
	}
	guests := users
	guests.Anonymous = true
	names := users
	names.CertificateNames = true
	sources := users
	sources.Sources = []Source{fakeSource{}, fakeSource{user: "far", password: "away", groups: []string{"g9"}}, fakeSource{user: "broken", err: errors.New("down")}}
	failing := sources
	failing.Sources = append(slices.Clone(sources.Sources), fakeSource{user: "broken", password: "next", groups: []string{"g8"}})
	far := Module{Sufficient, fakeSource{user: "far", password: "away", groups: []string{"g9"}}}
	invited, strict := users, users
	invited.Sources = []Source{Stack{far, {Sufficient, Guest{User: "guest", Group: "guests"}}}}
	strict.Sources = []Source{Stack{far, {Sufficient, Guest{User: "guest", Group: "guests", CredentialsInvalidate: true}}}}

	for _, c := range []struct {
		about   string
		options Options
		shown   Credentials
		want    string // name and groups, or the error
	}{
		{"hash", users, password("a", "secret"), "a [g1 g2]"},
		{"hash in a file", users, password("c", "hashed"), "c [g1]"},
		{"in clear, in a file", users, password("b", "plain"), "b [g1 g3]"},
		{"in clear, from the environment", users, password("env", "clear"), "env []"},
		{"wrong", users, password("a", "secreT"), "User name [a] or password is invalid."},
		{"wrong, in clear", users, password("b", "plai"), "User name [b] or password is invalid."},
		{"the hash itself", users, password("a", hash(t, "secret")), "User name [a] or password is invalid."},
		{"empty", users, password("a", ""), "User name [a] or password is invalid."},
		{"empty name", users, password("", "secret"), "User name [] or password is invalid."},
		{"unknown", users, password("x", "secret"), "User name [x] or password is invalid."},
		{"unknown, with a verb", users, password("%s", "secret"), "User name [%s] or password is invalid."},
		{"other case", users, password("A", "secret"), "User name [A] or password is invalid."},
		{"without name", users, Credentials{Password: "secret"}, "User name [null] or password is invalid."},
		{"nothing", users, Credentials{}, "User name [null] or password is invalid."},
		{"endless", users, password("a", strings.Repeat("x", 1<<20)), "User name [a] or password is invalid."},
		{"no user configured", Options{}, password("a", "secret"), "User name [a] or password is invalid."},
		{"no user configured, unnamed", Options{}, Credentials{}, "User name [null] or password is invalid."},
		{"no user configured, decoy", Options{}, password("a", ""), "User name [a] or password is invalid."},

		{"guest", guests, Credentials{}, "anonymous [anonymous]"},
		{"guest by mechanism", guests, Credentials{Mechanism: Anonymous}, "anonymous [anonymous]"},
		{"guest with empty name", guests, Credentials{HasUser: true}, "User name [] or password is invalid."},
		{"guest with password", guests, Credentials{Password: "x"}, "User name [null] or password is invalid."},
		{"guest by name", guests, password("anonymous", "x"), "User name [anonymous] or password is invalid."},
		{"user among guests", guests, password("a", "secret"), "a [g1 g2]"},
		{"wrong among guests", guests, password("a", "wrong"), "User name [a] or password is invalid."},
		{"mechanism without guests", users, Credentials{Mechanism: Anonymous}, "User name [null] or password is invalid."},
		{"other guest", Options{Anonymous: true, AnonymousUser: "guest", AnonymousGroup: "guests"}, Credentials{}, "guest [guests]"},

		{"certificate", users, Credentials{Certificates: cert}, "app [g3]"},
		{"certificate by mechanism", users, Credentials{Certificates: cert, Mechanism: External}, "app [g3]"},
		{"certificate and its name", users, Credentials{Certificates: cert, User: "app", HasUser: true}, "app [g3]"},
		{"certificate and empty name", users, Credentials{Certificates: cert, HasUser: true}, "app [g3]"},
		{"certificate and other name", users, Credentials{Certificates: cert, User: "a", HasUser: true}, "User name [a] or password is invalid."},
		{"certificate and password", users, Credentials{Certificates: cert, User: "a", Password: "secret", HasUser: true}, "a [g1 g2]"},
		{"certificate and wrong password", users, Credentials{Certificates: cert, User: "app", Password: "x", HasUser: true}, "User name [app] or password is invalid."},
		{"mechanism without certificate", users, Credentials{Mechanism: External, User: "a", Password: "secret", HasUser: true}, "User name [a] or password is invalid."},
		{"unknown certificate", users, Credentials{Certificates: stranger}, "User name [null] or password is invalid."},
		{"unknown certificate, guests", guests, Credentials{Certificates: stranger}, "anonymous [anonymous]"},
		{"unknown certificate, mechanism, guests", guests, Credentials{Certificates: stranger, Mechanism: External}, "User name [null] or password is invalid."},
		{"common name is off", users, Credentials{Certificates: named}, "User name [null] or password is invalid."},
		{"common name", names, Credentials{Certificates: named}, "b [g1 g3]"},
		{"common name of nobody", names, Credentials{Certificates: stranger}, "User name [null] or password is invalid."},
		{"only the first certificate", users, Credentials{Certificates: append(stranger[:1:1], cert...)}, "User name [null] or password is invalid."},

		{"source", sources, password("far", "away"), "far [g9]"},
		{"source, wrong", sources, password("far", "x"), "User name [far] or password is invalid."},
		{"source, unknown", sources, password("nobody", "x"), "User name [nobody] or password is invalid."},
		{"source fails", sources, password("broken", "x"), "User name [broken] or password is invalid."},
		{"source fails, the next knows", failing, password("broken", "next"), "broken [g8]"},
		{"guests of a source", invited, Credentials{}, "guest [guests]"},
		{"guests of a source, by mechanism", invited, Credentials{Mechanism: Anonymous}, "guest [guests]"},
		{"guests of a source, named", invited, password("x", ""), "guest [guests]"},
		{"guests of a source, wrong password", invited, password("far", "x"), "guest [guests]"},
		{"guests of a source, right password", invited, password("far", "away"), "far [g9]"},
		{"guests of a source, local user without password", invited, password("a", ""), "User name [a] or password is invalid."},
		{"guests of a source, local user", invited, password("a", "x"), "User name [a] or password is invalid."},
		{"guests without credentials", strict, password("far", "x"), "User name [far] or password is invalid."},
		{"guests without credentials, none shown", strict, Credentials{}, "guest [guests]"},
		{"guests without credentials, named", strict, password("x", ""), "User name [x] or password is invalid."},
		{"source is not asked for a known user", sources, password("a", "away"), "User name [a] or password is invalid."},

		{"open", Options{Open: true}, password("x", "y"), "x []"},
		{"open, nothing", Options{Open: true}, Credentials{}, " []"},
	} {
		t.Run(c.about, func(t *testing.T) {
			t.Parallel()
			p, err := mustAuthority(t, c.options).Authenticate(t.Context(), c.shown)
			got := fmt.Sprint(err)
			if err == nil {
				got = fmt.Sprint(p.Name, " ", p.Groups)
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if err != nil && fault.KindOf(err) != fault.Unauthenticated {
				t.Errorf("kind %v", fault.KindOf(err))
			}
		})
	}
}

// fakeSource is a directory elsewhere.
type fakeSource struct {
	user, password string
	groups         []string
	err            error
}

func (f fakeSource) Verify(_ context.Context, name, password string) ([]string, error) {
	switch {
	case name != f.user:
		return nil, ErrNoUser
	case f.err != nil:
		return nil, f.err
	case password != f.password:
		return nil, fault.New(fault.Unauthenticated, "connect", name, "wrong")
	default:
		return f.groups, nil
	}
}

// fakeKeys is a source with keys.
type fakeKeys struct{ fakeSource }

func (f fakeKeys) Keys(_ context.Context, name, mechanism string) (Keys, error) {
	if name != f.user || mechanism != "SCRAM-SHA-256" {
		return Keys{}, ErrNoUser
	}
	return Keys{Salt: []byte("salt"), Iterations: 4096}, nil
}

func TestKeys(t *testing.T) {
	t.Parallel()
	without := mustAuthority(t, Options{Sources: []Source{fakeSource{user: "u"}}})
	if _, err := without.Keys(t.Context(), "u", "SCRAM-SHA-256"); !fault.Is(err, fault.Unsupported) {
		t.Errorf("without keys: %v", err)
	}
	with := mustAuthority(t, Options{Sources: []Source{fakeSource{user: "u"}, fakeKeys{fakeSource{user: "k"}}}})
	if k, err := with.Keys(t.Context(), "k", "SCRAM-SHA-256"); err != nil || k.Iterations != 4096 {
		t.Errorf("got %d iterations, %v", k.Iterations, err)
	}
	if _, err := with.Keys(t.Context(), "x", "SCRAM-SHA-256"); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("unknown user: %v", err)
	}
}

func TestWrongOptions(t *testing.T) {
	t.Parallel()
	good := hash(t, "p")
	for _, c := range []struct {
		about   string
		options Options
		want    string
	}{
		{"open with users", Options{Open: true, Users: []User{{Name: "a", Password: "p"}}}, "security is off, yet"},
		{"open with guests", Options{Open: true, Anonymous: true}, "security is off, yet"},
		{"no secret", Options{Users: []User{{Name: "a"}}}, `user "a": has no password`},
		{"two secrets", Options{Users: []User{{Name: "a", Hash: good, Password: "p"}}}, "has a hash and a password"},
		{"no name", Options{Users: []User{{Password: "p"}}}, "is not the name of a user"},
		{"name with a line end", Options{Users: []User{{Name: "a\nb", Password: "p"}}}, "is not the name of a user"},
		{"twice", Options{Users: []User{{Name: "a", Password: "p"}, {Name: "a", Password: "q"}}}, "is listed twice"},
		{"twice, once in the file", Options{Users: []User{{Name: "a", Password: "p"}}, UsersFile: file(t, "u", "# me\na=q")}, `:2: user "a": is listed twice`},
		{"not a hash", Options{Users: []User{{Name: "a", Hash: "clear"}}}, "is not a bcrypt hash"},
		{"cut hash", Options{Users: []User{{Name: "a", Hash: good[:50]}}}, "the bcrypt hash is damaged"},
		{"wrong character", Options{Users: []User{{Name: "a", Hash: good[:30] + "!" + good[31:]}}}, "the bcrypt hash is damaged"},
		{"old hash", Options{Users: []User{{Name: "a", Hash: "$2x$" + good[4:]}}}, "only 2a, 2b and 2y"},
		{"expensive hash", Options{Users: []User{{Name: "a", Hash: good[:4] + "31" + good[6:]}}}, "has cost 31"},
		{"group of all", Options{Users: []User{{Name: "a", Hash: good, Groups: []string{"*"}}}}, "is not the name of a group"},
		{"encrypted", Options{UsersFile: file(t, "u", "a=ENC(abc=)")}, `user "a": the password is encrypted for ActiveMQ`},
		{"file without password", Options{UsersFile: file(t, "u", "a=p\nb\n")}, `:2: user "b": has no password`},
		{"file with cut hash", Options{UsersFile: file(t, "u", "a="+good[:20])}, "the bcrypt hash is damaged"},
		{"cut file", Options{UsersFile: file(t, "u", "a=p\\u00")}, ":1: \\u without four"},
		{"file of zeros", Options{UsersFile: file(t, "u", "a=p\n"+strings.Repeat("\x00", 100))}, ":2: the control character 0x00"},
		{"no file", Options{UsersFile: "does/not/exist"}, "users: open does/not/exist"},
		{"directory", Options{UsersFile: t.TempDir()}, "is a directory"},
		{"no groups", Options{GroupsFile: "does/not/exist"}, "groups: open"},
		{"group file of all", Options{GroupsFile: file(t, "g", "*=a")}, "is not the name of a group"},
		{"no certificates", Options{CertificatesFile: "does/not/exist"}, "certificates: open"},
		{"not a name", Options{CertificateUsers: map[string]string{"app": "app"}}, "is not a distinguished name"},
		{"one name, two users", Options{CertificateUsers: map[string]string{"CN=a": "a", "cn = a": "b"}}, "stands for two users"},
		{"guest with a password", Options{Anonymous: true, Users: []User{{Name: "anonymous", Password: "p"}}}, "a user with this name has a password"},
	} {
		if _, err := New(c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.about, err, c.want)
		} else if strings.Contains(err.Error(), good[7:20]) {
			t.Errorf("%s: the error holds the hash", c.about)
		}
	}
}

func TestEmptyFilesAreNobody(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n\r\n", "# nobody\r\n", "\ufeff"} {
		a := mustAuthority(t, Options{UsersFile: file(t, "u", text), GroupsFile: file(t, "g", text), CertificatesFile: file(t, "c", text)})
		for _, c := range []Credentials{{}, password("a", "p"), password("", ""), password("a", ""), {Mechanism: Anonymous}} {
			if p, err := a.Authenticate(t.Context(), c); err == nil {
				t.Errorf("%q let %s in as %s", text, c, p.Name)
			}
		}
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	h, err := Hash("secret")
	if err != nil {
		t.Fatal(err)
	}
	a := mustAuthority(t, Options{Users: []User{{Name: "u", Hash: h}}})
	mustLogin(t, a, password("u", "secret"))
	for _, wrong := range []string{"", strings.Repeat("x", 73)} {
		if _, err := Hash(wrong); err == nil {
			t.Errorf("a password of %d bytes was accepted", len(wrong))
		}
	}
}

func TestSecretsStayOutOfText(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c, u := password("u", "hunter2"), User{Name: "u", Password: "hunter2", Hash: "hunter2"}
	k := Keys{StoredKey: []byte("hunter2"), ServerKey: []byte("hunter2")}
	log.Debug("m", "credentials", c, "user", u, "keys", k, "secret", secret{text: "hunter2"})
	fmt.Fprintf(&out, "%v %+v %#v %s %v %+v %#v %v %#v %v %#v", c, c, c, c, u, u, u, k, k, secret{text: "hunter2"}, secret{text: "hunter2"})
	a := mustAuthority(t, Options{Users: []User{{Name: "u", Password: "hunter2"}}})
	_, err := a.Authenticate(t.Context(), password("u", "hunter22"))
	fmt.Fprintf(&out, "%v %+v %#v", err, err, err)
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("a secret is in %s", out.String())
	}
}

func TestPrincipalIsInItsGroups(t *testing.T) {
	t.Parallel()
	p := &Principal{Name: "u", Groups: []string{"a", "b"}}
	if !p.In("a") || p.In("c") || p.In("u") {
		t.Error("wrong groups")
	}
	if !slices.IsSorted(p.Groups) {
		t.Error("not in order")
	}
}
