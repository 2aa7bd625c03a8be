package sessions_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/torture/sessions"
)

// TestCuts runs the workload while clients cut their connections and the broker is stopped and
// started.
func TestCuts(t *testing.T) {
	t.Parallel()
	for qos := range byte(2) {
		t.Run(fmt.Sprint("QoS ", qos+1), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			dir := t.TempDir()
			b := brokertest.Start(t, brokertest.WithStore(dir))
			var address atomic.Value
			address.Store(b.Addr("mqtt"))
			w := sessions.Crash(uint64(time.Now().UnixNano()), qos+1)
			w.Cuts = 0.003
			t.Logf("seed %d", w.Seed)
			r, err := sessions.Start(ctx, w, func() string { return address.Load().(string) })
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := r.Acknowledged(ctx, 1000); err != nil {
					t.Fatal(err)
				}
				address.Store("")
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				b = brokertest.Start(t, brokertest.WithStore(dir))
				address.Store(b.Addr("mqtt"))
			}
			if err := r.Acknowledged(ctx, 500); err != nil {
				t.Fatal(err)
			}
			report, err := r.Finish(ctx)
			t.Logf("%+v", report)
			if err != nil {
				t.Error(err)
			}
			if report.Resumed < 6 {
				t.Errorf("%d connections found their session", report.Resumed)
			}
		})
	}
}

// TestBroker runs the workload against any broker, whose address is in the environment.
func TestBroker(t *testing.T) {
	t.Parallel()
	address := os.Getenv("MANIFOLD_SESSIONS_ADDRESS")
	if address == "" {
		t.Skip("MANIFOLD_SESSIONS_ADDRESS names no broker")
	}
	for qos := range byte(2) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		w := sessions.Crash(uint64(time.Now().UnixNano()), qos+1)
		r, err := sessions.Start(ctx, w, func() string { return address })
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Acknowledged(ctx, 2000); err != nil {
			t.Fatal(err)
		}
		report, err := r.Finish(ctx)
		t.Logf("QoS %d: %+v", qos+1, report)
		if err != nil {
			t.Error(err)
		}
	}
}
