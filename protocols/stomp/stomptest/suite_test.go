package stomptest_test

import (
	"os"
	"testing"

	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// target returns the broker under test: the address in MANIFOLD_TEST_STOMP_URL, or else an in-process broker.
func target(t *testing.T) stomptest.Target {
	t.Helper()
	if text := os.Getenv("MANIFOLD_TEST_STOMP_URL"); text != "" {
		return parse(t, text)
	}
	return start(t)
}

// start starts an in-process broker. This is the one place that decides what the suite runs against by default.
func start(t *testing.T) stomptest.Target {
	t.Helper()
	t.Skip("no broker: set MANIFOLD_TEST_STOMP_URL")
	return stomptest.Target{}
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
func TestBroker(t *testing.T) { stomptest.Run(t, target(t)) }

// TestActiveMQ runs the suite against a real ActiveMQ, which proves that the suite tells the truth about it.
func TestActiveMQ(t *testing.T) {
	text := os.Getenv("MANIFOLD_PEER_ACTIVEMQ_URL")
	if text == "" {
		t.Skip("MANIFOLD_PEER_ACTIVEMQ_URL names no ActiveMQ")
	}
	peer := parse(t, text)
	peer.Peer = stomptest.ActiveMQ
	stomptest.Run(t, peer)
}
