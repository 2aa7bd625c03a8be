package protocols

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// rawEncoder writes what the test adds.
type rawEncoder struct{}

func (rawEncoder) Encode(dst []byte, it *Item) ([]byte, bool) {
	return append(dst, it.Raw...), it.Kind == Closed
}
func (rawEncoder) Written([]Item) {}

// received is one read of the client's end, and when.
type received struct {
	at    time.Duration
	bytes string
}

// TestBeat shows when heart-beats are sent: after an interval without anything else, never beside it, and not while the
// client doesn't read.
func TestBeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		out := NewOutbox(ours, rawEncoder{})
		start := time.Now()
		b := StartBeat(out, 850*time.Millisecond, []byte{'\n'})
		reads := make(chan received, 100)
		go func() {
			defer close(reads)
			buf := make([]byte, 64)
			for {
				n, err := theirs.Read(buf)
				if err != nil {
					return
				}
				reads <- received{time.Since(start), string(bytes.Clone(buf[:n]))}
			}
		}()
		want := func(at time.Duration, text string) {
			t.Helper()
			if got := <-reads; got.at != at || got.bytes != text {
				t.Errorf("got %q at %v, want %q at %v", got.bytes, got.at, text, at)
			}
		}
		want(850*time.Millisecond, "\n")
		want(1700*time.Millisecond, "\n")
		<-time.After(400 * time.Millisecond)
		out.Raw([]byte("frame"))
		out.Wake()
		want(2100*time.Millisecond, "frame")
		want(2950*time.Millisecond, "\n")
		b.Stop()
		b.Stop()
		<-time.After(10 * time.Second)
		synctest.Wait()
		if len(reads) > 0 {
			t.Errorf("%d beats after the end", len(reads))
		}
		_ = ours.Close()
		_ = theirs.Close()
		synctest.Wait()
	})
}

// TestBeatUnread shows that beats for a client that does not read don't pile up.
func TestBeatUnread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		out := NewOutbox(ours, rawEncoder{})
		b := StartBeat(out, 100*time.Millisecond, []byte{'\n'})
		<-time.After(time.Minute)
		b.Stop()
		out.Closed(nil)
		out.Wake()
		go func() {
			<-out.Done()
			_ = ours.Close()
		}()
		if all, err := io.ReadAll(theirs); string(all) != "\n" || err != nil {
			t.Errorf("read %q, %v", all, err)
		}
		_ = theirs.Close()
	})
}
