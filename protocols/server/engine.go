package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/memory"
	"github.com/manifoldmq/manifold/store/pebble"
)

// standbyPoll is how often a standby looks whether the store is free.
const standbyPoll = 50 * time.Millisecond

// open opens the store.
func (s *Server) open(ctx context.Context, hooks store.Hooks) (store.Store, error) {
	o := s.options.Store
	switch o.Engine {
	case "memory":
		return memory.Open(memory.Options{Hooks: s.withFatal(hooks)})
	case "", "pebble":
	default:
		return nil, fmt.Errorf("store.engine: %q is not pebble or memory", o.Engine)
	}
	modes := map[string]pebble.SyncMode{
		"": pebble.SyncAlways, "always": pebble.SyncAlways, "interval": pebble.SyncInterval, "never": pebble.SyncNever,
	}
	mode, ok := modes[o.Sync]
	if !ok {
		return nil, fmt.Errorf("store.sync: %q is not always, interval or never", o.Sync)
	}
	po := pebble.Options{
		Path: o.Path, Hooks: s.withFatal(hooks), Sync: mode, LazySync: o.Interval,
		MemTableSize: o.Memtable, CacheSize: o.Cache, MaxBytes: o.MaxBytes, Log: s.options.Log,
	}
	for {
		st, err := pebble.Open(ctx, po)
		if err == nil {
			return st, nil
		}
		if !s.options.Standby || !errors.Is(err, store.ErrLocked) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(standbyPoll):
		}
	}
}

// withFatal lets the server hear when the store can't go on.
func (s *Server) withFatal(h store.Hooks) store.Hooks {
	event := h.Event
	h.Event = func(e store.Event) {
		if event != nil {
			event(e)
		}
		if e.Kind == store.Fatal {
			select {
			case s.fatal <- fmt.Errorf("the store has stopped: %w", errors.Join(store.ErrStopped, e.Err)):
			default:
			}
		}
	}
	return h
}
