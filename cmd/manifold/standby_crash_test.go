package main

import (
	"slices"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/torture"
)

// standbyRounds kills the active one of two processes on one data directory, under load. The
// clients have to go on at the other one.
func standbyRounds(t *testing.T, r *rig) {
	active, _ := r.start()
	var gaps []time.Duration
	for round := range r.rounds {
		standby := r.launch("--standby")
		w := torture.Crash(r.seed + uint64(round))
		run, l := r.load(w)
		r.await(l.Confirmed(500), "confirmations under load")
		select {
		case <-standby.ready:
			t.Fatalf("the standby serves, or has ended, while another process has the data directory: %v", standby.where)
		default:
		}
		killed := time.Now()
		active.kill()
		r.await(l.Until(func(c torture.Counts) bool { return c.Alive >= standby.life }), "confirmations by the standby")
		gaps = append(gaps, time.Since(killed))
		r.await(l.Confirmed(200), "confirmations by the standby")
		r.stop(run)
		r.drain(w, l, standby.wait())
		r.audit(l)
		active = standby
	}
	slices.Sort(gaps)
	t.Logf("from the kill to the first message confirmed by the standby: %v in the median, %v at most, of %d",
		gaps[len(gaps)/2].Round(time.Millisecond), gaps[len(gaps)-1].Round(time.Millisecond), len(gaps))
}
