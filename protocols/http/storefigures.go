package httpd

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/manifoldmq/manifold/store"
)

// storeFamilies are the figures of the store.
type storeFamilies struct {
	info, pending, pendingBytes, used, free, sync, engine family

	groups, batches, operations, syncs family
}

func newStoreFamilies(gauge func(name, help string, labels ...string) family, counter func(name, help string) family) storeFamilies {
	return storeFamilies{
		info:         gauge("store_info", "The engine; the value is 1.", "engine"),
		pending:      gauge("store_pending_batches", "Batches that wait to be written."),
		pendingBytes: gauge("store_pending_bytes", "Bytes of the batches that wait to be written."),
		used:         gauge("store_disk_used_bytes", "What the store takes on disk."),
		free:         gauge("store_disk_free_bytes", "What is free on the store's disk."),
		sync:         gauge("store_sync_seconds", "How long recent writes took to be safe on disk.", "quantile"),
		engine:       gauge("store_engine", "The engine's own figures, in the unit that their name says.", "figure"),
		groups:       counter("store_groups_total", "Groups of batches that were written at once."),
		batches:      counter("store_batches_total", "Batches that were written."),
		operations:   counter("store_operations_total", "Operations in those batches."),
		syncs:        counter("store_syncs_total", "Writes that were made safe on disk."),
	}
}

func (f *storeFamilies) describe(ch chan<- *prometheus.Desc) {
	for _, x := range []family{
		f.info, f.pending, f.pendingBytes, f.used, f.free, f.sync, f.engine, f.groups, f.batches, f.operations, f.syncs,
	} {
		ch <- x.desc
	}
}

func (f *storeFamilies) collect(ch chan<- prometheus.Metric, st store.Store) {
	n := st.Stats()
	f.info.emit(ch, 1, clean(st.Info().Backend))
	f.pending.emit(ch, float64(n.Pending))
	f.pendingBytes.emit(ch, float64(n.PendingBytes))
	f.used.emit(ch, float64(n.DiskUsed))
	f.free.emit(ch, float64(n.DiskFree))
	f.sync.emit(ch, n.SyncP50.Seconds(), "0.5")
	f.sync.emit(ch, n.SyncP99.Seconds(), "0.99")
	for name, value := range n.Backend {
		f.engine.emit(ch, float64(value), clean(name))
	}
	f.groups.emit(ch, float64(n.Groups))
	f.batches.emit(ch, float64(n.Batches))
	f.operations.emit(ch, float64(n.Ops))
	f.syncs.emit(ch, float64(n.Syncs))
}
