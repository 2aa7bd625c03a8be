package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/torture"
	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// TestProcess runs the program as its users do, as a static binary and a process of its own,
// and kills it. These tests load both processors, so they run one after the other.
//
// MANIFOLD_CRASH_ROUNDS is how often each of them does its worst, MANIFOLD_CRASH_SEED repeats
// the random choices of a run.
func TestProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("these tests build and kill a real process")
	}
	binary := buildBinary(t)
	for _, c := range []struct {
		name string
		run  func(*testing.T, *rig)
	}{
		{"crash", crashRounds},
		{"crash, AMQP", crashRoundsAMQP},
		{"crash, OpenWire", crashRoundsOpenWire},
		{"crash, go-amqp", crashRoundsGoAMQP},
		{"crash, proton", crashRoundsProton},
		{"sessions", sessionRounds},
		{"groups", groupRounds},
		{"groups, AMQP", groupRoundsAMQP},
		{"groups, OpenWire", groupRoundsOpenWire},
		{"standby", standbyRounds},
		{"backup", backupUnderLoad},
		{"disk full", diskFull},
		{"many destinations", manyDestinations},
		{"selector behind a backlog", deepSelector},
		{"many scheduled messages", manyScheduled},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, newRig(t, binary)) })
	}
}

// buildBinary builds the program as it is shipped.
func buildBinary(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "manifold")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false") // as it ships: the race detector is not in it
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// rig is one data directory and the processes on it.
type rig struct {
	t      *testing.T
	ctx    context.Context // bounds the whole test
	binary string
	dir    string
	config string // file
	// protocol is what clients speak: the name of a listener, and the scheme of its URL.
	protocol string
	dial     client.Dialer // nil: the client of our own
	workload func(seed uint64) torture.Workload
	seed     uint64
	rounds   int
	rand     *rand.Rand

	mu      sync.Mutex
	lives   uint64
	serving []torture.Endpoint // processes that are ready, the newest first
}

func newRig(t *testing.T, binary string) *rig {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
	t.Cleanup(cancel)
	r := &rig{
		t: t, ctx: ctx, binary: binary, dir: filepath.Join(t.TempDir(), "data"), protocol: "stomp", workload: torture.Crash,
		seed:   envNumber(t, "MANIFOLD_CRASH_SEED", uint64(time.Now().UnixNano())),
		rounds: int(envNumber(t, "MANIFOLD_CRASH_ROUNDS", 2)),
	}
	t.Logf("MANIFOLD_CRASH_SEED=%d", r.seed)
	r.rand = rand.New(rand.NewPCG(r.seed, 0))
	r.configure(r.dir, "")
	return r
}

// configure writes the configuration for processes to come. Redelivery is without an end, since
// crashes would else use the tries up.
func (r *rig) configure(dir, more string) {
	r.t.Helper()
	r.dir, r.config = dir, file(r.t, "manifold.yaml", fmt.Sprintf(`
listeners:
  - {name: stomp, address: "127.0.0.1:0", protocols: [stomp]}
  - {name: amqp, address: "127.0.0.1:0", protocols: [amqp]}
  - {name: mqtt, address: "127.0.0.1:0", protocols: [mqtt]}
  - {name: openwire, address: "127.0.0.1:0", protocols: [openwire]}
http: {address: "127.0.0.1:0"}
store: {path: %q, memtable: 4MiB}
destinations:
  policies:
    - {match: "queue://>", redelivery: {maximum: -1}}
    - {match: "topic://>", redelivery: {maximum: -1}}
%s`, dir, more))
}

func envNumber(t *testing.T, name string, def uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return def
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// child is one process of the broker.
type child struct {
	rig  *rig
	life uint64
	cmd  *exec.Cmd
	log  bytes.Buffer // standard error, to be read after the end

	ready  chan struct{}    // closed when it serves, and when it ends
	where  torture.Endpoint // once ready; zero if it ended before
	http   string           // address of the HTTP listener, once ready
	mqtt   string           // address of the MQTT listener, once ready
	exited chan struct{}
}

// launch starts a process and does not wait for it.
func (r *rig) launch(args ...string) *child {
	r.t.Helper()
	r.mu.Lock()
	r.lives++
	c := &child{rig: r, life: r.lives, ready: make(chan struct{}), exited: make(chan struct{})}
	r.mu.Unlock()
	c.cmd = exec.Command(r.binary, append([]string{"serve", "--config", r.config}, args...)...)
	c.cmd.Stderr = &c.log
	// Settings of these tests look like the program's own.
	c.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MANIFOLD_") })
	out, err := c.cmd.StdoutPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	go c.watch(out)
	r.t.Cleanup(func() {
		c.kill()
		if r.t.Failed() && c.log.Len() > 0 {
			r.t.Logf("process %d wrote:\n%.4000s", c.life, c.log.String())
		}
	})
	return c
}

// watch waits for the ready line and then for the end of a process.
func (c *child) watch(out io.Reader) {
	defer close(c.exited)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		listeners, ok := strings.CutPrefix(lines.Text(), "ready ")
		if !ok {
			continue
		}
		var e torture.Endpoint
		for listener := range strings.FieldsSeq(listeners) {
			switch name, address, _ := strings.Cut(listener, "="); name {
			case c.rig.protocol:
				e = torture.Endpoint{URL: name + "://" + address, Life: c.life, Dial: c.rig.dial}
			case "http":
				c.http = address
			case "mqtt":
				c.mqtt = address
			}
		}
		c.where = e
		c.rig.join(e)
		close(c.ready)
	}
	if c.where.URL == "" {
		close(c.ready)
	}
	// The exit status is the test's to look at, in the process state.
	_ = c.cmd.Wait()
	c.rig.leave(c.life)
}

// start starts a process and waits until it serves.
func (r *rig) start(args ...string) (*child, torture.Endpoint) {
	r.t.Helper()
	c := r.launch(args...)
	return c, c.wait()
}

// wait waits until the process serves.
func (c *child) wait() torture.Endpoint {
	c.rig.t.Helper()
	select {
	case <-c.ready:
		if c.where.URL != "" {
			return c.where
		}
		<-c.exited
		c.rig.t.Fatalf("the broker ended: %v\n%s", c.cmd.ProcessState, c.log.String())
	case <-c.rig.ctx.Done():
		c.rig.t.Fatal("the broker does not get ready")
	}
	return torture.Endpoint{}
}

// kill ends the process with SIGKILL, and returns when it has gone.
func (c *child) kill() {
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.rig.t.Errorf("kill: %v", err)
	}
	<-c.exited
}

func (r *rig) join(e torture.Endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serving = append([]torture.Endpoint{e}, r.serving...)
}

func (r *rig) leave(life uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rest []torture.Endpoint
	for _, e := range r.serving {
		if e.Life != life {
			rest = append(rest, e)
		}
	}
	r.serving = rest
}

// endpoints returns where the broker can be reached now.
func (r *rig) endpoints() []torture.Endpoint {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.serving
}

// load starts a workload on whatever process serves.
func (r *rig) load(w torture.Workload) (*torture.Run, *torture.Ledger) {
	r.t.Helper()
	l := torture.NewLedger(w.Seed)
	run, err := torture.Start(r.ctx, w, l, r.endpoints)
	if err != nil {
		r.t.Fatal(err)
	}
	return run, l
}

// await waits for what must happen sooner or later.
func (r *rig) await(event <-chan struct{}, what string) {
	r.t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	select {
	case <-event:
	case <-late.C:
		r.t.Fatalf("%s: not within a minute", what)
	case <-r.ctx.Done():
		r.t.Fatalf("%s: %v", what, r.ctx.Err())
	}
}

// pause lets a random time pass, up to most: for events that nothing outside tells of.
func (r *rig) pause(most time.Duration) {
	timer := time.NewTimer(time.Duration(r.rand.Int64N(int64(most))))
	defer timer.Stop()
	<-timer.C
}

func (r *rig) stop(run *torture.Run) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
	defer cancel()
	if err := run.Stop(ctx); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) drain(w torture.Workload, l *torture.Ledger, e torture.Endpoint) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, 2*time.Minute)
	defer cancel()
	if err := torture.Drain(ctx, w, l, e); err != nil {
		report := l.Audit()
		r.t.Fatalf("%v\n%s", err, report.String())
	}
}

func (r *rig) audit(l *torture.Ledger) {
	r.t.Helper()
	report := l.Audit()
	if err := report.Err(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Log(report.String())
}
