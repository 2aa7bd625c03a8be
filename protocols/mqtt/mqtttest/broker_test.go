package mqtttest_test

import (
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/clienttest"
	"github.com/manifoldmq/manifold/protocols/mqtt/mqtttest"
)

// The user of the suite, whose password has what shells and options stumble over.
const (
	suiteUser     = "suite"
	suitePassword = `pa:ss wo\rd-1%`
)

// start starts two in-process brokers: an open one without TLS, and one that asks for TLS, a client
// certificate, a password and permissions. This is the one place that decides what the tests run
// against by default.
func start(t *testing.T) listener {
	t.Helper()
	plain := brokertest.Start(t)
	files, err := clienttest.WritePKI(t.TempDir(), "suite client")
	if err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(suitePassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	permissions := []security.Permission{}
	for _, match := range []string{"topic://mqtttest.>", "topic://foreign.>"} {
		permissions = append(permissions, security.Permission{Match: match, Read: []string{"suite"}, Write: []string{"suite"}, Admin: []string{"suite"}})
	}
	secure := brokertest.Start(t,
		brokertest.WithTLS(protocols.TLSOptions{Certificate: files.ServerCert, Key: files.ServerKey, ClientCA: files.CA, ClientAuth: protocols.ClientAuthRequired}),
		brokertest.WithSecurity(security.Options{
			Users:       []security.User{{Name: suiteUser, Hash: string(hash), Groups: []string{"suite"}}},
			Permissions: permissions,
		}),
	)
	return listener{
		Plain: mqtttest.Target{Address: plain.Addr("mqtt"), WebSocket: plain.Addr("ws")},
		Secure: &mqtttest.Target{
			Address: secure.Addr("mqtt+tls"), WebSocket: secure.Addr("wss"), User: suiteUser, Pass: suitePassword,
			TLS: &clienttest.TLSFiles{CA: files.CA, Cert: files.ClientCert, Key: files.ClientKey},
		},
	}
}
