package openwire_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// expected is what ActiveMQ answered when a capture was replayed on a fresh broker.
type expected struct {
	Replies    map[string]int
	Exceptions [][]string
}

// TestReplay replays what real clients sent to a real ActiveMQ, frame by frame, which must give the
// replies that ActiveMQ gave: the same number of each type, and the same exceptions.
func TestReplay(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/replay.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]expected
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for name, want := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(filepath.Join("wire/testdata/captures", name+".c2b.bin"))
			if err != nil {
				t.Fatal(err)
			}
			broker := brokertest.Start(t)
			if name == "14-durable-sub.2" {
				// It goes on where the first connection of the scenario stopped.
				first, err := os.ReadFile("wire/testdata/captures/14-durable-sub.1.c2b.bin")
				if err != nil {
					t.Fatal(err)
				}
				newReplay(t, broker.Dial("auto"), first).run()
			}
			r := newReplay(t, broker.Dial("auto"), b)
			r.run()
			r.compare(want)
		})
	}
}

// replay is one capture on its way.
type replay struct {
	t      *testing.T
	conn   net.Conn
	frames []frame

	mu         sync.Mutex
	counts     map[string]int
	exceptions [][]string
	answered   map[int32]bool
	dispatched map[string]int
	last       time.Time
	closed     bool
	failure    error
}

// frame is one frame of the client, with its command.
type frame struct {
	bytes []byte
	cmd   wire.Command
	text  string // of an acknowledgement: the message that must be there first
	need  bool   // it wants an answer
	id    int32
}

func newReplay(t *testing.T, conn net.Conn, b []byte) *replay {
	r := emptyReplay(t, conn)
	theirs := readInfo(t, b)
	format, err := wire.Negotiate(wire.Default(), theirs)
	if err != nil {
		t.Fatal(err)
	}
	in := wire.NewReader(bytes.NewReader(b))
	for at := 0; at < len(b); {
		n := 4 + int(b[at])<<24 + int(b[at+1])<<16 + int(b[at+2])<<8 + int(b[at+3])
		cmd, err := in.Next()
		if err != nil {
			t.Fatal(err)
		}
		if pull, ok := cmd.(*wire.MessagePull); ok {
			cmd = &wire.MessagePull{Base: pull.Base, Timeout: pull.Timeout} // the reader uses its own again
		}
		f := frame{bytes: b[at : at+n], cmd: cmd, need: cmd.Head().ResponseRequired, id: cmd.Head().CommandID}
		if ack, ok := cmd.(*wire.MessageAck); ok && ack.LastMessageID != nil {
			f.text = idText(ack.LastMessageID)
		}
		if len(r.frames) == 0 {
			in.SetFormat(format)
		}
		r.frames = append(r.frames, f)
		at += n
	}
	go r.read(format)
	return r
}

func emptyReplay(t *testing.T, conn net.Conn) *replay {
	return &replay{t: t, conn: conn, counts: map[string]int{}, answered: map[int32]bool{}, dispatched: map[string]int{}, last: time.Now()}
}

func readInfo(t *testing.T, b []byte) wire.Options {
	cmd, err := wire.NewReader(bytes.NewReader(b)).Next()
	if err != nil {
		t.Fatal(err)
	}
	o, err := cmd.(*wire.WireFormatInfo).Options()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func idText(id *wire.MessageID) string {
	return id.ProducerID.ConnectionID.String() + "/" + string(rune('0'+id.ProducerID.SessionID)) + "/" +
		string(rune('0'+id.ProducerID.Value)) + "/" + string(rune('0'+id.ProducerSequenceID))
}

// read counts the replies.
func (r *replay) read(format wire.Format) {
	r.count(wire.NewReader(r.conn), format)
}

func (r *replay) count(in *wire.Reader, format wire.Format) {
	for {
		cmd, err := in.Next()
		r.mu.Lock()
		if err != nil {
			r.closed = true
			r.failure = err
			r.mu.Unlock()
			return
		}
		r.last = time.Now()
		name := strings.TrimPrefix(reflect.TypeOf(cmd).String(), "*wire.")
		if name != "KeepAliveInfo" {
			r.counts[name]++
		}
		switch cmd := cmd.(type) {
		case *wire.WireFormatInfo:
			in.SetFormat(format)
		case *wire.Response:
			r.answered[cmd.CorrelationID] = true
		case *wire.IntegerResponse:
			r.answered[cmd.CorrelationID] = true
		case *wire.DataArrayResponse:
			r.answered[cmd.CorrelationID] = true
		case *wire.ExceptionResponse:
			r.answered[cmd.CorrelationID] = true
			r.exceptions = append(r.exceptions, []string{name, cmd.Exception.Class.String(), cmd.Exception.Message.String()})
		case *wire.MessageDispatch:
			if cmd.Message != nil {
				r.dispatched[idText(cmd.Message.MessageID)]++
			}
		case *wire.ConnectionError:
			r.exceptions = append(r.exceptions, []string{name, cmd.Exception.Class.String(), cmd.Exception.Message.String()})
		}
		r.mu.Unlock()
	}
}

// await waits until something is so, or for long in vain.
func (r *replay) await(what string, is func() bool) {
	r.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		r.mu.Lock()
		done := is() || r.closed
		r.mu.Unlock()
		if done {
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.t.Fatalf("waited in vain for %s; so far %v %v %v", what, r.counts, r.exceptions, r.dispatched)
}

// quiet is how long nothing must have come before the next frame is sent.
const quiet = 25 * time.Millisecond

func (r *replay) run() { r.send(len(r.frames)) }

// send sends the next n frames.
func (r *replay) send(n int) {
	batch := r.frames[:n]
	r.frames = r.frames[n:]
	for i, f := range batch {
		if f.text != "" {
			r.await("the message of an acknowledgement "+f.text, func() bool { return r.dispatched[f.text] > 0 })
		}
		r.mu.Lock()
		before := r.counts["MessageDispatch"]
		r.mu.Unlock()
		sent := time.Now()
		if _, err := r.conn.Write(f.bytes); err != nil {
			r.t.Fatalf("frame %d: %v", i, err)
		}
		if f.need {
			r.await("an answer", func() bool { return r.answered[f.id] })
		}
		if pull, ok := f.cmd.(*wire.MessagePull); ok && pull.Timeout != 0 {
			r.await("the end of a pull", func() bool { return r.counts["MessageDispatch"] > before })
		}
		r.await("silence", func() bool { return time.Since(r.last) > quiet && time.Since(sent) > quiet })
	}
}

func (r *replay) compare(want expected) {
	r.t.Helper()
	r.await("the last reply", func() bool { return maps.Equal(r.counts, want.Replies) || time.Since(r.last) > time.Second })
	r.mu.Lock()
	defer r.mu.Unlock()
	if !maps.Equal(r.counts, want.Replies) {
		r.t.Errorf("replies %v, want %v; exceptions %q", r.counts, want.Replies, r.exceptions)
	}
	if len(r.exceptions)+len(want.Exceptions) > 0 && !reflect.DeepEqual(r.exceptions, want.Exceptions) {
		r.t.Errorf("exceptions %q, want %q", r.exceptions, want.Exceptions)
	}
}
