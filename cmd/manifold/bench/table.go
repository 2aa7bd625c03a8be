package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteTable writes the result for people, a line for each figure.
func (r *Result) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	if i := r.Idle; i != nil {
		line("connections", "%d, opened at %.0f/s", i.Connections, i.OpenedPerSecond)
		if i.AfterMB > 0 {
			line("broker memory", "%.1f kB per connection (%.1f MB before, %.1f MB after)", i.KBPerConnection, i.BeforeMB, i.AfterMB)
			line("broker CPU", "%.0f µs per connection opened", i.CPUPerOpen)
		}
		line("lost connections", "%d", r.Lost)
		return t.Flush()
	}
	line("sent", "%d in %.2f s, %.0f/s", r.Sent, ratio(float64(r.Sent), r.SentPerSecond), r.SentPerSecond)
	line("received", "%d, %.0f/s", r.Received, r.ReceivedPerSecond)
	if q := r.Latency; q != nil {
		line("latency", "p50 %.0f µs, p99 %.0f µs, p99.9 %.0f µs, max %.0f µs", q.P50, q.P99, q.P999, q.Max)
	}
	if b := r.Broker; b != nil {
		line("broker CPU", "%.2f µs per message", b.CPUPerMessage)
		line("broker memory", "%.1f MB at most", b.PeakMB)
		line("broker disk", "%.0f bytes written per message sent", b.DiskPerSent)
	}
	r.phaseLine(line, "fill", r.Fill)
	r.phaseLine(line, "drain", r.Drain)
	line("generator CPU", "%.2f µs per message", r.GeneratorCPU)
	line("verdict", "%s", r.verdict())
	return t.Flush()
}

func (r *Result) phaseLine(line func(string, string, ...any), name string, p *Phase) {
	switch {
	case p == nil:
	case r.Broker == nil:
		line(name, "%.2f s, %.0f/s", p.Seconds, p.PerSecond)
	default:
		line(name, "%.2f s, %.0f/s, %.2f µs of CPU per message, %.1f MB at its end", p.Seconds, p.PerSecond, p.CPUPerMessage, p.MB)
	}
}

// verdict says in words what came wrongly.
func (r *Result) verdict() string {
	var parts []string
	for _, v := range []struct {
		n    uint64
		text string
	}{
		{r.Lost, "lost"},
		{r.Duplicated, "duplicated"},
		{r.OutOfOrder, "out of order"},
		{r.Foreign, "foreign"},
	} {
		if v.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", v.n, v.text))
		}
	}
	if len(parts) == 0 {
		return "complete, once each, in order"
	}
	return strings.Join(parts, ", ")
}

// WriteMarkdownHead writes the head of a table of results, a line of which WriteMarkdown writes.
func WriteMarkdownHead(w io.Writer) error {
	_, err := io.WriteString(w, "| Case | Broker CPU per message | Messages per second | Further | Verdict |\n|---|---|---|---|---|\n")
	return err
}

// WriteMarkdown writes the result as a line of a table.
func (r *Result) WriteMarkdown(w io.Writer) error {
	cpu, rate, more := "–", fmt.Sprintf("%.0f", r.ReceivedPerSecond), "–"
	if r.Broker != nil {
		cpu = fmt.Sprintf("%.1f µs", r.Broker.CPUPerMessage)
	}
	verdict := r.verdict()
	switch {
	case r.Idle != nil:
		rate, more = "–", fmt.Sprintf("%.1f kB per connection, %.0f MB before", r.Idle.KBPerConnection, r.Idle.BeforeMB)
		if r.Lost > 0 {
			verdict = fmt.Sprintf("%d connections lost", r.Lost)
		} else {
			verdict = "all stood"
		}
	case r.Latency != nil:
		more = fmt.Sprintf("p50 %.0f µs, p99 %.0f µs", r.Latency.P50, r.Latency.P99)
	case r.Fill != nil:
		more = fmt.Sprintf("filled at %.0f/s, drained at %.0f/s; %.0f MB, %.0f MB at most", r.Fill.PerSecond, r.Drain.PerSecond, r.Fill.MB, peak(r.Broker))
	case r.Broker != nil:
		more = fmt.Sprintf("%.0f MB at most", peak(r.Broker))
	}
	_, err := fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", r.Case, cpu, rate, more, verdict)
	return err
}

func peak(c *Cost) float64 {
	if c == nil {
		return 0
	}
	return c.PeakMB
}
