package mqtttest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/mqtt/mqtttest"
)

// listener is what a test runs against. Plain is always there, Secure only where TLS with a
// password and a client certificate can be tried.
type listener struct {
	Plain  mqtttest.Target
	Secure *mqtttest.Target
}

// underTest returns the broker under test: the addresses in MANIFOLD_TEST_MQTT_URL and
// MANIFOLD_TEST_MQTT_TLS_URL, or else an in-process broker.
func underTest(t *testing.T) listener {
	t.Helper()
	text := os.Getenv("MANIFOLD_TEST_MQTT_URL")
	if text == "" {
		return start(t)
	}
	l := listener{Plain: parse(t, text)}
	if secure := os.Getenv("MANIFOLD_TEST_MQTT_TLS_URL"); secure != "" {
		target := parse(t, secure)
		l.Secure = &target
	}
	return l
}

// real returns the broker that MANIFOLD_PEER_ACTIVEMQ_MQTT_URL or MANIFOLD_PEER_MOSQUITTO_URL
// names, or skips.
func real(t *testing.T, peer mqtttest.Peer) mqtttest.Target {
	t.Helper()
	variable := map[mqtttest.Peer]string{
		mqtttest.ActiveMQ: "MANIFOLD_PEER_ACTIVEMQ_MQTT_URL", mqtttest.Mosquitto: "MANIFOLD_PEER_MOSQUITTO_URL",
	}[peer]
	text := os.Getenv(variable)
	if text == "" {
		t.Skipf("%s names no %s", variable, peer)
	}
	target := parse(t, text)
	target.Peer = peer
	return target
}

func parse(t *testing.T, text string) mqtttest.Target {
	t.Helper()
	parsed, err := mqtttest.ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestBroker runs the suite against the broker under test.
func TestBroker(t *testing.T) {
	t.Parallel()
	l := underTest(t)
	t.Run("plain", func(t *testing.T) { mqtttest.Run(t, l.Plain) })
	t.Run("tls", func(t *testing.T) {
		if l.Secure == nil {
			t.Skip("no TLS listener")
		}
		mqtttest.Run(t, *l.Secure)
	})
}

// TestPeers runs the suite against real brokers, which proves that it tells the truth about them.
func TestPeers(t *testing.T) {
	for _, peer := range []mqtttest.Peer{mqtttest.ActiveMQ, mqtttest.Mosquitto} {
		t.Run(string(peer), func(t *testing.T) { mqtttest.Run(t, real(t, peer)) })
	}
}

// TestTable checks the table itself.
func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range mqtttest.All() {
		if seen[s.Name] {
			t.Errorf("%s is there twice", s.Name)
		}
		seen[s.Name] = true
		if s.Ref == "" || s.Run == nil {
			t.Errorf("%s lacks its reference or its function", s.Name)
		}
		if (len(s.Others) > 0) != (s.Why != "") {
			t.Errorf("%s says what others do or why we differ, not both", s.Name)
		}
		if s.Name != strings.ToLower(s.Name) || strings.Contains(s.Name, " ") {
			t.Errorf("%q isn't a lower-case path", s.Name)
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d scenarios", len(seen))
	}
}
