package bench

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url  string
		want Target
		err  string
	}{
		{"stomp://h", Target{Address: "h:61613", Host: "h"}, ""},
		{"stomp+ssl://h/", Target{Address: "h:61614", Host: "h", TLS: true}, ""},
		{"stomp://u:p%40@[::1]:1", Target{Address: "[::1]:1", Host: "::1", User: "u", Password: "p@"}, ""},
		{"mqtt://h", Target{}, "there are stomp:// and stomp+ssl://"},
		{"h:61613", Target{}, "there are stomp://"},
		{"stomp://", Target{}, "names no host"},
		{"stomp://h/queue/x", Target{}, "--prefix"},
		{"stomp://u:secret@h:port", Target{}, "not a URL"},
	} {
		got, err := ParseTarget(c.url)
		switch {
		case c.err == "" && (err != nil || got != c.want):
			t.Errorf("%s: got %+v, %v", c.url, got, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || sysexit.Of(err) != sysexit.Usage):
			t.Errorf("%s: got %v, want %q", c.url, err, c.err)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("the password is in the error: %v", err)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if c := Defaults(); c.check() != nil {
		t.Errorf("the defaults are refused: %v", c.check())
	}
	for _, c := range []struct {
		flag   string
		change func(*Config)
	}{
		{"--mode", func(c *Config) { c.Mode = "x" }},
		{"--stall", func(c *Config) { c.Stall = 0 }},
		{"--pid", func(c *Config) { c.PIDs = []int{0} }},
		{"--producers", func(c *Config) { c.Producers = 0 }},
		{"--consumers", func(c *Config) { c.Consumers = -1 }},
		{"--destinations", func(c *Config) { c.Destinations = 2 }},
		{"--prefix", func(c *Config) { c.Prefix = "a,b" }},
		{"--count", func(c *Config) { c.Count = -1 }},
		{"--count or --duration", func(c *Config) { c.Count = 0 }},
		{"--duration", func(c *Config) { c.Duration = -1 }},
		{"--size", func(c *Config) { c.Size = StampSize - 1 }},
		{"--window", func(c *Config) { c.Window = -1 }},
		{"--prefetch", func(c *Config) { c.Prefetch = -1 }},
		{"--ack", func(c *Config) { c.Ack = "client" }},
		{"--rate", func(c *Config) { c.Mode, c.Rate = Latency, 0 }},
		{"--connections", func(c *Config) { c.Mode, c.Connections = Idle, 0 }},
		{"--connections", func(c *Config) { c.Mode, c.Connections = Idle, maxConnections()+1 }},
		{"--settle", func(c *Config) { c.Mode, c.Settle = Idle, -1 }},
	} {
		config := Defaults()
		c.change(&config)
		err := config.check()
		if err == nil || !strings.Contains(err.Error(), c.flag) || sysexit.Of(err) != sysexit.Usage {
			t.Errorf("%s: got %v", c.flag, err)
		}
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	c := Config{Count: 10, Producers: 4}
	if got := []uint64{c.share(0), c.share(1), c.share(2), c.share(3)}; !slices.Equal(got, []uint64{3, 3, 2, 2}) {
		t.Errorf("got %v", got)
	}
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, 1, 31, 32, 33, 63, 64, 1000, 1 << 40, math.MaxInt64} {
		b := bucketOf(n)
		if u := upper(b); n > u || u-n > n/steps || b > 0 && upper(b-1) >= n {
			t.Errorf("%d is in the bucket (%d, %d]", n, upper(b-1), u)
		}
	}
	var a, b histogram
	if a.quantile(.5) != 0 {
		t.Error("an empty histogram has a median")
	}
	for n := range int64(1000) {
		a.add(n * 1000)
	}
	b.add(-5)
	b.add(1 << 30)
	a.merge(&b)
	for _, q := range []struct {
		part float64
		want int64
	}{{0.5, 500_000}, {0.99, 990_000}, {1, 1 << 30}} {
		if got := a.quantile(q.part); got < q.want-2000 || got > q.want+q.want/steps+2000 {
			t.Errorf("quantile %v is %d, want about %d", q.part, got, q.want)
		}
	}
	if a.total != 1002 || a.max != 1<<30 {
		t.Errorf("got %d values up to %d", a.total, a.max)
	}
}

func TestBitset(t *testing.T) {
	t.Parallel()
	var a, b bitset
	numbers := []uint64{0, 1, 63, 64, chunkBits - 1, chunkBits, 5 * chunkBits}
	for _, n := range numbers {
		if !a.add(n) || a.add(n) {
			t.Errorf("%d is not new once", n)
		}
	}
	b.add(1)
	b.add(2)
	b.add(7 * chunkBits)
	if both := a.merge(&b); both != 1 {
		t.Errorf("%d in both", both)
	}
	if both := b.merge(&a); both != 3 || a.count() != 9 || b.count() != 9 {
		t.Errorf("%d in both, then %d and %d", both, a.count(), b.count())
	}
	if missing(9, &a) != 0 || missing(10, &a) != 1 || missing(3, &a) != 0 {
		t.Error("missing is wrong")
	}
}

// TestSchedule moves a clock by hand: a pause of the broker counts, one of the generator does not.
func TestSchedule(t *testing.T) {
	t.Parallel()
	now := int64(0)
	s := schedule{next: 100, interval: 100, clock: func() int64 { return now }}
	for _, c := range []struct {
		name             string
		wake, want, sent int64
	}{
		{"in time", 100, 100, 110},
		{"woken late", 230, 230, 240},
		{"broker pauses", 300, 300, 650},
		{"held, due at 400", 650, 400, 655},
		{"held, due at 500", 655, 500, 690},
		{"held, due at 600", 690, 600, 695},
		{"woken late after that", 740, 740, 745},
		{"in time again", 800, 800, 810},
	} {
		now = c.wake
		if got := s.wait(); got != c.want {
			t.Errorf("%s: counts from %d, want %d", c.name, got, c.want)
		}
		now = c.sent
		s.sent()
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	if !canMeasure {
		c := Defaults()
		c.PIDs = []int{1}
		if err := c.check(); err == nil || !strings.Contains(err.Error(), "Linux") {
			t.Errorf("--pid: got %v", err)
		}
		return
	}
	c := brokerAt(t)
	c.PIDs = []int{os.Getpid()}
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Broker == nil || r.Broker.PeakMB <= 0 {
		t.Fatalf("got %+v", r.Broker)
	}
	c.PIDs = []int{math.MaxInt32}
	if _, err := Run(t.Context(), c); sysexit.Of(err) != sysexit.NoInput {
		t.Errorf("a process that is not there: %v", err)
	}
}

func TestCost(t *testing.T) {
	t.Parallel()
	second := int64(time.Second)
	r := Result{Mode: Backlog, Sent: 1000, Received: 500}
	r.cost(
		mark{broker: usage{cpu: time.Second, rss: 1e6, written: 1000}},
		mark{at: second, broker: usage{cpu: 2 * time.Second, rss: 3e6}, self: time.Second},
		mark{at: 4 * second, broker: usage{cpu: 4 * time.Second, rss: 2e6, peak: 4e6, written: 6000}, self: 2 * time.Second},
		3*second,
	)
	if r.Seconds != 3 || r.SentPerSecond != 1000 || r.ReceivedPerSecond != 250 || r.GeneratorCPU != 4000 {
		t.Errorf("got %+v", r)
	}
	if *r.Broker != (Cost{CPUSeconds: 3, CPUPerMessage: 6000, PeakMB: 4, DiskPerSent: 5}) {
		t.Errorf("got %+v", *r.Broker)
	}
	if *r.Fill != (Phase{Seconds: 1, PerSecond: 1000, CPUPerMessage: 1000, MB: 3}) ||
		*r.Drain != (Phase{Seconds: 2, PerSecond: 250, CPUPerMessage: 4000, MB: 2}) {
		t.Errorf("got %+v, %+v", *r.Fill, *r.Drain)
	}
	r = Result{}
	r.rest(10, mark{broker: usage{rss: 1e6}}, mark{at: second, broker: usage{cpu: time.Millisecond}}, mark{broker: usage{rss: 2e6}})
	if *r.Idle != (Rest{Connections: 10, OpenedPerSecond: 10, CPUPerOpen: 100, BeforeMB: 1, AfterMB: 2, KBPerConnection: 100}) {
		t.Errorf("got %+v", *r.Idle)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	r := Result{
		Sent: 10, Received: 9, Lost: 1, OutOfOrder: 2, Broker: &Cost{CPUPerMessage: 1.25, PeakMB: 7},
		Latency: &Quantiles{P50: 80, P99: 900}, Fill: &Phase{PerSecond: 5}, Drain: &Phase{PerSecond: 6},
	}
	for _, want := range []string{"1.25 µs per message", "p50 80 µs", "1 lost, 2 out of order"} {
		if got := text(t, &r); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	r = Result{Mode: Idle, Lost: 3, Idle: &Rest{Connections: 5, AfterMB: 2, KBPerConnection: 12}}
	for _, want := range []string{"12.0 kB per connection", "lost connections"} {
		if got := text(t, &r); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func text(t *testing.T, r *Result) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
