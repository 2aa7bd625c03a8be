package jmstest_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/openwire/jmstest"
)

// TestProcess runs Java applications on the program as it ships, a process of its own, and kills it. These tests load
// both processors, so they run one after the other.
//
// MANIFOLD_CRASH_ROUNDS is how often they kill, MANIFOLD_MIGRATE_MESSAGES how many messages an ActiveMQ hands over.
func TestProcess(t *testing.T) {
	s := suite(t)
	binary := filepath.Join(t.TempDir(), "manifold")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/manifoldmq/manifold/cmd/manifold")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false") // as it ships: the race detector is not in it
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, c := range []struct {
		name string
		run  func(*testing.T, jmstest.Suite, *node)
	}{
		{"kill under load", killUnderLoad},
		{"standby", standby},
		{"standby that the URL does not name", learned},
		{"prepared branches", steps("xa")},
		{"what survives", steps("survive")},
		{"migration", migrate},
		{"demand", demand},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, s, newNode(t, binary, filepath.Join(t.TempDir(), "data"))) })
	}
}

func number(t *testing.T, name string, def int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// node is one place where a broker runs: a data directory and a port that stay the same over its processes.
type node struct {
	t      *testing.T
	binary string
	port   int
	web    int
	config string

	mu  sync.Mutex
	cmd *exec.Cmd
	log *brokertest.Buffer
	end chan struct{} // closed when the process has gone
}

func newNode(t *testing.T, binary, data string) *node {
	t.Helper()
	n := &node{t: t, binary: binary, port: jmstest.FreePort(t), web: jmstest.FreePort(t), config: filepath.Join(t.TempDir(), "manifold.yaml")}
	text := fmt.Sprintf(`
listeners: [{name: openwire, address: "127.0.0.1:%d", protocols: [auto]}]
http: {address: "127.0.0.1:%d"}
store: {path: %q, memtable: 4MiB}
destinations:
  policies:
    - {match: "queue://>", redelivery: {maximum: -1}}
`, n.port, n.web, data)
	if err := os.WriteFile(n.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.kill)
	return n
}

func (n *node) url() string { return fmt.Sprintf("tcp://127.0.0.1:%d", n.port) }

// launch starts a process and does not wait until it serves.
func (n *node) launch(args ...string) {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log, n.end = new(brokertest.Buffer), make(chan struct{})
	n.cmd = exec.Command(n.binary, append([]string{"serve", "--config", n.config}, args...)...)
	n.cmd.Stdout, n.cmd.Stderr = n.log, n.log
	n.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MANIFOLD_") })
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	go func(cmd *exec.Cmd, end chan struct{}) {
		_ = cmd.Wait() // it is killed
		close(end)
	}(n.cmd, n.end)
}

// start starts a process and returns when it serves.
func (n *node) start(args ...string) {
	n.t.Helper()
	n.launch(args...)
	jmstest.AwaitPort(n.t, n.port, n.end)
}

// kill ends the process with SIGKILL, and returns when it has gone.
func (n *node) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return
	}
	select {
	case <-n.end:
		n.t.Errorf("the broker had ended by itself:\n%.4000s", n.log.String())
	default:
	}
	_ = n.cmd.Process.Kill()
	<-n.end
	n.cmd = nil
}

// depth returns how many messages a queue holds, 0 if it is not there or nobody answers.
func (n *node) depth(queue string) int {
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", n.web))
	if err != nil {
		return 0
	}
	defer func() { _ = response.Body.Close() }()
	for scan := bufio.NewScanner(response.Body); scan.Scan(); {
		if rest, ok := strings.CutPrefix(scan.Text(), `activemq_queue_queue_size{destination="`+queue+`"} `); ok {
			depth, err := strconv.ParseFloat(rest, 64)
			if err != nil {
				n.t.Fatal(err)
			}
			return int(depth)
		}
	}
	return 0
}

// awaitDepth waits until a queue holds at least so many messages.
func (n *node) awaitDepth(queue string, least int) {
	n.t.Helper()
	late := time.NewTimer(5 * time.Minute)
	defer late.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n.depth(queue) < least {
		select {
		case <-tick.C:
		case <-late.C:
			n.t.Fatalf("%s holds %d messages, want %d\n%.4000s", queue, n.depth(queue), least, n.log.String())
		}
	}
}

// program is a Java program that is talked to by lines.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // closed at its end
	log   brokertest.Buffer
}

func begin(t *testing.T, s jmstest.Suite, class string, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: s.Command(t.Context(), class, args...), lines: make(chan string, 1000)}
	p.cmd.Stderr = &p.log
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p.in = in
	go func() {
		defer close(p.lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			p.lines <- scan.Text()
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
	return p
}

// next returns the program's next line; false at its end.
func (p *program) next() (string, bool) {
	p.t.Helper()
	late := time.NewTimer(5 * time.Minute)
	defer late.Stop()
	select {
	case line, ok := <-p.lines:
		return line, ok
	case <-late.C:
		p.t.Fatalf("the program says nothing any more\n%.4000s", p.log.String())
		return "", false
	}
}

// await reads lines until one begins with the prefix, and returns its rest.
func (p *program) await(prefix string) string {
	p.t.Helper()
	for {
		line, ok := p.next()
		if !ok {
			_ = p.cmd.Wait()
			p.t.Fatalf("the program ended before it said %q:\n%.6000s", prefix, p.log.String())
		}
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(rest)
		}
		if strings.HasPrefix(line, "BROKEN") || strings.HasPrefix(line, "CAME") {
			p.t.Log(line)
		}
	}
}

// awaitCount reads lines until the program tells that so many messages more are confirmed.
func (p *program) awaitCount(more int) {
	p.t.Helper()
	first := -1
	for {
		n, err := strconv.Atoi(p.await("AT"))
		if err != nil {
			p.t.Fatal(err)
		}
		if first < 0 {
			first = n
		}
		if n >= first+more {
			return
		}
	}
}

func (p *program) tell(line string) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		p.t.Errorf("the program does not listen: %v\n%.4000s", err, p.log.String())
	}
}

// finish ends a load and checks what its audit says.
func (p *program) finish() {
	p.t.Helper()
	p.tell("stop")
	done := p.await("DONE")
	p.t.Log(done)
	if !strings.HasPrefix(done, "0 broken,") {
		p.t.Errorf("%s\n%.4000s", done, p.log.String())
	}
}

// killUnderLoad kills a loaded broker again and again: no confirmed message is lost, none comes twice unmarked or after
// the commit that took it, transactions are whole.
func killUnderLoad(t *testing.T, s jmstest.Suite, n *node) {
	n.start()
	load := begin(t, s, "jmstest.Load", "url=failover:("+n.url()+")", "name=load")
	for range number(t, "MANIFOLD_CRASH_ROUNDS", 3) {
		load.awaitCount(500)
		n.kill()
		n.start()
	}
	load.awaitCount(200)
	load.finish()
}

// standby kills the active one of two processes on one data directory again and again. Applications go on at the other.
func standby(t *testing.T, s jmstest.Suite, active *node) {
	other := newNode(t, active.binary, filepath.Join(filepath.Dir(active.config), "none"))
	other.shareData(active)
	takeTurns(t, s, active, other, active.url()+","+other.url())
}

// learned is standby for applications whose URL names only the first: they hear of the other from the broker.
func learned(t *testing.T, s jmstest.Suite, active *node) {
	other := newNode(t, active.binary, filepath.Join(filepath.Dir(active.config), "none"))
	other.shareData(active)
	for _, n := range []*node{active, other} {
		n.connectedBrokers(active.url(), other.url())
	}
	takeTurns(t, s, active, other, active.url())
}

// takeTurns lets two processes on one data directory take turns under load.
func takeTurns(t *testing.T, s jmstest.Suite, active, other *node, urls string) {
	active.start()
	load := begin(t, s, "jmstest.Load", "url=failover:("+urls+")", "name=load")
	for range number(t, "MANIFOLD_CRASH_ROUNDS", 3) {
		other.launch("--standby")
		load.awaitCount(300)
		active.kill()
		load.awaitCount(300)
		active, other = other, active
	}
	load.finish()
}

// connectedBrokers has the node tell its clients of brokers.
func (n *node) connectedBrokers(urls ...string) {
	n.t.Helper()
	text, err := os.ReadFile(n.config)
	if err == nil {
		list := `protocols: [auto], connected_brokers: ["` + strings.Join(urls, `", "`) + `"]`
		err = os.WriteFile(n.config, []byte(strings.Replace(string(text), "protocols: [auto]", list, 1)), 0o600)
	}
	if err != nil {
		n.t.Fatal(err)
	}
}

// shareData gives a node the data directory of another.
func (n *node) shareData(of *node) {
	n.t.Helper()
	text, err := os.ReadFile(of.config)
	if err == nil {
		changed := strings.NewReplacer(fmt.Sprintf(":%d\"", of.port), fmt.Sprintf(":%d\"", n.port), fmt.Sprintf(":%d\"", of.web), fmt.Sprintf(":%d\"", n.web))
		err = os.WriteFile(n.config, []byte(changed.Replace(string(text))), 0o600)
	}
	if err != nil {
		n.t.Fatal(err)
	}
}

// steps runs one of the programs that go on in steps, and kills the broker between them.
func steps(name string) func(*testing.T, jmstest.Suite, *node) {
	return func(t *testing.T, s jmstest.Suite, n *node) {
		n.start()
		p := begin(t, s, "jmstest.Steps", name, "url="+n.url())
		for {
			line, ok := p.next()
			if !ok {
				_ = p.cmd.Wait()
				t.Fatalf("the program failed:\n%.6000s", p.log.String())
			}
			if line == "DONE" {
				return
			}
			if strings.HasPrefix(line, "STEP") {
				n.kill()
				n.start()
				p.tell("go on")
			}
		}
	}
}

// migrate lets an ActiveMQ drain a queue into us over its network connector, while either side is killed: none is lost.
func migrate(t *testing.T, s jmstest.Suite, n *node) {
	if !jmstest.ActiveMQInstalled() {
		if os.Getenv("MANIFOLD_FOREIGN_CLIENTS") == "required" {
			t.Fatal("ActiveMQ is not installed")
		}
		t.Skip("ActiveMQ is not installed")
	}
	messages := number(t, "MANIFOLD_MIGRATE_MESSAGES", 5000)
	dir := t.TempDir()
	c := jmstest.Config{Port: jmstest.FreePort(t)}
	old := jmstest.StartActiveMQ(t, dir, c)
	count := fmt.Sprintf("n=%d", messages)
	begin(t, s, "jmstest.Steps", "fill", fmt.Sprintf("url=tcp://127.0.0.1:%d", old.Port), "queue=MIGRATE.Q", count).await("DONE")
	old.Kill()
	c.Networks = fmt.Sprintf(`<networkConnector name="to-manifold" uri="static:(%s)?initialReconnectDelay=200&amp;maxReconnectDelay=500" staticBridge="true">
<staticallyIncludedDestinations><queue physicalName="MIGRATE.Q"/></staticallyIncludedDestinations></networkConnector>`, n.url())
	n.start()
	old = jmstest.StartActiveMQ(t, dir, c)
	rounds := number(t, "MANIFOLD_CRASH_ROUNDS", 3)
	for i := range rounds {
		// Each round a part of the rest has to have come.
		n.awaitDepth("MIGRATE.Q", messages*(i+1)/(rounds+2))
		if i%2 == 0 {
			n.kill()
			n.start()
		} else {
			old.Kill()
			old = jmstest.StartActiveMQ(t, dir, c)
		}
	}
	drain := begin(t, s, "jmstest.Steps", "drain", "url="+n.url(), "queue=MIGRATE.Q", count)
	t.Log(drain.await("CAME"))
	drain.await("DONE")
	// Nothing is left behind, either.
	left := begin(t, s, "jmstest.Steps", "count", fmt.Sprintf("url=tcp://127.0.0.1:%d", old.Port), "queue=MIGRATE.Q")
	if n := left.await("COUNT"); n != "0" {
		t.Errorf("%s messages are still at ActiveMQ", n)
	}
}

// demand lets an ActiveMQ forward, over a network connector without any list, what consumers of ours ask for.
func demand(t *testing.T, s jmstest.Suite, n *node) {
	if !jmstest.ActiveMQInstalled() {
		t.Skip("ActiveMQ is not installed")
	}
	n.start()
	old := jmstest.StartActiveMQ(t, t.TempDir(), jmstest.Config{
		Port:     jmstest.FreePort(t),
		Networks: fmt.Sprintf(`<networkConnector name="to-manifold" uri="static:(%s)?initialReconnectDelay=200&amp;maxReconnectDelay=500"/>`, n.url()),
	})
	drain := begin(t, s, "jmstest.Steps", "drain", "url="+n.url(), "queue=DEMAND.Q", "n=500")
	begin(t, s, "jmstest.Steps", "fill", fmt.Sprintf("url=tcp://127.0.0.1:%d", old.Port), "queue=DEMAND.Q", "n=500").await("DONE")
	t.Log(drain.await("CAME"))
	drain.await("DONE")
	// The consumers of other protocols count as well.
	for _, scheme := range []string{"stomp", "amqp"} {
		queue := "DEMAND." + scheme
		receive := exec.CommandContext(t.Context(), n.binary, "receive", "--count", "50", "--timeout", "60s", fmt.Sprintf("%s://127.0.0.1:%d/queue/%s", scheme, n.port, queue))
		done := make(chan error, 1)
		go func() { done <- receive.Run() }()
		begin(t, s, "jmstest.Steps", "fill", fmt.Sprintf("url=tcp://127.0.0.1:%d", old.Port), "queue="+queue, "n=50").await("DONE")
		if err := <-done; err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}
