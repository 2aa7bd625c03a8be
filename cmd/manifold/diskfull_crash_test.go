package main

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/api"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/protocols/torture"
)

// diskSize is the size of the file system that gets full.
const diskSize = 512 << 20

// diskFull fills the disk under a loaded broker. Consumers and administration go on, producers
// wait, and go on by themselves when there is space again. In the second act not an octet is
// left: the broker may then stop, with the exit code for that, and has still lost nothing.
func diskFull(t *testing.T, r *rig) {
	disk := mountDisk(t)
	r.configure(filepath.Join(disk, "data"), "")
	broker, _ := r.start()

	stock, stocked := r.stock("stock", 1)
	r.stock("heap", 2)

	w := torture.Crash(r.seed)
	// Slow enough for a disk as small as this. Of the producers' own, no transactions: commits
	// are never held back, and so overtake sends that are.
	w.Cuts, w.Grouped, w.Sizes = 0, 0, []torture.Size{{Octets: 1 << 10, Weight: 1}}
	run, l := r.load(w)
	r.await(l.Confirmed(500), "confirmations under load")
	filler := newFiller(t, disk)
	filler.leave(24 << 20)
	r.awaitSilence(l)

	stock.Producers, stock.Consumers = 0, 2
	draining, err := torture.Start(r.ctx, stock, stocked, r.endpoints)
	if err != nil {
		t.Fatal(err)
	}
	r.await(stocked.Until(func(c torture.Counts) bool { return c.Settled >= stockSize }), "consumers on a full disk")
	r.stop(draining)
	if n := r.purge(broker, "heap.0"); n < stockSize {
		t.Errorf("%d messages were purged, at least %d were there", n, stockSize)
	}
	select {
	case <-l.Confirmed(1):
		t.Error("producers were not held back")
	default:
	}
	filler.remove()
	r.await(l.Confirmed(500), "producers, when space is back")

	if !filler.leaveNothing(broker) {
		filler.remove()
		r.await(l.Confirmed(200), "producers, when space is back")
	} else {
		filler.remove()
		t.Log("a disk without an octet of space stopped the broker")
		if code := broker.cmd.ProcessState.ExitCode(); code != int(sysexit.IO) {
			t.Errorf("exit code %d, want %d\n%s", code, sysexit.IO, broker.log.String())
		}
		broker, _ = r.start()
		r.await(l.Confirmed(200), "producers, after a restart")
	}
	r.stop(run)
	r.drain(w, l, broker.wait())
	r.audit(l)
}

// stockSize is the least that a stock holds.
const stockSize = 2000

// stock fills a queue, which nobody consumes from yet.
func (r *rig) stock(name string, seed uint64) (torture.Workload, *torture.Ledger) {
	r.t.Helper()
	w := torture.Workload{Seed: r.seed + seed, Name: name, Queues: 1, Producers: 1, Window: 100}
	run, l := r.load(w)
	r.await(l.Confirmed(stockSize), "the stock")
	r.stop(run)
	return w, l
}

// mountDisk makes a small file system, if this process may.
func mountDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	size := "size=" + strconv.Itoa(diskSize)
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", size, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no file system of a test's own: %v: %s", err, out)
	}
	t.Cleanup(func() {
		// The test's context has ended; processes on the disk have been killed before.
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// filler is a file that takes the space away.
type filler struct {
	t    *testing.T
	name string
}

func newFiller(t *testing.T, disk string) *filler { return &filler{t, filepath.Join(disk, "filler")} }

// free returns the octets that are free on the disk.
func (f *filler) free() int64 {
	f.t.Helper()
	out, err := exec.CommandContext(f.t.Context(), "df", "--output=avail", "-B1", filepath.Dir(f.name)).Output()
	if err != nil {
		f.t.Fatal(err)
	}
	words := strings.Fields(string(out))
	n, err := strconv.ParseInt(words[len(words)-1], 10, 64)
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// leave takes all space but n octets.
func (f *filler) leave(n int64) {
	f.t.Helper()
	file, err := os.OpenFile(f.name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	defer file.Close()
	part := make([]byte, 1<<20)
	for want := f.free() - n; want > 0; want -= int64(len(part)) {
		_, err := file.Write(part[:min(int64(len(part)), want)])
		if errors.Is(err, syscall.ENOSPC) {
			return
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

// leaveNothing takes whatever is or gets free for a while; true if the broker ended.
func (f *filler) leaveNothing(c *child) bool {
	f.t.Helper()
	end := time.NewTimer(1500 * time.Millisecond)
	defer end.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		f.leave(0)
		select {
		case <-c.exited:
			return true
		case <-end.C:
			return false
		case <-again.C:
		}
	}
}

func (f *filler) remove() {
	f.t.Helper()
	if err := os.Remove(f.name); err != nil {
		f.t.Fatal(err)
	}
}

// awaitSilence waits until no message has been confirmed for a while.
func (r *rig) awaitSilence(l *torture.Ledger) {
	r.t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for {
		quiet := time.NewTimer(1500 * time.Millisecond) // the broker looks at the disk each second
		select {
		case <-l.Confirmed(1):
			quiet.Stop()
		case <-quiet.C:
			return
		case <-late.C:
			r.t.Fatal("producers are not held back")
		}
	}
}

// post calls the API of a running broker.
func (r *rig) post(c *child, path string, body, into any) {
	r.t.Helper()
	token, err := api.ReadToken(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	client := api.Client{Address: c.http, Token: token, HTTP: http.DefaultClient}
	if err := client.Post(r.ctx, path, body, into); err != nil {
		r.t.Fatal(err)
	}
}

// purge empties a queue and returns how many messages that were.
func (r *rig) purge(c *child, queue string) int64 {
	r.t.Helper()
	var answer struct {
		Messages int64 `json:"messages"`
	}
	r.post(c, "queues/"+queue+"/purge", nil, &answer)
	return answer.Messages
}
