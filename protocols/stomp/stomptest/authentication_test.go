package stomptest_test

import (
	"testing"

	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/clienttest"
	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// attempt is a CONNECT and its answer.
type attempt struct {
	name  string
	pairs []string // headers
	error string   // message of the ERROR; empty: the client is let in
	user  string   // who it is then
}

func try(t *testing.T, target stomptest.Target, a attempt) {
	t.Helper()
	for _, version := range []string{"1.0", "1.1", "1.2"} {
		c := stomptest.Open(t, target)
		if a.error == "" {
			c.Login(version, a.pairs...)
			if got, want := c.Fails(stomptest.F("SEND", "destination", "/queue/forbidden", "x")).Get("message"), "User "+a.user+" is not authorized to write to: queue://forbidden"; got != want {
				t.Errorf("%s, %s: got %q, want %q", a.name, version, got, want)
			}
			c.Close()
			continue
		}
		f := stomptest.F("CONNECT", "accept-version", version, "host", "localhost").With(a.pairs...)
		// What is pipelined behind a refused CONNECT is not done.
		c.Write(f, stomptest.F("SEND", "destination", "/queue/open", "receipt", "r", "intruder"))
		if got := c.Expect("ERROR"); got.Get("message") != a.error || got.Body != a.error+"\n" {
			t.Errorf("%s, %s: got %v, want %q", a.name, version, got, a.error)
		}
		c.Closed()
	}
}

// entrance has one user, and one who has no password of its own but a certificate.
func entrance(t testing.TB) security.Options {
	return security.Options{
		Users:            []security.User{{Name: "app", Hash: hash(t, "right"), Groups: []string{"apps"}}, {Name: "device", Hash: hash(t, "unknown")}},
		CertificateUsers: map[string]string{"CN=device-7,O=Manifold tests": "device"},
		Permissions:      []security.Permission{{Match: "queue://open", Read: []string{"*"}, Write: []string{"*"}, Admin: []string{"*"}}},
	}
}

// TestAuthentication holds the answers to CONNECT against ActiveMQ's words.
func TestAuthentication(t *testing.T) {
	t.Parallel()
	const app, null, empty = "User name [app] or password is invalid.", "User name [null] or password is invalid.", "User name [] or password is invalid."
	guests := entrance(t)
	guests.Anonymous, guests.AnonymousUser = true, "visitor"
	for name, options := range map[string]security.Options{"users": entrance(t), "guests": guests} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := brokertest.Start(t, brokertest.WithSecurity(options))
			target := stomptest.Target{Address: b.Addr("stomp")}
			guest := attempt{name: "nobody in particular", error: null}
			if options.Anonymous {
				guest = attempt{name: "nobody in particular", user: "visitor"}
			}
			for _, a := range []attempt{
				{name: "right", pairs: []string{"login", "app", "passcode", "right"}, user: "app"},
				{name: "wrong password", pairs: []string{"login", "app", "passcode", "wrong"}, error: app},
				{name: "its beginning", pairs: []string{"login", "app", "passcode", "righ"}, error: app},
				{name: "empty password", pairs: []string{"login", "app", "passcode", ""}, error: app},
				{name: "no password", pairs: []string{"login", "app"}, error: app},
				{name: "unknown user", pairs: []string{"login", "stranger", "passcode", "right"}, error: "User name [stranger] or password is invalid."},
				{name: "empty user", pairs: []string{"login", "", "passcode", "right"}, error: empty},
				{name: "empty user and password", pairs: []string{"login", "", "passcode", ""}, error: empty},
				{name: "password alone", pairs: []string{"passcode", "right"}, error: null},
				{name: "the guest's name", pairs: []string{"login", "visitor"}, error: "User name [visitor] or password is invalid."},
				{name: "other case", pairs: []string{"login", "App", "passcode", "right"}, error: "User name [App] or password is invalid."},
				{name: "certificate's user", pairs: []string{"login", "device"}, error: "User name [device] or password is invalid."},
				guest,
			} {
				try(t, target, a)
			}
			c := stomptest.Open(t, target)
			c.Login("1.0", "login", "app", "passcode", "right")
			c.Subscribe("1", "/queue/open")
			c.Put("/queue/open", "alone")
			c.WantBodies("alone")
		})
	}
}

// TestClientCertificate lets a client in by its certificate alone, whose subject or common name stands for a user.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	const null = "User name [null] or password is invalid."
	bySubject, byName, byNeither := entrance(t), entrance(t), entrance(t)
	byName.CertificateUsers, byName.CertificateNames = nil, true
	byName.Users = append(byName.Users, security.User{Name: "device-7", Hash: hash(t, "unknown")})
	byNeither.CertificateUsers = map[string]string{"CN=device-8,O=Manifold tests": "device"}
	pki, err := clienttest.WritePKI(t.TempDir(), "device-7")
	if err != nil {
		t.Fatal(err)
	}
	bare := *pki.Client()
	bare.Cert, bare.Key = "", ""
	for _, test := range []struct {
		name    string
		options security.Options
		user    string // "": the certificate is nobody's
	}{
		{"subject", bySubject, "device"}, {"common name", byName, "device-7"}, {"neither", byNeither, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := brokertest.Start(t, brokertest.WithSecurity(test.options), brokertest.WithTLS(protocols.TLSOptions{
				Certificate: pki.ServerCert, Key: pki.ServerKey, ClientCA: pki.CA, ClientAuth: protocols.ClientAuthOptional,
			}))
			shown, without := stomptest.Target{Address: b.Addr("tls"), TLS: pki.Client()}, stomptest.Target{Address: b.Addr("tls"), TLS: &bare}
			alone := attempt{name: "alone", error: null}
			if test.user != "" {
				alone = attempt{name: "alone", user: test.user}
				try(t, shown, attempt{name: "with its name", pairs: []string{"login", test.user}, user: test.user})
			}
			try(t, shown, alone)
			try(t, shown, attempt{name: "with another's name", pairs: []string{"login", "app"}, error: "User name [app] or password is invalid."})
			try(t, shown, attempt{name: "with a password", pairs: []string{"login", "app", "passcode", "right"}, user: "app"})
			try(t, shown, attempt{name: "with a wrong password", pairs: []string{"login", "app", "passcode", "x"}, error: "User name [app] or password is invalid."})
			try(t, without, attempt{name: "not shown", error: null})
			try(t, without, attempt{name: "not shown, named", pairs: []string{"login", "device"}, error: "User name [device] or password is invalid."})
		})
	}
}
