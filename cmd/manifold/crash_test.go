package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/torture"
	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// crashRounds kills a loaded broker again and again, and holds it to every promise it gave.
func crashRounds(t *testing.T, r *rig) {
	broker, _ := r.start()
	for round := range r.rounds {
		w := r.workload(r.seed + uint64(round))
		run, l := r.load(w)
		for range 1 + r.rand.IntN(2) {
			r.await(l.Confirmed(200+r.rand.IntN(1500)), "confirmations under load")
			broker.kill()
			broker = r.restart()
		}
		r.await(l.Confirmed(200), "confirmations after the restart")
		if r.rand.IntN(2) == 0 {
			// Under load to the end: what clients hold unsettled has to come back.
			broker.kill()
			broker = r.restart()
		}
		r.stop(run)
		r.drain(w, l, broker.wait())
		// What was settled while draining must not come back either.
		broker.kill()
		broker = r.restart()
		r.drain(w, l, broker.wait())
		r.audit(l)
	}
}

// crashRoundsAMQP is the same with clients of AMQP.
func crashRoundsAMQP(t *testing.T, r *rig) {
	r.protocol = "amqp"
	crashRounds(t, r)
}

// crashRoundsOpenWire is the same with clients of OpenWire.
func crashRoundsOpenWire(t *testing.T, r *rig) {
	r.protocol = "openwire"
	crashRounds(t, r)
}

// crashRoundsGoAMQP is the same with Azure/go-amqp, which has no transactions.
func crashRoundsGoAMQP(t *testing.T, r *rig) {
	r.dial = func(ctx context.Context, target, clientID string) (client.Client, error) {
		return client.Dial(ctx, strings.Replace(target, "amqp://", "amqp+library://", 1), clientID)
	}
	r.workload = func(seed uint64) torture.Workload { return torture.LibraryAMQP(seed, false) }
	crashRoundsAMQP(t, r)
}

// crashRoundsProton is the same with qpid-proton's Python binding, transactions included.
func crashRoundsProton(t *testing.T, r *rig) {
	p, err := client.StartProton(r.ctx)
	switch {
	case errors.Is(err, client.ErrMissing) && os.Getenv("MANIFOLD_FOREIGN_CLIENTS") != "required":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	r.dial = p.Dial
	r.workload = func(seed uint64) torture.Workload { return torture.LibraryAMQP(seed, true) }
	crashRoundsAMQP(t, r)
}

// restart starts a broker on what a killed one left, sometimes only after more have been
// killed: while they recover, or as soon as they serve.
func (r *rig) restart() *child {
	r.t.Helper()
	switch r.rand.IntN(4) {
	case 0:
		for range 1 + r.rand.IntN(3) {
			c := r.launch()
			r.pause(50 * time.Millisecond)
			c.kill()
		}
	case 1:
		c, _ := r.start()
		c.kill()
	}
	return r.launch()
}
