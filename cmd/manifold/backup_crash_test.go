package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/manifoldmq/manifold/protocols/torture"
)

// backupUnderLoad takes backups of a loaded broker, restores them, and holds what they give to
// all that was confirmed before they began.
func backupUnderLoad(t *testing.T, r *rig) {
	broker, serving := r.start()
	live, config := r.dir, r.config
	for round := range (r.rounds + 1) / 2 {
		w := torture.Crash(r.seed + uint64(round))
		run, l := r.load(w)
		r.await(l.Confirmed(500), "confirmations under load")
		before := l.Mark()
		backup := filepath.Join(live, "backups", "under-load-"+string(rune('a'+round%26)))
		r.command("store", "backup", backup, "--config", config, "--url", broker.http)
		r.await(l.Confirmed(200), "confirmations after the backup")
		r.stop(run)

		r.configure(filepath.Join(t.TempDir(), "restored"), "")
		r.command("store", "restore", backup, "--config", r.config)
		r.command("store", "check", "--config", r.config)
		restored, e := r.start()
		copied := l.Fork(before)
		r.drain(w, copied, e)
		r.audit(copied)
		restored.kill()

		r.dir, r.config = live, config
		r.drain(w, l, serving)
		r.audit(l)
	}
}

// command runs a command of the program that has to succeed.
func (r *rig) command(args ...string) {
	r.t.Helper()
	if out, err := exec.CommandContext(r.ctx, r.binary, args...).CombinedOutput(); err != nil {
		r.t.Fatalf("manifold %v: %v\n%s", args, err, out)
	}
}
