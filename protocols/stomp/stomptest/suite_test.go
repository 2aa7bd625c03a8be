package stomptest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// listener is what a test runs against. Plain is always there, Secure only where TLS with a password and a client
// certificate can be tried.
type listener struct {
	Plain  stomptest.Target
	Secure *stomptest.Target
}

// underTest returns the broker under test: the addresses in MANIFOLD_TEST_STOMP_URL and MANIFOLD_TEST_STOMP_TLS_URL, or
// else an in-process broker.
func underTest(t *testing.T) listener {
	t.Helper()
	text := os.Getenv("MANIFOLD_TEST_STOMP_URL")
	if text == "" {
		return start(t)
	}
	l := listener{Plain: parse(t, text)}
	if secure := os.Getenv("MANIFOLD_TEST_STOMP_TLS_URL"); secure != "" {
		target := parse(t, secure)
		l.Secure = &target
	}
	return l
}

// activeMQ returns the real ActiveMQ that MANIFOLD_PEER_ACTIVEMQ_URL names, or skips.
func activeMQ(t *testing.T) stomptest.Target {
	t.Helper()
	text := os.Getenv("MANIFOLD_PEER_ACTIVEMQ_URL")
	if text == "" {
		t.Skip("MANIFOLD_PEER_ACTIVEMQ_URL names no ActiveMQ")
	}
	peer := parse(t, text)
	peer.Peer = stomptest.ActiveMQ
	return peer
}

func parse(t *testing.T, text string) stomptest.Target {
	t.Helper()
	parsed, err := stomptest.ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestBroker runs the suite against the broker under test.
func TestBroker(t *testing.T) {
	t.Parallel()
	l := underTest(t)
	t.Run("plain", func(t *testing.T) { stomptest.Run(t, l.Plain) })
	t.Run("tls", func(t *testing.T) {
		if l.Secure == nil {
			t.Skip("no TLS listener")
		}
		stomptest.Run(t, *l.Secure)
	})
}

// TestActiveMQ runs the suite against a real ActiveMQ, which proves that the suite tells the truth about it.
func TestActiveMQ(t *testing.T) { stomptest.Run(t, activeMQ(t)) }

// TestTable checks the table itself: names are unique, every scenario says what it proves, and a difference from
// ActiveMQ comes with its reason.
func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range stomptest.All() {
		versions := s.Versions
		if len(versions) == 0 {
			versions = []string{"1.2"}
		}
		for _, version := range versions {
			key := s.Name + "/" + version
			if seen[key] {
				t.Errorf("%s is there twice", key)
			}
			seen[key] = true
		}
		if s.Ref == "" || s.Run == nil {
			t.Errorf("%s lacks its reference or its function", s.Name)
		}
		if (s.ActiveMQ == "") != (s.Why == "") {
			t.Errorf("%s says what ActiveMQ does or why we differ, not both", s.Name)
		}
		if s.Later != "" && s.ActiveMQ != "" {
			t.Errorf("%s can't both differ and be missing", s.Name)
		}
		if s.Name != strings.ToLower(s.Name) || strings.Contains(s.Name, " ") {
			t.Errorf("%q isn't a lower-case path", s.Name)
		}
	}
	if len(seen) < 150 {
		t.Errorf("only %d scenarios", len(seen))
	}
}
