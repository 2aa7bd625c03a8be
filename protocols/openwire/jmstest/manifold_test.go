package jmstest_test

import (
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/clienttest"
	"github.com/manifoldmq/manifold/protocols/openwire/jmstest"
	"github.com/manifoldmq/manifold/protocols/server"
)

// TestManifold runs the suite against two in-process brokers: an open one, and one that asks for TLS, a client
// certificate, a password and permissions.
func TestManifold(t *testing.T) {
	t.Parallel()
	s := suite(t)
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		s.Run(t, jmstest.Target{Address: brokertest.Start(t, brokertest.With(advised)).Addr("auto")}, only())
	})
	t.Run("secure", func(t *testing.T) {
		t.Parallel()
		s.Run(t, secure(t), only())
	})
}

// advised sets the policies that scenarios ask for, of the destinations that they name: what policyEntries says in
// ActiveMQ's words.
func advised(o *server.Options) {
	set := func(match string, fn func(*policy.Policy)) {
		o.Policies = append(o.Policies, policy.Entry{Match: match, Values: []policy.Value{{Name: "advised", Set: fn}}})
	}
	set("queue://jmstest.*.advised", func(p *policy.Policy) { p.Advisories, p.Limits.Memory = ^policy.Advisories(0), 20000 })
	set("topic://jmstest.*.advised", func(p *policy.Policy) { p.Advisories, p.Limits.Pending = ^policy.Advisories(0), 4 })
}

// policyEntries are the policies of the scenarios, in the configuration of an ActiveMQ.
const policyEntries = `<destinationPolicy><policyMap><policyEntries>
<policyEntry queue="jmstest.*.advised" sendAdvisoryIfNoConsumers="true" advisoryForSlowConsumers="true" advisoryForFastProducers="true"
  advisoryForDiscardingMessages="true" advisoryWhenFull="true" advisoryForDelivery="true" advisoryForConsumed="true" memoryLimit="20000"
  cursorMemoryHighWaterMark="100"><pendingQueuePolicy><vmQueueCursor/></pendingQueuePolicy></policyEntry>
<policyEntry topic="jmstest.*.advised" sendAdvisoryIfNoConsumers="true" advisoryForSlowConsumers="true" advisoryForFastProducers="true"
  advisoryForDiscardingMessages="true" advisoryWhenFull="true" advisoryForDelivery="true" advisoryForConsumed="true">
  <pendingMessageLimitStrategy><constantPendingMessageLimitStrategy limit="4"/></pendingMessageLimitStrategy></policyEntry>
</policyEntries></policyMap></destinationPolicy>`

// secure starts a broker with everything that can be asked of a client. The suite's user belongs to two groups that have
// what it needs only together.
func secure(t *testing.T) jmstest.Target {
	t.Helper()
	pki, err := clienttest.WritePKI(t.TempDir(), "suite client")
	if err != nil {
		t.Fatal(err)
	}
	everybody := []string{"*"}
	guest := security.Permission{Read: []string{"guests", "readers"}, Write: []string{"guests", "writers"}, Admin: []string{"guests"}}
	o := security.Options{
		Users: []security.User{
			{Name: suiteUser, Hash: hash(t, suitePassword), Groups: []string{"senders", "receivers"}},
			{Name: "guest", Hash: hash(t, "guest"), Groups: []string{"guests"}},
			{Name: "reader", Hash: hash(t, "reader"), Groups: []string{"readers"}},
			{Name: "writer", Hash: hash(t, "writer"), Groups: []string{"writers"}},
		},
		Permissions: []security.Permission{
			{Match: "queue://>", Read: []string{"receivers"}, Write: []string{"senders"}, Admin: []string{"senders", "receivers"}},
			{Match: "topic://>", Read: []string{"receivers"}, Write: []string{"senders"}, Admin: []string{"senders"}},
			{Match: "topic://ActiveMQ.Advisory.>", Read: everybody, Write: everybody, Admin: everybody},
		},
	}
	for _, match := range []string{"queue://guest.>", "topic://guest.>"} {
		guest.Match = match
		o.Permissions = append(o.Permissions, guest)
	}
	b := brokertest.Start(t, brokertest.With(advised), brokertest.WithSecurity(o), brokertest.WithTLS(protocols.TLSOptions{
		Certificate: pki.ServerCert, Key: pki.ServerKey, ClientCA: pki.CA, ClientAuth: protocols.ClientAuthRequired,
	}))
	return jmstest.Target{Address: b.Addr("tls"), TLS: pki.Client(), User: suiteUser, Pass: suitePassword}
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
