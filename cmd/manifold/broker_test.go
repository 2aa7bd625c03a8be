package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/accounts"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// running broker of one test: the real one, by the command line.
type runningServe struct {
	signals chan os.Signal
	done    chan sysexit.Code
	log     *buffer
	at      map[string]string // listener -> host:port
}

// serve runs manifold serve with a configuration; STORE in its text stands for a directory.
func serve(t *testing.T, text string) *runningServe {
	t.Helper()
	return serveFile(t, file(t, "c.yaml", strings.ReplaceAll(text, "STORE", filepath.Join(t.TempDir(), "data"))))
}

// serveFile serves a configuration file.
func serveFile(t *testing.T, name string, env ...string) *runningServe {
	t.Helper()
	s := &runningServe{make(chan os.Signal), make(chan sysexit.Code, 1), &buffer{}, map[string]string{}}
	out := make(lines, 1)
	a := &app{out: out, err: s.log, signals: s.signals, env: append([]string{"GOMEMLIMIT=off", "GOGC=100"}, env...), newBroker: newBroker}
	go func() {
		s.done <- a.run(context.Background(), []string{"serve", "--config", name, "--log-format=json"})
	}()
	select {
	case ready := <-out:
		var line struct {
			Listeners []struct{ Name, Address string }
		}
		if err := json.Unmarshal([]byte(ready), &line); err != nil {
			t.Fatalf("%s: %v", ready, err)
		}
		for _, l := range line.Listeners {
			s.at[l.Name] = l.Address
		}
	case code := <-s.done:
		t.Fatalf("ended with %d; log: %s", code, s.log)
	}
	t.Cleanup(func() {
		s.signals <- syscall.SIGTERM
		if code := <-s.done; code != sysexit.OK {
			t.Errorf("ended with %d; log: %s", code, s.log)
		}
	})
	return s
}

func (s *runningServe) url(destination string) string {
	return "stomp://" + s.at["stomp"] + destination
}

const openBroker = `
listeners: [{name: stomp, address: "127.0.0.1:0", protocols: [stomp]}]
http: {address: ""}
store: {engine: memory, path: 'STORE'}
broker: {drain_timeout: 100ms}
`

func TestSendAndReceive(t *testing.T) {
	t.Parallel()
	s := serve(t, openBroker)
	queue := s.url("/queue/orders")
	manifold(t, "", nil, "send", queue, "one", "-H", "n=1").want(t, sysexit.OK, "", "")
	manifold(t, "two", nil, "send", queue, "-H", "n=2").want(t, sysexit.OK, "", "")
	manifold(t, "", nil, "send", queue, "--file", file(t, "body", "three"), "--json").want(t, sysexit.OK, `"sent": 1`, "")

	if r := manifold(t, "", nil, "browse", queue); r.out != "one\ntwo\nthree\n" || r.code != sysexit.OK {
		t.Errorf("browse: %+v", r)
	}
	if r := manifold(t, "", nil, "receive", queue, "--selector", "n = 2", "--count", "1"); r.out != "two\n" {
		t.Errorf("selector: %+v", r)
	}
	manifold(t, "", nil, "receive", queue, "--selector", "n = = 2", "--count", "1").want(t, sysexit.Data, "", "refused")
	r := manifold(t, "", nil, "receive", queue, "--count", "1", "--json")
	var m struct {
		Destination string
		Headers     map[string]string
		Body        string
	}
	if err := json.Unmarshal([]byte(r.out), &m); err != nil || m.Body != "one" || m.Destination != "/queue/orders" || m.Headers["n"] != "1" || m.Headers["persistent"] != "true" {
		t.Errorf("got %s", r.out)
	}
	manifold(t, "", nil, "receive", queue, "--count", "1", "-v").want(t, sysexit.OK, "destination: /queue/orders\n", "")
	manifold(t, "", nil, "receive", queue, "--count", "1", "--timeout", "20ms").want(t, sysexit.Timeout, "", "0 of 1 messages")

	manifold(t, "", nil, "send", queue, "x", "--repeat", "500", "--confirm=false").want(t, sysexit.OK, "500 messages sent", "")
	if r := manifold(t, "", nil, "receive", queue, "--count", "499", "--ack", "client"); strings.Count(r.out, "x\n") != 499 {
		t.Errorf("%d messages, code %d: %s", strings.Count(r.out, "x\n"), r.code, r.err)
	}
	if r := manifold(t, "", nil, "receive", queue, "--timeout", "100ms", "--ack", "auto"); r.out != "x\n" || r.code != sysexit.OK {
		t.Errorf("the rest: %+v", r)
	}
}

func TestBytesMessage(t *testing.T) {
	t.Parallel()
	s := serve(t, openBroker)
	manifold(t, "\xff\x00", nil, "send", s.url("/queue/b")).want(t, sysexit.OK, "", "")
	manifold(t, "", nil, "receive", s.url("/queue/b"), "--count", "1", "--json").want(t, sysexit.OK, `"body_base64":"/wA="`, "")
}

func TestDurableSubscription(t *testing.T) {
	t.Parallel()
	s := serve(t, openBroker)
	topic := s.url("/topic/prices")
	subscribe := []string{"receive", topic, "--durable", "--client-id", "c", "--name", "n"}
	manifold(t, "", nil, append(subscribe, "--timeout", "20ms")...).want(t, sysexit.OK, "", "")
	manifold(t, "", nil, "send", topic, "later").want(t, sysexit.OK, "", "")
	manifold(t, "", nil, append(subscribe, "--count", "1")...).want(t, sysexit.OK, "later\n", "")
}

func TestReceiveUntilInterrupted(t *testing.T) {
	t.Parallel()
	s := serve(t, openBroker)
	out, signals, done := make(lines, 1), make(chan os.Signal), make(chan sysexit.Code, 1)
	a := &app{out: out, err: &buffer{}, signals: signals}
	go func() { done <- a.run(context.Background(), []string{"receive", s.url("/queue/q")}) }()
	manifold(t, "", nil, "send", s.url("/queue/q"), "m").want(t, sysexit.OK, "", "")
	if got := <-out; got != "m\n" {
		t.Errorf("got %q", got)
	}
	signals <- syscall.SIGINT
	if code := <-done; code != sysexit.OK {
		t.Errorf("ended with %d", code)
	}
	if r := manifold(t, "", nil, "browse", s.url("/queue/q")); r.out != "" {
		t.Errorf("printed and not acknowledged: %+v", r)
	}
}

func TestLoginAndRights(t *testing.T) {
	t.Parallel()
	hash, err := accounts.Hash("s3cret", accounts.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, openBroker+fmt.Sprintf(`
security:
  users: [{name: app, password: '%s', groups: [apps]}]
  permissions: [{match: "queue://mine.>", read: [apps], write: [apps], admin: [apps]}]
`, hash))
	mine, other := s.url("/queue/mine.a"), s.url("/queue/other")
	password := file(t, "password", "s3cret\n")
	login := []string{"--user", "app", "--password-file", password}
	manifold(t, "", nil, append([]string{"send", mine, "x"}, login...)...).want(t, sysexit.OK, "", "")
	manifold(t, "", nil, "receive", strings.Replace(mine, "://", "://app:s3cret@", 1), "--count", "1").want(t, sysexit.OK, "x\n", "")
	manifold(t, "", nil, "send", mine, "x").want(t, sysexit.Permission, "", "")
	manifold(t, "", nil, "send", strings.Replace(mine, "://", "://app:wrong@", 1), "x").want(t, sysexit.Permission, "", "")
	manifold(t, "", nil, append([]string{"send", other, "x"}, login...)...).want(t, sysexit.Permission, "", "not authorized")
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	s := serve(t, fmt.Sprintf(`
listeners: [{name: stomp, address: "127.0.0.1:0", protocols: [stomp], tls: {certificate: '%s', key: '%s'}}]
http: {address: ""}
store: {engine: memory, path: 'STORE'}
broker: {drain_timeout: 100ms}
`, cert, key))
	queue := strings.Replace(s.url("/queue/q"), "stomp://", "stomp+ssl://", 1)
	manifold(t, "", nil, "send", queue, "x", "--ca", cert).want(t, sysexit.OK, "", "")
	manifold(t, "", nil, "receive", queue, "--insecure", "--count", "1").want(t, sysexit.OK, "x\n", "")
	manifold(t, "", nil, "send", queue, "x").want(t, sysexit.Unavailable, "", "certificate")
}

// selfSigned writes a certificate for 127.0.0.1 and its key.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	secret, keyErr := x509.MarshalPKCS8PrivateKey(private)
	if err = errors.Join(err, keyErr); err != nil {
		t.Fatal(err)
	}
	cert = file(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	key = file(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	return cert, key
}

func TestPortInUseAndStoreLocked(t *testing.T) {
	t.Parallel()
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	run := func(text string) (sysexit.Code, string) {
		log := &buffer{}
		a := &app{out: log, err: log, env: []string{"GOMEMLIMIT=off", "GOGC=100"}, newBroker: newBroker}
		return a.run(t.Context(), []string{"serve", "--config", file(t, "c.yaml", text)}), log.String()
	}
	text := strings.Replace(openBroker, "127.0.0.1:0", held.Addr().String(), 1)
	if code, log := run(strings.ReplaceAll(text, "STORE", t.TempDir())); code != sysexit.PortInUse {
		t.Errorf("ended with %d, want %d; log: %s", code, sysexit.PortInUse, log)
	}
	dir := filepath.Join(t.TempDir(), "data")
	text = strings.ReplaceAll(strings.ReplaceAll(openBroker, "memory", "pebble"), "STORE", dir)
	serve(t, text)
	if code, log := run(text); code != sysexit.StoreLocked {
		t.Errorf("ended with %d, want %d; log: %s", code, sysexit.StoreLocked, log)
	}
}
