package amqptest_test

import (
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/amqp/amqptest"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/clienttest"
	"github.com/manifoldmq/manifold/protocols/server"
)

// The user of the suite, whose password has what parsers stumble over.
const (
	suiteUser     = "suite"
	suitePassword = `pa:ss wo\rd-1%`
)

// start starts in-process brokers. This is the one place that decides what the tests run against by default: an open
// broker without TLS, one that asks for TLS, a client certificate, a password and permissions, and one that asks for TLS
// and a password.
func start(t *testing.T) listener {
	t.Helper()
	plain := brokertest.Start(t, redeliveries())
	pki, err := clienttest.WritePKI(t.TempDir(), "suite client")
	if err != nil {
		t.Fatal(err)
	}
	secure := startSecure(t, pki, protocols.ClientAuthRequired)
	password := startSecure(t, pki, protocols.ClientAuthNone)
	return listener{
		Plain: amqptest.Target{Address: plain.Addr("amqp"), WebSocket: plain.URL("ws", "ws")},
		Secure: &amqptest.Target{
			Address: secure.Addr("amqp+tls"), TLS: pki.Client(), User: suiteUser, Pass: suitePassword,
			WebSocket: secure.URL("wss", "wss"),
		},
		Password: &amqptest.Target{
			Address: password.Addr("amqp+tls"), TLS: &clienttest.TLSFiles{CA: pki.CA}, User: suiteUser, Pass: suitePassword,
		},
	}
}

// startSecure starts a broker with permissions. The suite's user belongs to two groups that have what it needs only
// together.
func startSecure(t *testing.T, pki clienttest.PKI, auth protocols.ClientAuth) *brokertest.Broker {
	t.Helper()
	both := []string{"senders", "receivers"}
	return brokertest.Start(t, redeliveries(),
		brokertest.WithTLS(protocols.TLSOptions{Certificate: pki.ServerCert, Key: pki.ServerKey, ClientCA: pki.CA, ClientAuth: auth}),
		brokertest.WithSecurity(security.Options{
			Users: []security.User{
				{Name: suiteUser, Hash: hash(t, suitePassword), Groups: both},
				{Name: "other", Hash: hash(t, "other")},
			},
			CertificateUsers: map[string]string{"CN=suite client,O=Manifold tests": suiteUser},
			Permissions: []security.Permission{
				{Match: "queue://foreign.>", Read: both, Write: both, Admin: both},
				{Match: "topic://foreign.>", Read: both, Write: both, Admin: both},
				{Match: "queue://foreign/uamqp.>", Read: both, Write: both, Admin: both}, // whose addresses are URLs
				{Match: "topic://foreign/uamqp.>", Read: both, Write: both, Admin: both},
				{Match: "queue://forbidden.>", Read: []string{"nobody"}, Write: []string{"nobody"}, Admin: []string{"nobody"}},
				{Match: "queue://goamqp.>", Write: []string{"senders"}, Admin: both, Read: []string{"receivers"}},
				{Match: "topic://goamqp.>", Write: []string{"senders"}, Admin: both, Read: []string{"receivers"}},
				{Match: "queue://amqptest.>", Write: []string{"senders"}, Admin: both, Read: []string{"receivers"}},
				{Match: "topic://amqptest.>", Write: []string{"senders"}, Admin: both, Read: []string{"receivers"}},
				{Match: "queue://ActiveMQ.DLQ", Read: []string{"receivers"}, Admin: both},
				{Match: "temp-queue://>", Read: []string{"receivers"}, Write: []string{"senders"}, Admin: both},
				{Match: "temp-topic://>", Read: []string{"receivers"}, Write: []string{"senders"}, Admin: both},
			},
		}))
}

// redeliveries sets ActiveMQ's limit, which its clients have and ours do not.
func redeliveries() brokertest.Option {
	return brokertest.With(func(o *server.Options) {
		o.Policies = []policy.Entry{{Match: "queue://>", Values: []policy.Value{
			{Name: "redelivery.maximum", Set: func(p *policy.Policy) { p.MaxDeliveries = 7 }},
		}}}
	})
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
