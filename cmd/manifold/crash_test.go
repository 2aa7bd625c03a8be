package main

import (
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/torture"
)

// crashRounds kills a loaded broker again and again, and holds it to every promise it gave.
func crashRounds(t *testing.T, r *rig) {
	broker, _ := r.start()
	for round := range r.rounds {
		w := torture.Crash(r.seed + uint64(round))
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
