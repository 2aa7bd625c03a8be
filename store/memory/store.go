// Package memory is the in-memory twin of the durable stores: the same contract without a
// disk. It serves brokers that need no durability, and tests, which can hold commits back
// and make them fail. It uses goroutines, channels and timers only, so it is deterministic
// within a testing/synctest bubble.
package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/internal/committer"
)

// Options of Open.
type Options struct {
	Hooks store.Hooks
	// Disk is what the store works on; nil means a new one. A disk serves one store at a time.
	Disk *Disk
}

// Store is an open in-memory store.
type Store struct {
	c     *committer.Committer
	d     *Disk
	hooks store.Hooks
	clean bool

	mu     sync.Mutex
	turn   sync.Cond // the committer may go on
	paused bool
	once   sync.Once // gives the disk back
}

var _ store.Store = (*Store)(nil)

// Open opens a store. It fails with store.ErrLocked if the disk is in use.
func Open(o Options) (*Store, error) {
	if o.Disk == nil {
		o.Disk = NewDisk()
	}
	next, clean, err := o.Disk.open()
	if err != nil {
		return nil, err
	}
	s := &Store{d: o.Disk, hooks: o.Hooks, clean: clean}
	s.turn.L = &s.mu
	s.c = committer.New(committer.Config{Engine: s, Hooks: o.Hooks, Sync: committer.Never, Next: next, Pressure: s.pressure})
	return s, nil
}

// Pause holds commits back from the next group on, until Resume.
func (s *Store) Pause() {
	s.mu.Lock()
	s.paused = true
	s.mu.Unlock()
}

// Resume lets commits go on.
func (s *Store) Resume() {
	s.mu.Lock()
	s.paused = false
	s.turn.Broadcast()
	s.mu.Unlock()
}

// Fail stops the store as a failed disk would: batches that are not done end with
// store.ErrStopped, and the Fatal event is raised.
func (s *Store) Fail(err error) {
	s.c.Fail(err)
	s.Resume()
	if s.hooks.Event != nil {
		s.hooks.Event(store.Event{Kind: store.Fatal, Err: err})
	}
}

// Apply implements the committer's engine.
func (s *Store) Apply(g *committer.Group) error {
	s.mu.Lock()
	for s.paused {
		s.turn.Wait()
	}
	s.mu.Unlock()
	if err := s.c.Err(); err != nil {
		return err
	}
	s.d.apply(g.Batches)
	return nil
}

func (s *Store) pressure(level int) {
	if s.hooks.Event != nil {
		s.hooks.Event(store.Event{Kind: store.Pressure, Level: level})
	}
}

// Commit implements store.Store.
func (s *Store) Commit(b *store.Batch) { s.c.Commit(b) }

// NextID implements store.Store.
func (s *Store) NextID() store.ID { return s.c.NextID() }

// Sync implements store.Store.
func (s *Store) Sync(ctx context.Context) error { return s.c.Sync(ctx) }

// ready says whether reads may go on.
func (s *Store) ready(ctx context.Context) error {
	if err := s.c.Err(); err != nil {
		return err
	}
	return ctx.Err()
}

// ReadPage implements store.Store.
func (s *Store) ReadPage(ctx context.Context, list store.ListID, prio uint8, after, upTo store.ID, lim store.Limit, p *store.Page) error {
	p.Reset()
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.d.mu.RLock()
	defer s.d.mu.RUnlock()
	l := s.d.lists[list]
	if l == nil {
		return nil
	}
	lane := &l.lanes[min(prio, store.MaxPrio)]
	size := 0
	for i := lane.find(after + 1); i < len(lane.entries) && lane.entries[i].id <= upTo; i++ {
		e := &lane.entries[i]
		if e.msg == nil {
			continue
		}
		if lim.Reached(len(p.Entries), size) {
			p.More = true
			break
		}
		size += e.read(list, prio, lim.HeadsOnly, p)
	}
	return nil
}

// ReadMessages implements store.Store.
func (s *Store) ReadMessages(ctx context.Context, refs []store.Ref, lim store.Limit, p *store.Page) error {
	p.Reset()
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.d.mu.RLock()
	defer s.d.mu.RUnlock()
	size := 0
	for _, r := range refs {
		e := s.d.entry(r.List, r.Prio, r.ID)
		if e == nil {
			continue
		}
		if lim.Reached(len(p.Entries), size) {
			p.More = true
			break
		}
		size += e.read(r.List, r.Prio, lim.HeadsOnly, p)
	}
	return nil
}

// ReadPart implements store.Store.
func (s *Store) ReadPart(ctx context.Context, id store.ID, part uint32, dst []byte) ([]byte, error) {
	if err := s.ready(ctx); err != nil {
		return dst, err
	}
	s.d.mu.RLock()
	defer s.d.mu.RUnlock()
	data, ok := s.d.parts[id][part]
	if !ok {
		return dst, fmt.Errorf("part %d of %d: %w", part, id, store.ErrNotFound)
	}
	return append(dst, data...), nil
}

// Lists implements store.Store.
func (s *Store) Lists(ctx context.Context, fn func(store.ListInfo) error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	for _, info := range s.d.infos() {
		if err := fn(info); err != nil {
			return err
		}
	}
	return nil
}

// Count implements store.Store.
func (s *Store) Count(ctx context.Context, list store.ListID) (entries, size uint64, err error) {
	if err := s.ready(ctx); err != nil {
		return 0, 0, err
	}
	s.d.mu.RLock()
	defer s.d.mu.RUnlock()
	if l := s.d.lists[list]; l != nil {
		entries, size = l.count, l.bytes
	}
	return entries, size, nil
}

// recordChunk is how many records are copied at once, so that fn runs without the lock.
const recordChunk = 256

// Records implements store.Store.
func (s *Store) Records(ctx context.Context, k store.Bucket, from, to []byte, fn func(key, value []byte) error) error {
	if k == 0 || int(k) >= store.Buckets {
		return nil
	}
	for from := bytes.Clone(from); ; {
		if err := s.ready(ctx); err != nil {
			return err
		}
		s.d.mu.RLock()
		chunk := slices.Clone(s.d.records[k].between(from, to, recordChunk))
		s.d.mu.RUnlock()
		for _, r := range chunk {
			if err := fn([]byte(r.key), r.value); err != nil {
				return err
			}
		}
		if len(chunk) < recordChunk {
			return nil
		}
		from = append([]byte(chunk[len(chunk)-1].key), 0)
	}
}

// Record implements store.Store.
func (s *Store) Record(ctx context.Context, k store.Bucket, key []byte) ([]byte, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	if k == 0 || int(k) >= store.Buckets {
		return nil, store.ErrNotFound
	}
	s.d.mu.RLock()
	defer s.d.mu.RUnlock()
	i, ok := s.d.records[k].find(string(key))
	if !ok {
		return nil, store.ErrNotFound
	}
	return bytes.Clone(s.d.records[k][i].value), nil
}

// Stats implements store.Store.
func (s *Store) Stats() store.Stats { return s.c.Stats() }

// Info implements store.Store.
func (s *Store) Info() store.Info {
	return store.Info{Backend: "memory", Format: 1, StoreID: s.d.id, Clean: s.clean}
}

// Close implements store.Store. It lets paused commits go on.
func (s *Store) Close(ctx context.Context) error {
	s.Resume()
	select {
	case <-s.c.Close():
	case <-ctx.Done():
		return ctx.Err()
	}
	s.once.Do(func() { s.d.close(s.c.Peek(), !errors.Is(s.c.Err(), store.ErrStopped)) })
	return nil
}
