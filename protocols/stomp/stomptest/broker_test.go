package stomptest_test

import (
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/clienttest"
	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// The user of the suite, whose password has what headers and options stumble over.
const (
	suiteUser     = "suite"
	suitePassword = `pa:ss wo\rd-1%`
)

// start starts two in-process brokers. This is the one place that decides what the tests run against by default: an open
// broker without TLS, and one that asks for TLS, a client certificate, a password and permissions.
func start(t *testing.T) listener {
	t.Helper()
	plain := brokertest.Start(t)
	secure, pki := startSecure(t)
	return listener{
		Plain: stomptest.Target{Address: plain.Addr("stomp")},
		Secure: &stomptest.Target{
			Address: secure.Addr("stomp+tls"), TLS: pki.Client(), User: suiteUser, Pass: suitePassword,
		},
	}
}

// startSecure starts a broker with everything that can be asked of a client. The suite's user belongs to two groups that
// have what it needs only together.
func startSecure(t *testing.T) (*brokertest.Broker, clienttest.PKI) {
	t.Helper()
	pki, err := clienttest.WritePKI(t.TempDir(), "suite client")
	if err != nil {
		t.Fatal(err)
	}
	return brokertest.Start(t,
		brokertest.WithTLS(protocols.TLSOptions{
			Certificate: pki.ServerCert, Key: pki.ServerKey, ClientCA: pki.CA, ClientAuth: protocols.ClientAuthRequired,
		}),
		brokertest.WithSecurity(security.Options{
			Users: []security.User{
				{Name: suiteUser, Hash: hash(t, suitePassword), Groups: []string{"senders", "receivers"}},
				{Name: "other", Hash: hash(t, "other")},
			},
			Permissions: []security.Permission{
				{Match: "queue://>", Write: []string{"senders"}, Admin: []string{"senders", "receivers"}},
				{Match: "topic://>", Write: []string{"senders"}, Admin: []string{"senders"}},
				{Match: "queue://>", Read: []string{"receivers"}},
				{Match: "topic://>", Read: []string{"receivers"}},
				{Match: "temp-queue://>", Read: []string{"receivers"}, Write: []string{"senders"}, Admin: []string{"receivers"}},
				{Match: "temp-topic://>", Read: []string{"receivers"}, Write: []string{"senders"}, Admin: []string{"receivers"}},
			},
		}),
	), pki
}

// hash returns the cheapest bcrypt hash of a password: tests log in often.
func hash(t testing.TB, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}
