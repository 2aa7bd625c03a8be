package bench

import (
	"os"
	"strings"
)

// Result is what a run found. Figures per message divide by what was received: a topic's message
// counts once for each consumer.
type Result struct {
	Case         string `json:"case,omitempty"` // its name in a suite
	Mode         Mode   `json:"mode"`
	Producers    int    `json:"producers,omitempty"`
	Consumers    int    `json:"consumers,omitempty"`
	Destinations int    `json:"destinations,omitempty"`
	Size         int    `json:"size,omitempty"`
	Persistent   bool   `json:"persistent"`
	Window       int    `json:"window"`
	Ack          Ack    `json:"ack,omitempty"`

	Sent       uint64 `json:"sent"`
	Received   uint64 `json:"received"`
	Lost       uint64 `json:"lost"`         // connections, in mode idle
	Duplicated uint64 `json:"duplicated"`   // all but the first of each
	OutOfOrder uint64 `json:"out_of_order"` // behind a later message of the same producer
	Foreign    uint64 `json:"foreign"`      // what this run did not send, or did not send there

	Seconds           float64 `json:"seconds"` // from the first sent to the last received
	SentPerSecond     float64 `json:"sent_per_second"`
	ReceivedPerSecond float64 `json:"received_per_second"`

	Latency *Quantiles `json:"latency_us,omitempty"`
	Broker  *Cost      `json:"broker,omitempty"` // where processes were named
	Fill    *Phase     `json:"fill,omitempty"`
	Drain   *Phase     `json:"drain,omitempty"`
	Idle    *Rest      `json:"idle,omitempty"`

	GeneratorCPU float64 `json:"generator_cpu_us_per_message"` // of this process; 0: unknown
	Load         string  `json:"load_average,omitempty"`       // of the machine, when the run began
}

// Quantiles are in microseconds.
type Quantiles struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// Cost is what a run cost the broker.
type Cost struct {
	CPUSeconds    float64 `json:"cpu_s"`
	CPUPerMessage float64 `json:"cpu_us_per_message"`
	PeakMB        float64 `json:"peak_rss_mb"`
	DiskPerSent   float64 `json:"disk_bytes_per_sent"`
}

// Phase is one half of a backlog run.
type Phase struct {
	Seconds       float64 `json:"seconds"`
	PerSecond     float64 `json:"per_second"`
	CPUPerMessage float64 `json:"cpu_us_per_message"`
	MB            float64 `json:"rss_mb"` // at its end
}

// Rest is what connections cost that do nothing.
type Rest struct {
	Connections     int     `json:"connections"`
	OpenedPerSecond float64 `json:"opened_per_second"`
	CPUPerOpen      float64 `json:"cpu_us_per_open"`
	BeforeMB        float64 `json:"rss_before_mb"`
	AfterMB         float64 `json:"rss_after_mb"`
	KBPerConnection float64 `json:"kb_per_connection"`
}

const (
	micros = 1e-3 // microseconds in a nanosecond
	kilo   = 1e3
	mega   = 1e6
	giga   = 1e9
)

// newResult fills in what is known beforehand.
func newResult(c *Config) *Result {
	r := &Result{Mode: c.Mode}
	if c.Mode != Idle {
		r.Producers, r.Consumers, r.Destinations = c.Producers, c.Consumers, c.Destinations
		r.Size, r.Persistent, r.Window, r.Ack = c.Size, c.Persistent, c.Window, c.Ack
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		r.Load = strings.Join(strings.Fields(string(text))[:3], " ")
	}
	return r
}

// Intact reports whether everything that was sent came, and came once.
func (r *Result) Intact() bool { return r.Lost == 0 && r.Duplicated == 0 && r.Foreign == 0 }

// count adds the tallies up.
func (r *Result) count(run *run, sent []uint64) {
	for _, n := range sent {
		r.Sent += n
	}
	var tallies []*tally
	var latency histogram
	for _, c := range run.consumers {
		tallies = append(tallies, c.tally)
		r.Received += c.received
		r.OutOfOrder += c.disordered
		r.Foreign += c.foreign
		latency.merge(&c.latency)
	}
	r.Lost, r.Duplicated = audit(tallies, sent, run.Mode == Topic)
	if latency.total > 0 {
		r.Latency = &Quantiles{
			P50: float64(latency.quantile(.5)) * micros, P99: float64(latency.quantile(.99)) * micros,
			P999: float64(latency.quantile(.999)) * micros, Max: float64(latency.max) * micros,
		}
	}
}

// cost works out rates and costs from what was marked when the run began, when all was sent, and
// when all had come; last is when the last message came.
func (r *Result) cost(began, filled, ended mark, last int64) {
	r.Seconds = float64(max(last, filled.at)-began.at) / giga
	sending, receiving := float64(filled.at-began.at), float64(last-began.at)
	if r.Mode == Backlog {
		receiving = float64(last - filled.at)
	}
	r.SentPerSecond = ratio(float64(r.Sent)*giga, sending)
	r.ReceivedPerSecond = ratio(float64(r.Received)*giga, receiving)
	received := float64(r.Received)
	r.GeneratorCPU = ratio(float64(ended.self-began.self)*micros, received)
	measured := ended.broker != usage{}
	if measured {
		cpu := float64(ended.broker.cpu - began.broker.cpu)
		r.Broker = &Cost{
			CPUSeconds: cpu / giga, CPUPerMessage: ratio(cpu*micros, received),
			PeakMB:      float64(ended.broker.peak) / mega,
			DiskPerSent: ratio(float64(ended.broker.written-began.broker.written), float64(r.Sent)),
		}
	}
	if r.Mode != Backlog {
		return
	}
	r.Fill = &Phase{Seconds: sending / giga, PerSecond: r.SentPerSecond}
	r.Drain = &Phase{Seconds: receiving / giga, PerSecond: r.ReceivedPerSecond}
	if measured {
		r.Fill.CPUPerMessage = ratio(float64(filled.broker.cpu-began.broker.cpu)*micros, float64(r.Sent))
		r.Drain.CPUPerMessage = ratio(float64(ended.broker.cpu-filled.broker.cpu)*micros, received)
		r.Fill.MB, r.Drain.MB = float64(filled.broker.rss)/mega, float64(ended.broker.rss)/mega
	}
}

// rest works out what idle connections cost.
func (r *Result) rest(connections int, began, opened, rested mark) {
	r.Seconds = float64(opened.at-began.at) / giga
	n := float64(connections)
	r.Idle = &Rest{Connections: connections, OpenedPerSecond: ratio(n, r.Seconds)}
	if (rested.broker == usage{}) {
		return
	}
	r.Idle.CPUPerOpen = float64(opened.broker.cpu-began.broker.cpu) * micros / n
	r.Idle.BeforeMB, r.Idle.AfterMB = float64(began.broker.rss)/mega, float64(rested.broker.rss)/mega
	r.Idle.KBPerConnection = float64(rested.broker.rss-began.broker.rss) / kilo / n
}

// ratio divides, nothing by nothing included.
func ratio(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}
