package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// manyDestinations makes queues with a message each, and topics, and prints what they cost a broker
// that has nothing to do: memory, and processor time. It asserts that all are there after kill -9.
// MANIFOLD_SCALE_DESTINATIONS is how many of either kind.
func manyDestinations(t *testing.T, r *rig) {
	n := int(envNumber(t, "MANIFOLD_SCALE_DESTINATIONS", 300))
	rest := time.Duration(envNumber(t, "MANIFOLD_SCALE_REST", 1)) * time.Second
	broker, _ := r.start()
	before := broker.usage()
	c := broker.dial()
	for i := range n {
		c.send(fmt.Sprint("/queue/scale.", i), "m", "persistent:true")
		c.send(fmt.Sprint("/topic/scale.", i), "m")
	}
	c.sync()
	made := broker.usage()
	idle := broker.idle(rest)
	t.Logf("%d queues with a message each and %d topics: %v before, %v after: %.1f kB for each queue with its topic; made with %v of CPU; idle, they take %v of CPU in %v",
		n, n, before, made, float64(made.resident-before.resident)/float64(n), made.cpu-before.cpu, idle, rest)
	broker.kill()
	begin := time.Now()
	broker, _ = r.start()
	ready := time.Since(begin)
	t.Logf("after kill -9 ready in %v with %v; idle, %v of CPU in %v", ready.Round(time.Millisecond), broker.usage(), broker.idle(rest), rest)
	c = broker.dial()
	for i := range n {
		c.subscribe(fmt.Sprint(i), fmt.Sprint("/queue/scale.", i), "")
	}
	for range n {
		c.message()
	}
	broker.kill()
}

// deepSelector lets a consumer wait for what matches its selector behind a backlog that does not,
// and prints what that costs: when it comes to the backlog, and for each message that is sent then.
// MANIFOLD_SCALE_BACKLOG is how many messages wait.
func deepSelector(t *testing.T, r *rig) {
	n := int(envNumber(t, "MANIFOLD_SCALE_BACKLOG", 20_000))
	broker, _ := r.start()
	const queue = "/queue/scale.selector"
	c := broker.dial()
	body := strings.Repeat("x", 1024)
	for range n {
		c.send(queue, body, "persistent:true", "kind:common")
	}
	c.send(queue, "first", "persistent:true", "kind:rare")
	c.sync()
	filled := broker.usage()
	begin := time.Now()
	c.subscribe("rare", queue, "kind = 'rare'")
	c.message()
	found := time.Since(begin)
	after := broker.usage()
	t.Logf("a consumer comes to %d messages of 1 KiB that do not match and one that does: it has it after %v, %v of CPU; %v before, %v after",
		n, found.Round(time.Millisecond), after.cpu-filled.cpu, filled, after)
	const more = 1000
	begin = time.Now()
	for range more {
		c.send(queue, "next", "persistent:true", "kind:rare")
		c.sync()
		c.message()
	}
	again := broker.usage()
	t.Logf("%d messages that match, one after the other, behind them: %v and %v of CPU for each", more, time.Since(begin)/more, (again.cpu-after.cpu)/more)
	// The others are all there, in their order, for those who want them.
	c.subscribe("all", queue, "")
	if got := c.message(); !strings.HasSuffix(got, body) {
		t.Errorf("the oldest message is %.40q", got)
	}
	broker.kill()
}

// manyScheduled schedules messages for later, and prints what they cost: memory, the time of a start
// after kill -9, and how late those come that are due meanwhile. It asserts that all are still there
// after the kill and that none comes early. MANIFOLD_SCALE_SCHEDULED is how many there are.
func manyScheduled(t *testing.T, r *rig) {
	n := int(envNumber(t, "MANIFOLD_SCALE_SCHEDULED", 5000))
	broker, _ := r.start()
	before := broker.usage()
	c := broker.dial()
	body := strings.Repeat("x", 1024)
	for i := range n {
		c.send("/queue/scale.later", body, "persistent:true", fmt.Sprint("AMQ_SCHEDULED_DELAY:", 24*time.Hour.Milliseconds()+int64(i)))
	}
	c.sync()
	made := broker.usage()
	broker.kill()
	begin := time.Now()
	broker, _ = r.start()
	ready := time.Since(begin)
	t.Logf("%d scheduled messages of 1 KiB: %v before, %v after, %v of CPU for each; after kill -9 ready in %v with %v",
		n, before, made, (made.cpu-before.cpu)/time.Duration(n), ready.Round(time.Millisecond), broker.usage())

	// Some more are due within seconds, in no order.
	c = broker.dial()
	c.subscribe("due", "/queue/scale.due", "")
	due := max(n/50, 100)
	window := time.Duration(min(10, 1+due/1000)) * time.Second
	for i := range due {
		delay := time.Second + window*time.Duration(i*7919%due)/time.Duration(due)
		at := time.Now().Add(delay)
		c.send("/queue/scale.due", strconv.FormatInt(at.UnixMilli(), 10), "persistent:true", fmt.Sprint("AMQ_SCHEDULED_DELAY:", delay.Milliseconds()))
	}
	late := make([]time.Duration, 0, due)
	for range due {
		text := c.message()
		at, err := strconv.ParseInt(text[strings.LastIndexByte(text, '\n')+1:], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		late = append(late, time.Since(time.UnixMilli(at)))
	}
	slices.Sort(late)
	if late[0] < -time.Millisecond {
		t.Errorf("a message came %v early", -late[0])
	}
	t.Logf("%d more that were due within %v came late by %v at the median, %v at the 99th percentile, %v at most; %v",
		due, window, late[due/2], late[due*99/100], late[due-1], broker.usage())

	c.subscribe("jobs", "/queue/scale.jobs", "")
	c.send("/topic/ActiveMQ.Scheduler.Management", "", "AMQ_SCHEDULER_ACTION:BROWSE", "reply-to:/queue/scale.jobs")
	for range min(n, 5000) { // an answer is bounded
		if f := c.message(); !strings.HasSuffix(f, body) {
			t.Fatalf("a scheduled message is %.300q", f)
		}
	}
	broker.kill()
}

// usage is what a process has taken.
type usage struct {
	resident int // kB
	cpu      time.Duration
}

func (u usage) String() string { return fmt.Sprintf("%.1f MB", float64(u.resident)/1024) }

// usage reads it; it skips the test where the system does not tell.
func (c *child) usage() usage {
	t := c.rig.t
	t.Helper()
	proc := fmt.Sprint("/proc/", c.cmd.Process.Pid)
	stat, err := os.ReadFile(proc + "/stat")
	if err != nil {
		t.Skip(err)
	}
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	resident, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	ticks := 0
	for _, f := range fields[11:13] { // user and system time, in hundredths of a second
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return usage{resident, time.Duration(ticks) * 10 * time.Millisecond}
}

// idle returns how much processor time a process takes while nothing happens.
func (c *child) idle(d time.Duration) time.Duration {
	before := c.usage()
	<-time.After(d)
	return c.usage().cpu - before.cpu
}

// line is a connection of STOMP, without a library between that would cost more than the broker.
type line struct {
	t   *testing.T
	c   net.Conn
	in  *bufio.Reader
	out *bufio.Writer
}

func (c *child) dial() *line {
	t := c.rig.t
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.where.URL, "stomp://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	l := &line{t, conn, bufio.NewReaderSize(conn, 64<<10), bufio.NewWriterSize(conn, 64<<10)}
	l.write("CONNECT\naccept-version:1.2\nhost:scale\n\n\x00")
	if f := l.frame(); !strings.HasPrefix(f, "CONNECTED") {
		t.Fatalf("CONNECT was answered by %q", f)
	}
	return l
}

func (l *line) write(text string) {
	l.t.Helper()
	if _, err := l.out.WriteString(text); err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) send(destination, body string, headers ...string) {
	l.t.Helper()
	l.write("SEND\ndestination:" + destination + "\n")
	for _, h := range headers {
		l.write(h + "\n")
	}
	l.write("\n" + body + "\x00")
}

// sync returns when the broker has confirmed all that was sent.
func (l *line) sync() {
	l.t.Helper()
	l.write("SEND\ndestination:/topic/scale.sync\nreceipt:r\n\n\x00")
	if f := l.frame(); !strings.HasPrefix(f, "RECEIPT") {
		l.t.Fatalf("got %.100q instead of a receipt", f)
	}
}

func (l *line) subscribe(id, destination, selector string) {
	l.t.Helper()
	if selector != "" {
		selector = "selector:" + selector + "\n"
	}
	l.write("SUBSCRIBE\nid:" + id + "\ndestination:" + destination + "\n" + selector + "activemq.prefetchSize:10\n\n\x00")
}

// message returns the next frame, which must be a message.
func (l *line) message() string {
	l.t.Helper()
	f := l.frame()
	if !strings.HasPrefix(f, "MESSAGE") {
		l.t.Fatalf("got %.100q instead of a message", f)
	}
	return f
}

// frame returns the next frame, without NUL.
func (l *line) frame() string {
	l.t.Helper()
	if err := l.out.Flush(); err != nil {
		l.t.Fatal(err)
	}
	_ = l.c.SetReadDeadline(time.Now().Add(5 * time.Minute))
	f, err := l.in.ReadString(0)
	if err != nil {
		l.t.Fatal(err)
	}
	return strings.Trim(f, "\n\x00")
}
