package groups_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/server"
	"github.com/manifoldmq/manifold/protocols/torture"
	"github.com/manifoldmq/manifold/protocols/torture/groups"
)

// TestRestarts runs the workload while the broker is stopped and started, with so little memory that
// most of the queue is on the disk.
func TestRestarts(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"stomp", "amqp", "openwire"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			dir := t.TempDir()
			start := func() *brokertest.Broker {
				return brokertest.Start(t, brokertest.WithStore(dir), brokertest.With(func(o *server.Options) { o.Limits.Memory = 8 << 20 }))
			}
			var mu sync.Mutex
			var at []torture.Endpoint
			serving := func(list ...torture.Endpoint) {
				mu.Lock()
				at = list
				mu.Unlock()
			}
			b := start()
			serving(torture.Endpoint{URL: b.URL(protocol, "auto"), Life: 1})
			w := groups.Crash(uint64(time.Now().UnixNano()))
			w.Groups, w.Consumers = 200, 20
			t.Logf("seed %d", w.Seed)
			r := groups.Start(ctx, w, func() []torture.Endpoint {
				mu.Lock()
				defer mu.Unlock()
				return at
			})
			for life := range uint64(2) {
				if err := r.Settled(ctx, 1500); err != nil {
					t.Fatal(err)
				}
				serving()
				r.Stopping()
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				b = start()
				serving(torture.Endpoint{URL: b.URL(protocol, "auto"), Life: life + 2})
			}
			if err := r.Settled(ctx, 1500); err != nil {
				t.Fatal(err)
			}
			report, err := r.Finish(ctx)
			t.Logf("%+v", report)
			if err != nil {
				t.Error(err)
			}
			if report.Handed == 0 || report.Again == 0 {
				t.Error("no group has gone from one consumer to another with messages unsettled")
			}
			if report.Committed == 0 || report.Aborted == 0 || report.Left == 0 || report.Parted == 0 {
				t.Error("nothing was committed, rolled back or left in a transaction, or no group was closed with messages unsettled")
			}
		})
	}
}

// TestBroker runs the workload against any broker, whose URL is in the environment.
func TestBroker(t *testing.T) {
	t.Parallel()
	url := os.Getenv("MANIFOLD_GROUPS_URL")
	if url == "" {
		t.Skip("MANIFOLD_GROUPS_URL names no broker")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	r := groups.Start(ctx, groups.Crash(uint64(time.Now().UnixNano())), func() []torture.Endpoint { return []torture.Endpoint{{URL: url, Life: 1}} })
	if err := r.Settled(ctx, 10_000); err != nil {
		t.Fatal(err)
	}
	report, err := r.Finish(ctx)
	t.Logf("%+v", report)
	if err != nil {
		t.Error(err)
	}
}
