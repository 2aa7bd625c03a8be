package httpd

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// other is the name under which those without series of their own are added up. One that really
// has this name is shown under its address, queue://other.
const other = "other"

// column is one figure that each row of a table has.
type column struct {
	name, help string
	kind       prometheus.ValueType
	get        func(*sample) float64
	// sums says that the figure is also added up for those without series of their own. It is
	// for gauges that cost nothing to read: a sum of counters would fall whenever one of them
	// gets its own series or goes away.
	sums bool
}

const (
	isGauge   = prometheus.GaugeValue
	isCounter = prometheus.CounterValue
)

func queueColumns() []column {
	return []column{
		{"messages", "Messages that wait or are with a consumer.", isGauge, func(x *sample) float64 { return float64(x.counters.Entries.Load()) }, true},
		{"bytes", "Bytes of those messages.", isGauge, func(x *sample) float64 { return float64(x.counters.Bytes.Load()) }, true},
		{"in_flight", "Messages that are with a consumer.", isGauge, func(x *sample) float64 { return float64(x.counters.InFlight.Load()) }, true},
		{"consumers", "Open consumers.", isGauge, func(x *sample) float64 { return float64(x.consumers()) }, false},
		{"producers", "Open producers.", isGauge, func(x *sample) float64 { return float64(x.producers()) }, true},
		{"paused", "1 while an administrator has stopped deliveries.", isGauge, func(x *sample) float64 { return truth(x.paused()) }, false},
		{"enqueued_total", "Messages that arrived since the start.", isCounter, func(x *sample) float64 { return float64(x.counters.Enqueued.Load()) }, false},
		{"dequeued_total", "Messages that were consumed or removed since the start.", isCounter, func(x *sample) float64 { return float64(x.counters.Dequeued.Load()) }, false},
		{"dispatched_total", "Messages that were handed to consumers since the start.", isCounter, func(x *sample) float64 { return float64(x.counters.Dispatched.Load()) }, false},
		{"expired_total", "Messages whose time ran out since the start.", isCounter, func(x *sample) float64 { return float64(x.counters.Expired.Load()) }, false},
		{"discarded_total", "Messages that went at a limit since the start, dead-lettered ones among them.", isCounter, func(x *sample) float64 { return float64(x.counters.Evicts.Load()) }, false},
	}
}

func topicColumns() []column {
	return []column{
		{"producers", "Open producers.", isGauge, func(x *sample) float64 { return float64(x.producers()) }, true},
		{"published_total", "Messages that were published since the start.", isCounter, func(x *sample) float64 { return float64(x.dest.Published()) }, false},
	}
}

// subscriptionColumns are those of queues that a durable subscription has.
func subscriptionColumns() []column {
	return slices.DeleteFunc(queueColumns(), func(c column) bool { return c.name == "producers" || c.name == "paused" })
}

// table is a set of families with a row for each sample.
type table struct {
	columns  []column
	families []family
	width    int // labels
}

func newTable(prefix string, columns []column, labels ...string) table {
	t := table{columns: columns, width: len(labels)}
	for _, c := range columns {
		t.families = append(t.families, newFamily(c.kind, prefix+c.name, c.help, labels...))
	}
	return t
}

func (t *table) describe(ch chan<- *prometheus.Desc) {
	for _, f := range t.families {
		ch <- f.desc
	}
}

// emit gives the heaviest samples rows of their own, capacity of them at most, and adds up the
// others. It reorders the samples.
func (t *table) emit(ch chan<- prometheus.Metric, samples []sample, capacity int) {
	if len(samples) > capacity {
		slices.SortStableFunc(samples, func(a, b sample) int {
			if a.passes() != b.passes() {
				return cmp.Compare(truth(a.passes()), truth(b.passes()))
			}
			return cmp.Compare(b.weight, a.weight)
		})
	}
	taken := map[[3]string]bool{{other}: true}
	sums, folded := make([]float64, len(t.columns)), false
	for i := range samples {
		x := &samples[i]
		var labels [3]string
		ok := i < capacity && !x.passes()
		if ok {
			labels, ok = t.name(x, taken)
		}
		if !ok {
			folded = true
			t.add(sums, x)
			continue
		}
		taken[labels] = true
		for j := range t.columns {
			t.families[j].emit(ch, t.columns[j].get(x), labels[:t.width]...)
		}
	}
	if !folded {
		return
	}
	labels := [3]string{other}
	for j := range t.columns {
		if t.columns[j].sums {
			t.families[j].emit(ch, sums[j], labels[:t.width]...)
		}
	}
}

// name finds label values for a sample that no other has: two that differ only in bytes that
// can't be shown would otherwise be one, which would spoil the whole scrape.
func (t *table) name(x *sample, taken map[[3]string]bool) (labels [3]string, ok bool) {
	labels, spare := x.labels()
	for i := range labels {
		labels[i] = clean(labels[i])
	}
	if taken[labels] && spare != "" {
		labels[0] = clean(spare)
	}
	return labels, !taken[labels]
}

func (t *table) add(sums []float64, x *sample) {
	for j := range t.columns {
		if t.columns[j].sums {
			sums[j] += t.columns[j].get(x)
		}
	}
}
