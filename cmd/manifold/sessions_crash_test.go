package main

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/torture/sessions"
)

// sessionRounds kills a broker that MQTT clients with kept sessions load, again and again: of QoS 1
// nothing may be lost, of QoS 2 nothing lost and nothing twice.
func sessionRounds(t *testing.T, r *rig) {
	var address atomic.Value
	follow := func(c *child) *child {
		c.wait()
		address.Store(c.mqtt)
		return c
	}
	address.Store("")
	broker := follow(r.launch())
	for round := range r.rounds {
		ctx, cancel := context.WithTimeout(r.ctx, 3*time.Minute)
		var runs []*sessions.Run
		for qos := range byte(2) {
			run, err := sessions.Start(ctx, sessions.Crash(r.seed+uint64(round), qos+1), func() string { return address.Load().(string) })
			if err != nil {
				t.Fatal(err)
			}
			runs = append(runs, run)
		}
		for range 1 + r.rand.IntN(3) {
			for _, run := range runs {
				if err := run.Acknowledged(ctx, 100+r.rand.IntN(800)); err != nil {
					t.Fatal(err)
				}
			}
			address.Store("")
			broker.kill()
			broker = follow(r.restart())
		}
		for _, run := range runs {
			if err := run.Acknowledged(ctx, 100); err != nil {
				t.Fatal(err)
			}
		}
		for i, run := range runs {
			report, err := run.Finish(ctx)
			if err != nil {
				t.Fatalf("QoS %d: %v", i+1, err)
			}
			t.Logf("QoS %d: %+v", i+1, report)
		}
		cancel()
	}
	broker.kill()
}
