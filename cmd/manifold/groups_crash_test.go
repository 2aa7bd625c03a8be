package main

import (
	"context"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/torture/groups"
)

// groupRounds kills a broker again and again under 1,000 message groups and 50 consumers that come
// and go: the order inside each group must hold, whoever has it.
func groupRounds(t *testing.T, r *rig) {
	// So little memory that most of the queue is on the disk.
	r.configure(r.dir, "limits: {memory: 64MiB, frame: 16MiB}\n")
	broker, _ := r.start()
	for round := range r.rounds {
		ctx, cancel := context.WithTimeout(r.ctx, 3*time.Minute)
		run := groups.Start(ctx, groups.Crash(r.seed+uint64(round)), r.endpoints)
		for range 1 + r.rand.IntN(3) {
			if err := run.Settled(ctx, 200+r.rand.IntN(3000)); err != nil {
				t.Fatal(err)
			}
			broker.kill()
			broker = r.restart()
		}
		if err := run.Settled(ctx, 500); err != nil {
			t.Fatal(err)
		}
		report, err := run.Finish(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", report)
		cancel()
	}
	broker.kill()
}

// groupRoundsOpenWire is the same with clients of OpenWire.
func groupRoundsOpenWire(t *testing.T, r *rig) {
	r.protocol = "openwire"
	groupRounds(t, r)
}

// groupRoundsAMQP is the same with clients of AMQP.
func groupRoundsAMQP(t *testing.T, r *rig) {
	r.protocol = "amqp"
	groupRounds(t, r)
}
