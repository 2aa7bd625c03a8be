package process

import (
	"errors"
	"fmt"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// errStopping answers a reload that comes too late.
var errStopping = errors.New("the broker is stopping")

// reload begins to read and apply the configuration. answer, if not nil, gets the outcome. One
// that comes while another is under way is done after it, since the file may have changed.
func (r *run) reload(answer chan<- reloaded) {
	switch {
	case r.stopping:
		if answer != nil {
			answer <- reloaded{err: errStopping}
		}
		return
	case r.started != nil || r.reloadDone != nil:
		r.again = true
		if answer != nil {
			r.waiting = append(r.waiting, answer)
		}
		return
	}
	r.answers, r.waiting = append(r.waiting, answer), nil
	r.tell(r.Notify.Reloading())
	before := r.Config
	r.reloadDone = async(func() reloadResult { return r.apply(before) })
}

// apply runs beside the loop.
func (r *run) apply(before *config.Config) reloadResult {
	loaded, err := r.Load()
	if err != nil {
		return reloadResult{reloaded: reloaded{err: err}}
	}
	for _, warning := range loaded.Warnings {
		r.Log.Warn("configuration", "warning", warning)
	}
	for _, change := range config.Diff(before, loaded.Config) {
		if change.Restart {
			r.Log.Warn("configuration: this change needs a restart", "path", change.Path, "old", change.Old, "new", change.New)
			continue
		}
		r.Log.Info("configuration changed", "path", change.Path, "old", change.Old, "new", change.New)
	}
	changes, err := r.broker.Reload(loaded.Config)
	if err != nil {
		return reloadResult{reloaded: reloaded{err: fmt.Errorf("reload: %w", err)}}
	}
	return reloadResult{reloaded{changes, nil}, loaded.Config}
}

func (r *run) finishReload(result reloadResult) {
	status := "listening on " + join(r.broker.Addresses())
	if result.err != nil {
		r.Log.Error("reload failed; the old configuration stays", "error", result.err)
		status = "reload failed: " + result.err.Error()
	} else {
		r.Config = result.config
		r.Log.Info("reloaded", "changes", len(result.changes))
	}
	for _, answer := range r.answers {
		if answer != nil {
			answer <- result.reloaded
		}
	}
	r.answers = nil
	if r.stopping {
		if r.closed == nil {
			r.beginDrain()
		}
		return
	}
	r.tell(r.Notify.Ready(status))
	if r.again {
		r.again = false
		r.reload(nil)
	}
}

// refuse answers the reloads that won't happen any more.
func (r *run) refuse() {
	for _, answer := range r.waiting {
		if answer != nil {
			answer <- reloaded{err: errStopping}
		}
	}
	r.waiting, r.again = nil, false
}
