package storetest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/store"
)

// Benchmark measures a store with messages of 1 KiB.
func Benchmark(b *testing.B, make func(b *testing.B) Opener) {
	for _, c := range []struct {
		name  string
		bench func(*testing.B, *bench)
	}{
		{"window", benchWindow},
		{"waiting=1", func(b *testing.B, s *bench) { benchWaiting(b, s, 1) }},
		{"waiting=64", func(b *testing.B, s *bench) { benchWaiting(b, s, 64) }},
		{"fanout=10", benchFanout},
		{"page", benchPage},
		{"fill=1M", benchFill},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			s := start(b, make(b))
			b.ResetTimer()
			c.bench(b, s)
			b.StopTimer()
		})
	}
}

// kilobyte returns a message of a kilobyte that doesn't compress.
func kilobyte() store.Msg {
	p := make([]byte, 1024)
	rand.NewChaCha8([32]byte{}).Read(p)
	return store.Msg{Head: p[:100], Body: p[100:]}
}

// benchWindow sends durable messages with a window of 1024 under way, and acknowledges each
// lazily when it is done: what a queue with one producer and one consumer does.
func benchWindow(b *testing.B, s *bench) {
	m := kilobyte()
	window := newWindow(1024)
	acked := func(x *store.Batch, err error) {
		if err != nil {
			b.Error(err)
		}
		store.PutBatch(x)
		window.release()
	}
	appended := func(x *store.Batch, err error) {
		if err != nil {
			b.Error(err)
		}
		r := x.Refs[0]
		x.Reset()
		x.Durability, x.Done = store.Lazy, acked
		x.Ack(r)
		s.s.Commit(x)
	}
	b.SetBytes(1024)
	for range b.N {
		window.acquire()
		x := store.GetBatch()
		x.Durability, x.Done = store.Durable, appended
		x.Append(store.Target{List: 1}, 4, m)
		s.s.Commit(x)
	}
	window.wait()
}

// benchWaiting has producers that wait for each message.
func benchWaiting(b *testing.B, s *bench, producers int) {
	m := kilobyte()
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			done := make(chan error, 1)
			x := &store.Batch{Durability: store.Durable, Done: func(_ *store.Batch, err error) { done <- err }}
			var old store.Ref
			for range b.N/producers + 1 {
				x.Reset()
				if old.ID != 0 {
					x.Ack(old)
				}
				x.Append(store.Target{List: store.ListID(p + 1)}, 4, m)
				s.s.Commit(x)
				if err := <-done; err != nil {
					b.Error(err)
				}
				old = x.Refs[0]
			}
		})
	}
	wg.Wait()
}

func benchFanout(b *testing.B, s *bench) {
	m := kilobyte()
	window := newWindow(256)
	to := make([]store.Target, 10)
	for i := range to {
		to[i].List = store.ListID(i + 1)
	}
	acked := func(x *store.Batch, _ error) {
		store.PutBatch(x)
		window.release()
	}
	sent := func(x *store.Batch, err error) {
		if err != nil {
			b.Error(err)
		}
		y := store.GetBatch()
		y.Done = acked
		for _, r := range x.Refs {
			y.Ack(r)
		}
		store.PutBatch(x)
		s.s.Commit(y)
	}
	for range b.N {
		window.acquire()
		x := store.GetBatch()
		x.Durability, x.Done = store.Durable, sent
		x.Fanout(to, 4, m)
		s.s.Commit(x)
	}
	window.wait()
}

// fill appends n messages to list 1, without waiting for each.
func (b *bench) fill(n int) (refs []store.Ref) {
	m := kilobyte()
	refs = make([]store.Ref, 0, n)
	window := newWindow(4096)
	for range n {
		window.acquire()
		x := store.GetBatch()
		x.Done = func(x *store.Batch, err error) {
			if err != nil {
				b.t.Error(err)
			}
			refs = append(refs, x.Refs...)
			store.PutBatch(x)
			window.release()
		}
		x.Append(store.Target{List: 1}, 4, m)
		b.s.Commit(x)
	}
	window.wait()
	return refs
}

// benchPage reads a backlog in pages of 256; an operation is one entry.
func benchPage(b *testing.B, s *bench) {
	const backlog, page = 50_000, 256
	refs := s.fill(backlog)
	var p store.Page
	b.SetBytes(1024)
	b.ResetTimer()
	for n, after := 0, store.ID(0); n < b.N; n += len(p.Entries) {
		if err := s.s.ReadPage(b.Context(), 1, 4, after, refs[backlog-1].ID, store.Limit{Entries: page}, &p); err != nil {
			b.Fatal(err)
		}
		after = p.Entries[len(p.Entries)-1].ID
		if !p.More {
			after = 0
		}
	}
}

// benchFill writes a backlog of a million messages once, and reopens it.
func benchFill(b *testing.B, s *bench) {
	const n = 1_000_000
	begin := time.Now()
	s.fill(n)
	if err := s.s.Sync(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Since(begin).Nanoseconds())/n, "ns/message")
	b.ReportMetric(float64(s.s.Stats().DiskUsed)/n, "diskbytes/message")
	begin = time.Now()
	s.reopen()
	b.ReportMetric(float64(time.Since(begin).Milliseconds()), "ms/reopen")
	begin = time.Now()
	if got, _, err := s.s.Count(b.Context(), 1); got != n || err != nil {
		b.Fatal(fmt.Errorf("%d entries, %w", got, err))
	}
	b.ReportMetric(float64(time.Since(begin).Milliseconds()), "ms/count")
}

// window bounds what is under way.
type window struct {
	mu   sync.Mutex
	cond sync.Cond
	free int
	size int
}

func newWindow(n int) *window {
	w := &window{free: n, size: n}
	w.cond.L = &w.mu
	return w
}

func (w *window) acquire() {
	w.mu.Lock()
	for w.free == 0 {
		w.cond.Wait()
	}
	w.free--
	w.mu.Unlock()
}

func (w *window) release() {
	w.mu.Lock()
	w.free++
	w.cond.Broadcast()
	w.mu.Unlock()
}

func (w *window) wait() {
	w.mu.Lock()
	for w.free != w.size {
		w.cond.Wait()
	}
	w.mu.Unlock()
}
