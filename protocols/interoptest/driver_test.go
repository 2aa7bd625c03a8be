package interoptest

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/openwire/jmstest"
)

// unique returns a name that nobody else uses.
func unique(prefix string) string { return prefix + "-" + rand.Text()[:10] }

// driver is a process of Java's that serves all tests: a process per case would take most of their time.
type driver struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	log  brokertest.Buffer
	done chan struct{} // closed when it has ended

	mu      sync.Mutex
	number  int
	waiting map[string]chan url.Values
}

// scratch is where the classes go; TestMain makes and removes it.
var scratch string

// started starts the driver once for all tests.
var started = sync.OnceValues(startDriver)

// running is the driver, for TestMain to end.
var running atomic.Pointer[driver]

// javaDriver returns the driver. Where Java or the client library is missing it skips, or fails if MANIFOLD_FOREIGN_CLIENTS is
// "required".
func javaDriver(t *testing.T) *driver {
	t.Helper()
	if testing.Short() {
		t.Skip("Java takes its time")
	}
	d, err := started()
	if errors.Is(err, jmstest.ErrMissing) && os.Getenv("MANIFOLD_FOREIGN_CLIENTS") != "required" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// hasJava reports whether tests can have the driver.
func hasJava() bool {
	if testing.Short() {
		return false
	}
	_, err := started()
	return !errors.Is(err, jmstest.ErrMissing)
}

func startDriver() (*driver, error) {
	java, err := jmstest.Compile(context.Background(), "testdata/java/interop", scratch)
	if err != nil {
		return nil, err
	}
	d := &driver{cmd: java.Command(context.Background(), "interop.Driver"), waiting: make(map[string]chan url.Values), done: make(chan struct{})}
	d.cmd.Stderr = &d.log
	out, err := d.cmd.StdoutPipe()
	if err == nil {
		d.in, err = d.cmd.StdinPipe()
	}
	if err == nil {
		err = d.cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	running.Store(d)
	go d.read(out)
	return d, nil
}

// read hands answers to who waits for them.
func (d *driver) read(out io.Reader) {
	defer close(d.done)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		id, form, _ := strings.Cut(lines.Text(), " ")
		values, err := url.ParseQuery(form)
		if err != nil {
			values = url.Values{"error": {err.Error()}}
		}
		d.mu.Lock()
		to := d.waiting[id]
		delete(d.waiting, id)
		d.mu.Unlock()
		if to != nil {
			to <- values
		}
	}
}

// call asks the driver for something and returns its answer.
func (d *driver) call(word string, in url.Values) (url.Values, error) {
	answer := make(chan url.Values, 1)
	d.mu.Lock()
	d.number++
	id := fmt.Sprint(d.number)
	d.waiting[id] = answer
	_, err := fmt.Fprintf(d.in, "%s %s %s\n", id, word, in.Encode())
	d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case out := <-answer:
		if out.Has("error") {
			return nil, errors.New(out.Get("error"))
		}
		return out, nil
	case <-d.done:
		return nil, fmt.Errorf("the driver has ended: %.4000s", d.log.String())
	case <-time.After(callTime):
		d.mu.Lock()
		delete(d.waiting, id)
		d.mu.Unlock()
		return nil, fmt.Errorf("the driver does not answer %s within %v", word, callTime)
	}
}

// callTime is how long a call may take: longer than anything that it waits for itself.
const callTime = 3 * patience

// end ends the process, if it was started.
func (d *driver) end() {
	_ = d.in.Close()
	<-d.done
	_ = d.cmd.Wait()
}

// TestMain gives the compiled classes a place, and ends the driver.
func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "interoptest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	scratch = dir
	// Tests wait for others most of the time: more of them at once than there are processors.
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if d := running.Load(); d != nil {
		d.end()
	}
	return code
}
