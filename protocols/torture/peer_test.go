package torture

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
)

// TestBroker runs the workload against any broker, named by a URL in the environment. Nothing
// is killed, but clients cut their connections.
func TestBroker(t *testing.T) {
	t.Parallel()
	target := os.Getenv("MANIFOLD_TORTURE_URL")
	if target == "" {
		t.Skip("MANIFOLD_TORTURE_URL names no broker")
	}
	cutting(t, target)
}

// TestAMQP runs the workload with AMQP against a broker of its own.
func TestAMQP(t *testing.T) {
	t.Parallel()
	cutting(t, brokertest.Start(t, brokertest.WithStore(t.TempDir())).URL("amqp", "amqp"))
}

// cutting runs the workload against a broker and audits it.
func cutting(t *testing.T, target string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	w := Crash(uint64(time.Now().UnixNano()))
	broker := Endpoint{URL: target, Life: 1}
	l := NewLedger(w.Seed)
	r, err := Start(ctx, w, l, func() []Endpoint { return []Endpoint{broker} })
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.Confirmed(5000):
	case <-ctx.Done():
	}
	if err := r.Stop(ctx); err != nil {
		t.Error(err)
	}
	if err := Drain(ctx, w, l, broker); err != nil {
		t.Error(err)
	}
	report := l.Audit()
	t.Log(report.String())
	if err := report.Err(); err != nil {
		t.Error(err)
	}
}
