package heap

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// FloorTarget is the least heap size at which a collection starts. With a live heap of a few
// megabytes, Go's own rule collects hundreds of times a second under load.
const FloorTarget = 64 * mebibyte

// Percent returns the GC percent with which the next collection starts at FloorTarget, or at
// twice the live heap if that is more. roots is what counts with the heap: stacks and globals.
func Percent(live, roots int64) int {
	percent := max(0, FloorTarget-live) * 100 / max(1, live+roots)
	return int(min(max(100, percent), mostPercent))
}

// mostPercent is enough for the smallest heap: the runtime never starts a collection below
// 4 MiB times the percentage.
const mostPercent = FloorTarget / (4 * mebibyte) * 100

// Tune sets the soft memory limit, and after every collection the GC percent, until the process
// ends. A limit of 0 leaves the runtime's own, which GOMEMLIMIT sets.
func Tune(limit int64) {
	if limit > 0 {
		debug.SetMemoryLimit(limit)
	}
	t := &tuner{samples: []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"},
	}}
	t.adjust()
	t.arm()
}

// tuner follows the live heap. It runs once per collection, on the runtime's own goroutine.
type tuner struct {
	samples []metrics.Sample
	percent int
}

// cycle is garbage at once, so that its cleanup runs after the next collection.
type cycle struct{ _ [16]byte }

func (t *tuner) arm() {
	runtime.AddCleanup(&cycle{}, func(t *tuner) {
		t.adjust()
		t.arm()
	}, t)
}

func (t *tuner) adjust() {
	metrics.Read(t.samples)
	live := int64(t.samples[0].Value.Uint64())
	roots := int64(t.samples[1].Value.Uint64() + t.samples[2].Value.Uint64())
	percent := Percent(live, roots)
	// Setting it stops the world for a moment, so small steps are left out.
	if step := percent - t.percent; step > t.percent/8 || step < -t.percent/8 {
		t.percent = percent
		debug.SetGCPercent(percent)
	}
}
