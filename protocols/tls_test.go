package protocols

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// secure speaks TLS over a connection.
func secure(c net.Conn, o *tls.Config) *tls.Conn {
	t := tls.Client(c, o)
	_ = t.SetDeadline(time.Now().Add(patience))
	return t
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	protocols := []Protocol{echo{name: "alpha"}, echo{name: "beta"}}
	for _, c := range []struct {
		about    string
		auth     ClientAuth
		optional bool
		client   *tls.Config // nil: no TLS
		user     string      // of the certificate; "-": refused
		log      string
	}{
		{"plain TLS", "", false, ca.client(t, ""), "", ""},
		{"a certificate nobody asked for", ClientAuthNone, false, ca.client(t, "app"), "", ""},
		{"optional, without", ClientAuthOptional, false, ca.client(t, ""), "", ""},
		{"optional, with", ClientAuthOptional, false, ca.client(t, "app"), "app", ""},
		{"optional, of another authority", ClientAuthOptional, false, trusting(other.client(t, "app"), ca), "-", "TLS: "},
		{"required, without", ClientAuthRequired, false, ca.client(t, ""), "-", "TLS: "},
		{"required, with", ClientAuthRequired, false, ca.client(t, "app"), "app", ""},
		{"without TLS", "", false, nil, "-", "TLS: tls: first record does not look like a TLS handshake"},
		{"without TLS, as allowed", "", true, nil, "", ""},
		{"with TLS, as allowed", ClientAuthOptional, true, ca.client(t, "app"), "app", ""},
		{"TLS 1.1", "", false, limited(ca.client(t, ""), tls.VersionTLS11), "-", "TLS: "},
		{"TLS 1.2", "", false, limited(ca.client(t, ""), tls.VersionTLS12), "", ""},
	} {
		t.Run(c.about, func(t *testing.T) {
			t.Parallel()
			journal, log := newJournal()
			served := make(chan *Conn, 1)
			o := ca.server(t, "localhost")
			o.ClientAuth, o.Optional = c.auth, c.optional
			p := append([]Protocol{echo{name: "gamma", served: served}}, protocols...)
			s := start(t, Options{Log: log, Listeners: []ListenerOptions{{Protocols: p, Known: AllKnown(), TLS: o}}})
			conn := dial(t, s)
			if c.client != nil {
				conn = secure(conn, c.client)
			}
			_, err := io.WriteString(conn, "gamma") // a refused certificate shows only when reading
			got := make([]byte, 5)
			if err == nil {
				_, err = io.ReadFull(conn, got)
			}
			if c.user == "-" {
				if err == nil {
					t.Error("was served")
				}
				journal.wait(t, c.log)
				return
			}
			if err != nil || string(got) != "gamma" {
				t.Fatalf("got %q, %v", got, err)
			}
			sc := receive(t, served)
			user := ""
			if certs := sc.Certificates(); len(certs) > 0 {
				user = certs[0].Subject.CommonName
			}
			if user != c.user || (sc.TLS != nil) != (c.client != nil) {
				t.Errorf("user %q, TLS %v", user, sc.TLS != nil)
			}
			if c.client != nil && sc.RemoteAddr().String() != conn.LocalAddr().String() {
				t.Errorf("from %v", sc.RemoteAddr())
			}
		})
	}
}

func trusting(c *tls.Config, a *authority) *tls.Config {
	c.RootCAs.AddCert(a.cert)
	return c
}

func limited(c *tls.Config, version uint16) *tls.Config {
	c.MinVersion, c.MaxVersion = version, version
	return c
}

// name returns the name in the server's certificate.
func name(t *testing.T, s *Server, o *tls.Config) string {
	t.Helper()
	c := secure(dial(t, s), o)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestCertificatesReload(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	journal, log := newJournal()
	files := ca.server(t, "first")
	o := Options{Log: log, Listeners: []ListenerOptions{{Name: "l", Address: "127.0.0.1:0", Protocols: []Protocol{echo{name: "alpha"}}, TLS: files}}}
	s := start(t, o)
	client := ca.client(t, "")
	old := secure(dial(t, s), client)
	say(t, old, "a")
	expect(t, old, "a")

	issue(t, ca, "second", files.Certificate, files.Key)
	if err := s.Reload(o); err != nil {
		t.Fatal(err)
	}
	if got := name(t, s, client); got != "second" {
		t.Errorf("after the reload: %s", got)
	}
	for _, damage := range []func(){
		func() { issue(t, ca, "third", files.Certificate, "") }, // not that key's
		func() { _ = os.WriteFile(files.Certificate, nil, 0o600) },
		func() { _ = os.Remove(files.Key) },
	} {
		damage()
		if err := s.Reload(o); err == nil || !strings.Contains(err.Error(), "listener l: tls.certificate") {
			t.Errorf("a damaged certificate was taken: %v", err)
		}
		if got := name(t, s, client); got != "second" {
			t.Errorf("after a failed reload: %s", got)
		}
	}
	say(t, old, "b")
	expect(t, old, "b")

	o.Listeners[0].TLS = nil
	if err := s.Reload(o); err != nil {
		t.Fatal(err)
	}
	plain := dial(t, s)
	say(t, plain, "c")
	expect(t, plain, "c")
	say(t, old, "d")
	expect(t, old, "d")
	if strings.Contains(journal.String(), "ERROR") {
		t.Errorf("the log says %s", journal)
	}
}

func TestCertificatesAreWatched(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	files := ca.server(t, "first")
	now := time.Now()
	c, err := newCertificates(*files, now)
	if err != nil {
		t.Fatal(err)
	}
	journal, log := newJournal()
	touch := func() {
		for _, path := range []string{files.Certificate, files.Key} {
			if err := os.Chtimes(path, now, now); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
	first := c.config(now, log)
	for _, step := range []struct {
		about   string
		change  func()
		after   time.Duration
		changed bool
		errors  int // in the log, in all
	}{
		{"nothing", func() {}, certificateInterval, false, 0},
		{"too early", func() { issue(t, ca, "second", files.Certificate, files.Key); touch() }, certificateInterval - 1, false, 0},
		{"replaced", func() {}, 1, true, 0},
		{"only half replaced", func() { issue(t, ca, "third", files.Certificate, ""); touch() }, certificateInterval, false, 1},
		{"still half", func() {}, certificateInterval, false, 1},
		{"removed", func() { _ = os.Remove(files.Key) }, certificateInterval, false, 2},
		{"back", func() { issue(t, ca, "fourth", files.Certificate, files.Key); touch() }, certificateInterval, true, 2},
	} {
		now = now.Add(step.after)
		step.change()
		got := c.config(now, log)
		if (got != first) != step.changed {
			t.Errorf("%s: changed: %t", step.about, got != first)
		}
		first = got
		if n := strings.Count(journal.String(), "level=ERROR"); n != step.errors {
			t.Errorf("%s: %d errors in the log:\n%s", step.about, n, journal)
		}
	}
	if strings.Contains(journal.String(), "PRIVATE") {
		t.Error("the log holds a key")
	}
}

// TestTicketsDoNotOutliveAuthorities resumes a session under other authorities.
func TestTicketsDoNotOutliveAuthorities(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	files := ca.server(t, "localhost")
	files.ClientAuth = ClientAuthRequired
	o := Options{Listeners: []ListenerOptions{{Name: "l", Address: "127.0.0.1:0", Protocols: []Protocol{echo{name: "alpha"}}, TLS: files}}}
	s := start(t, o)
	client := ca.client(t, "app")
	client.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	talk := func() (*tls.Conn, error) {
		c := secure(dial(t, s), client)
		if _, err := io.WriteString(c, "a"); err != nil {
			return c, err
		}
		_, err := io.ReadFull(c, make([]byte, 1))
		return c, err
	}
	if _, err := talk(); err != nil {
		t.Fatal(err)
	}
	if c, err := talk(); err != nil || !c.ConnectionState().DidResume {
		t.Errorf("not resumed: %v", err)
	}
	files.ClientCA = other.path
	if err := s.Reload(o); err != nil {
		t.Fatal(err)
	}
	if _, err := talk(); err == nil {
		t.Error("a certificate of the old authority still counts")
	}
}
