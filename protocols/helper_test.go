package protocols

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// echo is a protocol that recognises its name, says who connected, and sends back what it gets.
type echo struct {
	name   string
	served chan *Conn // if not nil, gets each connection
	login  bool       // logs in at once
}

func (e echo) Name() string { return e.name }

func (e echo) Detect(prefix []byte) Verdict { return anyOf(prefix, e.name) }

func (e echo) Serve(_ context.Context, c *Conn) {
	if e.login {
		c.LoggedIn()
	}
	if e.served != nil {
		e.served <- c
	}
	_, _ = io.Copy(c, c)
}

// journal collects log lines, and lets tests wait for one.
type journal struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{}
}

func newJournal() (*journal, *slog.Logger) {
	j := &journal{grown: make(chan struct{})}
	return j, slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.grown)
	j.grown = make(chan struct{})
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// wait waits until the log holds a text.
func (j *journal) wait(t *testing.T, want string) {
	t.Helper()
	late := time.After(patience)
	for {
		j.mu.Lock()
		text, grown := j.text.String(), j.grown
		j.mu.Unlock()
		if strings.Contains(text, want) {
			return
		}
		select {
		case <-grown:
		case <-late:
			t.Fatalf("the log does not say %q:\n%s", want, text)
		}
	}
}

// start returns a server that listens.
func start(t *testing.T, o Options) *Server {
	t.Helper()
	for i := range o.Listeners {
		if o.Listeners[i].Name == "" {
			o.Listeners[i].Name = fmt.Sprint("l", i)
		}
		if o.Listeners[i].Address == "" {
			o.Listeners[i].Address = "127.0.0.1:0"
		}
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	return s
}

// dial connects to the first listener.
func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	return dialAt(t, s.Listeners()[0].Addr().String())
}

func dialAt(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// say writes a text.
func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// expect reads a text.
func expect(t *testing.T, c net.Conn, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if n, err := io.ReadFull(c, b); err != nil || string(b) != want {
		t.Fatalf("got %q, %v, want %q", b[:n], err, want)
	}
}

// expectEnd waits until the other side has closed the connection, cleanly or not.
func expectEnd(t *testing.T, c net.Conn, cleanly bool) {
	t.Helper()
	n, err := io.Copy(io.Discard, c)
	if n > 0 || cleanly && err != nil {
		t.Fatalf("got %d bytes and %v", n, err)
	}
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		t.Fatal("the connection stays open")
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(late) {
			t.Fatal("what must happen did not")
		}
	}
}

// receive takes what a protocol got.
func receive(t *testing.T, served chan *Conn) *Conn {
	t.Helper()
	select {
	case c := <-served:
		return c
	case <-time.After(patience):
		t.Fatal("no connection was served")
		return nil
	}
}

// authority makes certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	path string // PEM
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{path: filepath.Join(t.TempDir(), "ca.pem")}
	a.cert, a.key = issue(t, nil, "authority", a.path, "")
	return a
}

// issue writes a certificate and its key, signed by a, or by itself if a is nil.
func issue(t *testing.T, a *authority, name, certPath, keyPath string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<60))
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IsCA: a == nil, BasicConstraintsValid: true,
	}
	parent, signer := template, key
	if a != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, certPath, "CERTIFICATE", der)
	if keyPath != "" {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		writePEM(t, keyPath, "PRIVATE KEY", der)
	}
	return cert, key
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// server writes a certificate for a listener and returns its options.
func (a *authority) server(t *testing.T, name string) *TLSOptions {
	t.Helper()
	dir := t.TempDir()
	o := &TLSOptions{Certificate: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"), ClientCA: a.path}
	issue(t, a, name, o.Certificate, o.Key)
	return o
}

// client returns the options of a client that trusts a, with a certificate if it has a name.
func (a *authority) client(t *testing.T, name string) *tls.Config {
	t.Helper()
	c := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "127.0.0.1"}
	c.RootCAs.AddCert(a.cert)
	if name != "" {
		cert, key := issue(t, a, name, filepath.Join(t.TempDir(), "client.pem"), "")
		c.Certificates = []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}
	}
	return c
}
