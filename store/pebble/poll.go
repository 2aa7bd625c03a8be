package pebble

import (
	"context"
	"fmt"
	"time"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/manifoldmq/manifold/store"
)

// poll reports events, watches the disk, and asks for space back, until Close.
func (s *Store) poll() {
	tick := time.NewTicker(s.o.PollEvery)
	defer tick.Stop()
	p := poller{s: s}
	p.watch()
	for {
		p.report()
		select {
		case <-s.stop:
			p.report()
			return
		case <-s.events.kick:
			if s.events.due.Swap(false) {
				p.watch()
			}
		case <-tick.C:
			if err := s.mark.sync(); err != nil {
				s.fail(err)
			}
			p.watch()
		}
	}
}

// poller is what the polling goroutine remembers.
type poller struct {
	s        *Store
	pressure int

	// The committer's goroutine owns these.
	since time.Time // using too much space
	group uint64    // at the last flush
}

func (p *poller) emit(e store.Event) {
	if h := p.s.o.Hooks.Event; h != nil {
		h(e)
	}
}

// report tells the core what has happened.
func (p *poller) report() {
	s := p.s
	for _, e := range s.events.take() {
		if e.Kind == store.Fatal {
			s.c.Fail(e.Err)
		}
		p.emit(e)
	}
	if level := int(max(s.events.pending.Load(), s.events.stalled.Load())); level != p.pressure {
		p.pressure = level
		p.emit(store.Event{Kind: store.Pressure, Level: level})
	}
	if s.disk.full.Load() && !s.disk.low {
		p.low(true)
	}
}

// watch looks at the disk.
func (p *poller) watch() {
	s := p.s
	if s.stopped() != nil {
		return
	}
	used := int64(s.db.Metrics().DiskSpaceUsage())
	if low := s.disk.measure(used); low != s.disk.low {
		p.low(low)
	}
	p.reclaim(used)
}

func (p *poller) low(low bool) {
	s := p.s
	s.disk.low = low
	if low {
		s.log.Warn("store: disk space is low", "free", s.disk.free.Load(), "used", s.disk.used.Load())
		p.emit(store.Event{Kind: store.DiskLow, Err: store.ErrDiskFull})
		return
	}
	s.disk.restore()
	s.log.Info("store: disk space is back", "free", s.disk.free.Load())
	p.emit(store.Event{Kind: store.DiskOK})
}

// full is called by the file system when the disk is full; writes wait for it.
func (s *Store) full() {
	removed := s.disk.giveUp()
	s.log.Error("store: disk full", "ballast_removed", removed)
	s.events.rouse()
}

// reclaim flushes the memtable when far more space is used than what lives needs: after a
// drain nothing else would make the engine look for what it can drop.
func (p *poller) reclaim(used int64) {
	s := p.s
	s.c.Call(func() bool {
		if s.c.Err() == nil && s.scanned && p.due(used) {
			s.flush()
		}
		return false
	})
}

// due reports whether too much space has been used for long. Without a commit since the last
// flush another one would change nothing.
func (p *poller) due(used int64) bool {
	s, live := p.s, int64(0)
	for _, l := range s.lanes.all {
		live += l.bytes
	}
	switch {
	case used <= 2*live+s.o.floor() || s.group == p.group:
		p.since = time.Time{}
		return false
	case p.since.IsZero():
		p.since = time.Now()
	}
	if time.Since(p.since) < reclaimAfter {
		return false
	}
	p.since, p.group = time.Time{}, s.group
	return true
}

// flush starts a flush on the committer's goroutine, where the engine may panic for a log that
// it can't make.
func (s *Store) flush() {
	defer func() {
		if r := recover(); r != nil {
			s.fail(fmt.Errorf("engine: %v", r))
		}
	}()
	if _, err := s.db.AsyncFlush(); err != nil {
		s.log.Error("store: flush", "err", err)
	}
}

// Stats implements store.Store.
func (s *Store) Stats() store.Stats {
	st := s.c.Stats()
	st.DiskFree = s.disk.free.Load()
	if s.begin(context.Background()) != nil {
		return st
	}
	defer s.end()
	m := s.db.Metrics()
	st.DiskUsed = int64(m.DiskSpaceUsage())
	st.Backend = backendStats(m)
	return st
}

func backendStats(m *lsm.Metrics) map[string]int64 {
	total := m.Total()
	return map[string]int64{
		"wal_bytes":             int64(m.WAL.Size),
		"wal_physical_bytes":    int64(m.WAL.PhysicalSize),
		"wal_written_bytes":     int64(m.WAL.BytesWritten),
		"memtable_bytes":        int64(m.MemTable.Size),
		"table_bytes":           int64(m.Total().TablesSize),
		"l0_files":              m.Levels[0].TablesCount,
		"l0_sublevels":          int64(m.Levels[0].Sublevels),
		"compaction_debt_bytes": int64(m.Compact.EstimatedDebt),
		"compacted_bytes":       int64(total.TableBytesCompacted),
		"flushed_bytes":         int64(total.TableBytesFlushed),
		"block_cache_bytes":     m.BlockCache.Size,
	}
}
