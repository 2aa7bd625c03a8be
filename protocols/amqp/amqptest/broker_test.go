package amqptest_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/amqp/amqptest"
)

// listener is what a test runs against. Plain is always there, Secure only where TLS with a password and a client
// certificate can be tried.
type listener struct {
	Plain    amqptest.Target
	Secure   *amqptest.Target
	Password *amqptest.Target // TLS and a password, no certificate
}

// underTest returns the broker under test: the addresses in MANIFOLD_TEST_AMQP_URL and MANIFOLD_TEST_AMQP_TLS_URL, or
// else an in-process broker.
func underTest(t *testing.T) listener {
	t.Helper()
	text := os.Getenv("MANIFOLD_TEST_AMQP_URL")
	if text == "" {
		return start(t)
	}
	l := listener{Plain: parse(t, text)}
	if secure := os.Getenv("MANIFOLD_TEST_AMQP_TLS_URL"); secure != "" {
		target := parse(t, secure)
		l.Secure = &target
	}
	return l
}

// rabbitMQ returns the real RabbitMQ that MANIFOLD_PEER_RABBITMQ_URL names, or skips.
func rabbitMQ(t *testing.T) amqptest.Target {
	t.Helper()
	text := os.Getenv("MANIFOLD_PEER_RABBITMQ_URL")
	if text == "" {
		t.Skip("MANIFOLD_PEER_RABBITMQ_URL names no RabbitMQ")
	}
	peer := parse(t, text)
	peer.Peer, peer.Patience = amqptest.RabbitMQ, 5*time.Second
	return peer
}

func parse(t *testing.T, text string) amqptest.Target {
	t.Helper()
	parsed, err := amqptest.ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestBroker runs the suite against the broker under test.
func TestBroker(t *testing.T) {
	t.Parallel()
	l := underTest(t)
	t.Run("plain", func(t *testing.T) { amqptest.Run(t, l.Plain) })
	t.Run("tls", func(t *testing.T) {
		if l.Secure == nil {
			t.Skip("no TLS listener")
		}
		amqptest.Run(t, *l.Secure)
	})
	t.Run("password", func(t *testing.T) {
		if l.Password == nil {
			t.Skip("no listener with TLS and without client certificates")
		}
		amqptest.RunLogin(t, *l.Password)
	})
}

// TestRabbitMQ runs the suite against a real RabbitMQ, which shows what of it any AMQP 1.0 broker does, and proves the
// differences that are documented.
func TestRabbitMQ(t *testing.T) { amqptest.Run(t, rabbitMQ(t)) }

// TestTable checks the table itself: names are unique, every scenario says what it proves, and a difference from
// ActiveMQ comes with its reason.
func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range amqptest.All() {
		if seen[s.Name] {
			t.Errorf("%s is there twice", s.Name)
		}
		seen[s.Name] = true
		if s.Ref == "" || s.Run == nil {
			t.Errorf("%s lacks its reference or its function", s.Name)
		}
		if (s.ActiveMQ == "") != (s.Why == "") {
			t.Errorf("%s says what ActiveMQ does or why we differ, not both", s.Name)
		}
		if s.Name != strings.ToLower(s.Name) || strings.Contains(s.Name, " ") {
			t.Errorf("%q isn't a lower-case path", s.Name)
		}
	}
	if len(seen) < 140 {
		t.Errorf("only %d scenarios", len(seen))
	}
}
