package bench

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/stomp/frame"
)

// brokerAt returns a run of a real broker.
func brokerAt(t *testing.T) Config {
	t.Helper()
	target, err := ParseTarget(brokertest.Start(t).URL("stomp", "stomp"))
	if err != nil {
		t.Fatal(err)
	}
	c := Defaults()
	c.Target = target
	c.Count, c.Size, c.Stall = 1000, 200, time.Minute
	return c
}

func TestRun(t *testing.T) {
	t.Parallel()
	base := brokerAt(t)
	for _, c := range []struct {
		name     string
		change   func(*Config)
		sent     uint64
		received uint64
	}{
		{"queue", func(*Config) {}, 1000, 1000},
		{"every receipt", func(c *Config) { c.Persistent, c.Window, c.Ack, c.Count = true, 1, AckIndividual, 50 }, 50, 50},
		{"window", func(c *Config) { c.Persistent, c.Window, c.Ack = true, 32, AckIndividual }, 1000, 1000},
		{"window that never fills", func(c *Config) { c.Window = 5000 }, 1000, 1000},
		{"small prefetch", func(c *Config) { c.Prefetch, c.Ack = 3, AckIndividual }, 1000, 1000},
		{"many to many", func(c *Config) { c.Producers, c.Consumers, c.Destinations, c.Count = 5, 4, 3, 1003 }, 1003, 1003},
		{"topic", func(c *Config) { c.Mode, c.Consumers = Topic, 3 }, 1000, 3000},
		{"two topics", func(c *Config) { c.Mode, c.Producers, c.Consumers, c.Destinations = Topic, 2, 3, 2 }, 1000, 1500},
		{"latency", func(c *Config) { c.Mode, c.Producers, c.Rate, c.Count = Latency, 2, 1e5, 200 }, 200, 200},
		{"backlog", func(c *Config) { c.Mode, c.Persistent, c.Window = Backlog, true, 100 }, 1000, 1000},
		{"large bodies", func(c *Config) { c.Size, c.Count = 300_000, 5 }, 5, 5},
		{"smallest bodies", func(c *Config) { c.Size = StampSize }, 1000, 1000},
		{"fewer than producers", func(c *Config) { c.Producers, c.Count = 4, 2 }, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config := base
			c.change(&config)
			r, err := Run(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			if r.Sent != c.sent || r.Received != c.received || !r.Intact() || r.OutOfOrder != 0 {
				t.Errorf("got %d sent, %d received, %s; want %d and %d", r.Sent, r.Received, r.verdict(), c.sent, c.received)
			}
			if (r.Latency != nil) != (config.Mode == Latency) || (r.Fill != nil) != (config.Mode == Backlog) || r.Seconds <= 0 {
				t.Errorf("figures are missing or too many: %+v", r)
			}
		})
	}
}

// TestDuration ends a run by its time, whatever it has sent by then.
func TestDuration(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{Queue, Latency} {
		c := brokerAt(t)
		c.Mode, c.Count, c.Duration, c.Window = mode, 0, 50*time.Millisecond, 10
		r, err := Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if r.Sent == 0 || r.Received != r.Sent || !r.Intact() {
			t.Errorf("%s: got %d sent, %d received, %s", mode, r.Sent, r.Received, r.verdict())
		}
	}
}

func TestIdle(t *testing.T) {
	t.Parallel()
	c := brokerAt(t)
	c.Mode, c.Connections, c.Settle = Idle, 40, 0
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Idle == nil || r.Idle.Connections != 40 || r.Lost != 0 {
		t.Errorf("got %+v", r)
	}
}

// TestMistakesAreFound measures brokers that are not in order.
func TestMistakesAreFound(t *testing.T) {
	t.Parallel()
	once := func(body []byte) [][]byte { return [][]byte{body} }
	for _, c := range []struct {
		name                                  string
		mode                                  Mode
		deliver                               func() func(n int, body []byte) [][]byte
		lost, duplicated, outOfOrder, foreign uint64
	}{
		{name: "none", mode: Queue, deliver: func() func(int, []byte) [][]byte {
			return func(_ int, body []byte) [][]byte { return once(body) }
		}},
		{name: "drops", mode: Queue, lost: 3, deliver: func() func(int, []byte) [][]byte {
			return func(n int, body []byte) [][]byte {
				if n < 30 && n%10 == 0 {
					return nil
				}
				return once(body)
			}
		}},
		{name: "drops from a topic", mode: Topic, lost: 6, deliver: func() func(int, []byte) [][]byte {
			return func(n int, body []byte) [][]byte {
				if n < 30 && n%10 == 0 {
					return nil
				}
				return once(body)
			}
		}},
		{name: "repeats", mode: Queue, duplicated: 2, deliver: func() func(int, []byte) [][]byte {
			return func(n int, body []byte) [][]byte {
				if n == 5 || n == 99 {
					return [][]byte{body, body}
				}
				return once(body)
			}
		}},
		{name: "swaps", mode: Queue, outOfOrder: 1, deliver: func() func(int, []byte) [][]byte {
			var kept []byte
			return func(n int, body []byte) [][]byte {
				switch n {
				case 40:
					kept = bytes.Clone(body)
					return nil
				case 41:
					return [][]byte{body, kept}
				}
				return once(body)
			}
		}},
		{name: "adds", mode: Queue, foreign: 2, deliver: func() func(int, []byte) [][]byte {
			return func(n int, body []byte) [][]byte {
				if n != 7 {
					return once(body)
				}
				return [][]byte{body, bytes.Repeat([]byte("x"), len(body)), []byte("short")}
			}
		}},
		{name: "cuts", mode: Queue, lost: 1, foreign: 1, deliver: func() func(int, []byte) [][]byte {
			return func(n int, body []byte) [][]byte {
				if n == 7 {
					body = body[:len(body)-1]
				}
				return once(body)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config := Defaults()
			config.Target = (&faulty{t: t, deliver: c.deliver()}).start()
			config.Mode, config.Count, config.Size, config.Window = c.mode, 100, 64, 10
			if c.mode == Topic {
				config.Consumers = 2
			}
			// All has come when the producer is done, so that this is waited for only by what
			// does find a loss.
			config.Stall = time.Second
			r, err := Run(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			if r.Lost != c.lost || r.Duplicated != c.duplicated || r.OutOfOrder != c.outOfOrder || r.Foreign != c.foreign {
				t.Errorf("got %s", r.verdict())
			}
			if want := c.lost+c.duplicated+c.foreign == 0; r.Intact() != want {
				t.Errorf("intact is %v", r.Intact())
			}
		})
	}
}

// TestTwoConsumersOfOneMessage finds a queue that hands the same message to both its consumers.
func TestTwoConsumersOfOneMessage(t *testing.T) {
	t.Parallel()
	b := &faulty{t: t, deliver: func(_ int, body []byte) [][]byte { return [][]byte{body} }}
	c := Defaults()
	c.Target = b.start()
	c.Count, c.Size, c.Consumers, c.Stall = 20, 64, 2, time.Second
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Lost != 0 || r.Duplicated != 20 {
		t.Errorf("got %s", r.verdict())
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	const refused = "ERROR\nmessage:go away\n\n\x00"
	for _, c := range []struct {
		name    string
		command frame.Command
		answer  string
		change  func(*Config)
		code    sysexit.Code
		text    string
	}{
		{"login", frame.Connect, refused, nil, sysexit.Permission, "login at"},
		{"login to idle", frame.Connect, refused, func(c *Config) { c.Mode = Idle }, sysexit.Permission, "go away"},
		{"no welcome", frame.Connect, "RECEIPT\n\n\x00", nil, sysexit.Data, "no STOMP frame"},
		{"no STOMP", frame.Connect, "HTTP/1.1 400 Bad Request\r\n\r\n\x00", nil, sysexit.Data, "no STOMP frame"},
		{"endless", frame.Connect, strings.Repeat("x", 1<<20), nil, sysexit.Data, "larger than"},
		{"subscribe", frame.Subscribe, refused, nil, sysexit.Data, "consumer 1: the broker refused: go away"},
		{"send", frame.Send, refused, func(c *Config) { c.Window = 1 }, sysexit.Data, "producer 1: the broker refused: go away"},
		{"send without receipts", frame.Send, refused, nil, sysexit.Data, "go away"},
		{"no ack header", frame.Unknown, "", func(c *Config) { c.Ack = AckIndividual }, sysexit.Data, "without an ack"},
		{"surplus", frame.Send, "RECEIPT\nreceipt-id:9\n\n\x00", nil, sysexit.Data, "more receipts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := &faulty{t: t, command: c.command, answer: c.answer}
			b.deliver = func(_ int, body []byte) [][]byte { return [][]byte{body} }
			config := Defaults()
			config.Target = b.start()
			config.Count, config.Size, config.Connections = 10, 64, 3
			if c.change != nil {
				c.change(&config)
			}
			_, err := Run(t.Context(), config)
			if err == nil || sysexit.Of(err) != c.code || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got code %d, %v; want %d, %q", sysexit.Of(err), err, c.code, c.text)
			}
		})
	}
}

// TestInterrupt ends a run that waits for a broker which never answers.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	b := &faulty{t: t, deliver: func(n int, _ []byte) [][]byte {
		if n == 0 {
			close(asked)
		}
		return nil
	}}
	c := Defaults()
	c.Target = b.start()
	c.Count, c.Size, c.Stall = 1, 64, time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error)
	go func() {
		_, err := Run(ctx, c)
		done <- err
	}()
	<-asked
	cancel()
	if err := <-done; sysexit.Of(err) != sysexit.Timeout || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	base := brokerAt(t)
	base.Settle, base.Rate = 0, 5000
	o := SuiteOptions{Duration: 5 * time.Millisecond, Connections: 10, Backlog: 200, WarmUp: time.Millisecond}
	cases := Suite(base, o)
	var out bytes.Buffer
	seen := 0
	err := RunSuite(t.Context(), cases, func(r *Result) error {
		seen++
		if !r.Intact() || r.OutOfOrder > 0 {
			t.Errorf("%s: %s", r.Case, r.verdict())
		}
		return r.WriteMarkdown(&out)
	})
	if err != nil {
		t.Fatal(err)
	}
	silent := 0
	for _, c := range cases {
		if c.Silent {
			silent++
		} else if !strings.Contains(out.String(), "| "+c.Name+" |") {
			t.Errorf("no line for %s", c.Name)
		}
	}
	if silent != 2 || seen != len(cases)-silent || seen < 9 {
		t.Errorf("%d cases, %d of them silent, %d reported", len(cases), silent, seen)
	}
	for line := range strings.Lines(out.String()) {
		if strings.Count(line, "|") != 6 {
			t.Errorf("not a line of the table: %s", line)
		}
	}
	o.Connections, o.Backlog, o.WarmUp = 0, 0, 0
	if n := len(Suite(base, o)); n != len(cases)-4 {
		t.Errorf("%d cases without what can be left out", n)
	}
}

func TestSuiteChecksFirst(t *testing.T) {
	t.Parallel()
	base := Defaults()
	base.Rate = -1
	err := RunSuite(t.Context(), Suite(base, SuiteOptions{Duration: time.Second}), func(*Result) error {
		t.Error("a case ran")
		return nil
	})
	if sysexit.Of(err) != sysexit.Usage {
		t.Errorf("got %v", err)
	}
}
