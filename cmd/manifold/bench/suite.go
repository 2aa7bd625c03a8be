package bench

import (
	"context"
	"fmt"
	"time"
)

// SuiteOptions say which cases a suite has and how large they are.
type SuiteOptions struct {
	Duration    time.Duration // how long each case sends
	Connections int           // idle ones; 0 leaves the case out
	Backlog     int           // messages; 0 leaves the case out
	WarmUp      time.Duration // how long the broker is exercised first; 0: not at all
}

// Case is a named run of a suite.
type Case struct {
	Name   string
	Config Config
	Silent bool // the result is of no interest
}

// Suite returns the cases by which brokers are compared, made from a base that names the broker.
// Idle connections come first, because a broker that has worked keeps memory; the warm-up follows,
// for brokers that compile while they work, as those in Java do.
func Suite(base Config, o SuiteOptions) []Case {
	base.Count, base.Duration = 0, o.Duration
	base.Producers, base.Consumers, base.Destinations = 1, 1, 1
	var cases []Case
	add := func(name string, change func(*Config)) {
		c := base
		change(&c)
		cases = append(cases, Case{Name: name, Config: c})
	}
	eight := func(c *Config) { c.Producers, c.Consumers, c.Destinations = 8, 8, 8 }
	durable := func(c *Config, window int) { c.Persistent, c.Ack, c.Window = true, AckIndividual, window }

	if o.Connections = min(o.Connections, maxConnections()); o.Connections > 0 {
		add(fmt.Sprintf("%d idle connections", o.Connections), func(c *Config) { c.Mode, c.Connections = Idle, o.Connections })
	}
	if o.WarmUp > 0 {
		for _, window := range []int{0, 100} {
			warm := base
			warm.Producers, warm.Consumers, warm.Duration = 2, 2, o.WarmUp
			if window > 0 {
				durable(&warm, window)
			}
			cases = append(cases, Case{Name: "warm-up", Config: warm, Silent: true})
		}
	}
	add("queue, non-persistent, 1 to 1", func(*Config) {})
	add("queues, non-persistent, 8 to 8 over 8", eight)
	for _, window := range []int{1, 32, 1000} {
		name := fmt.Sprintf("%d receipts outstanding", window)
		if window == 1 {
			name = "each receipt awaited"
		}
		add("queue, persistent, 1 to 1, "+name, func(c *Config) { durable(c, window) })
	}
	add("queues, persistent, 8 to 8 over 8, 32 receipts outstanding", func(c *Config) { eight(c); durable(c, 32) })
	add("topic, 1 to 10, per delivery", func(c *Config) { c.Mode, c.Consumers = Topic, 10 })
	add(fmt.Sprintf("latency of a queue at %.0f per second", base.Rate), func(c *Config) { c.Mode = Latency })
	if o.Backlog > 0 {
		add(fmt.Sprintf("backlog of %d persistent messages", o.Backlog), func(c *Config) {
			durable(c, 1000)
			c.Mode, c.Count, c.Duration = Backlog, o.Backlog, 0
		})
	}
	return cases
}

// RunSuite runs cases one after the other and hands the results to report as they come. It ends at
// the first error.
func RunSuite(ctx context.Context, cases []Case, report func(*Result) error) error {
	for _, c := range cases {
		if err := c.Config.check(); err != nil { // before minutes of work, not behind them
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	for _, c := range cases {
		r, err := Run(ctx, c.Config)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		r.Case = c.Name
		if c.Silent {
			continue
		}
		if err := report(r); err != nil {
			return err
		}
	}
	return nil
}
