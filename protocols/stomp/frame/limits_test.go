package frame

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	x := func(n int) string { return strings.Repeat("x", n) }
	lines := func(n int) string { return strings.Repeat("a:b\n", n) }
	const head = len("SEND\n\n\x00")
	for _, tc := range []struct {
		name   string
		limits Limits
		at     string
		over   string
		text   string
	}{
		{"command", Limits{Command: 1024}, x(1024) + "\n\n", x(1025) + "\n\n", textCommand},
		{"command, CR LF", Limits{Command: 1024}, x(1024) + "\r\n\n", x(1025) + "\r\n\n", textCommand},
		{"header", Limits{Header: 10240}, "SEND\na:" + x(10238) + "\n\n\x00", "SEND\na:" + x(10239) + "\n\n\x00", textHeader},
		{"header, CR LF", Limits{Header: 10240}, "SEND\r\na:" + x(10238) + "\r\n\r\n\x00", "SEND\r\na:" + x(10239) + "\r\n\r\n\x00", textHeader},
		{"headers", Limits{Headers: 1000}, "SEND\n" + lines(1000) + "\n\x00", "SEND\n" + lines(1001) + "\n\x00", textHeaders},
		{"head", Limits{Head: 400}, "SEND\n" + lines(100) + "\n\x00", "SEND\n" + lines(100) + "a:\n\n\x00", textHeader},
		{"data", Limits{Data: 100}, "SEND\n\n" + x(100) + "\x00", "SEND\n\n" + x(101) + "\x00", textData},
		{"data, claimed", Limits{Data: 100}, "SEND\ncontent-length:100\n\n" + x(100) + "\x00", "SEND\ncontent-length:101\n\n", textData},
		{"large data", Limits{Data: 100000}, "SEND\n\n" + x(100000) + "\x00", "SEND\n\n" + x(100001) + "\x00", textData},
		{"frame", Limits{Frame: 100}, "SEND\n\n" + x(100-head) + "\x00", "SEND\n\n" + x(101-head) + "\x00", textFrame},
		{"large frame", Limits{Frame: 100000}, "SEND\n\n" + x(100000-head) + "\x00", "SEND\n\n" + x(100001-head) + "\x00", textFrame},
		{"frame of headers", Limits{Frame: 7 + 400}, "SEND\n" + lines(100) + "\n\x00", "SEND\n" + lines(101) + "\n\x00", textFrame},
		{"frame, claimed", Limits{Frame: 100}, "SEND\ncontent-length:75\n\n" + x(75) + "\x00", "SEND\ncontent-length:76\n\n", textFrame},
		{"frame without end", Limits{Frame: 100}, "SEND\n\n" + x(100-head) + "\x00", x(101), textFrame},
	} {
		for how, wrap := range map[string]func(io.Reader) io.Reader{
			"at once":        func(r io.Reader) io.Reader { return r },
			"octet by octet": iotest.OneByteReader,
		} {
			var e *Error
			_, err := NewReader(wrap(strings.NewReader(tc.at)), Options{Version: V12, Limits: tc.limits}).Next()
			if errors.As(err, &e) && !strings.HasPrefix(e.Text, textAction) || err != nil && e == nil {
				t.Errorf("%s, %s: at the limit: %v", tc.name, how, err)
			}
			_, err = NewReader(wrap(strings.NewReader(tc.over)), Options{Version: V12, Limits: tc.limits}).Next()
			if !errors.As(err, &e) || e.Text != tc.text {
				t.Errorf("%s, %s: over the limit: %v", tc.name, how, err)
			}
		}
	}
}

// counting notes how much was read from an endless source.
type counting struct {
	src  io.Reader
	read int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.read += n
	return n, err
}

// What never ends is cut off where the limit is, and nothing is held beyond it.
func TestEndless(t *testing.T) {
	t.Parallel()
	login, known := LoginLimits(), DefaultLimits()
	known.Data = 1 << 20
	for _, tc := range []struct {
		name, start, repeat string
		limits              Limits
		most                int
	}{
		{"command", "", "a", login, 8 << 10},
		{"header", "CONNECT\n", "a", login, 64 << 10},
		{"headers", "CONNECT\n", "a:b\n", login, 64 << 10},
		{"body", "CONNECT\n\n", "a", login, 256 << 10},
		{"headers, logged in", "SEND\n", strings.Repeat("a", 10000) + ":b\n", known, 4 << 20},
		{"body, logged in", "SEND\n\n", "a", known, 4 << 20},
	} {
		src := &counting{src: io.MultiReader(strings.NewReader(tc.start), &endless{data: []byte(tc.repeat)})}
		r := NewReader(src, Options{Limits: tc.limits})
		var e *Error
		if _, err := r.Next(); !errors.As(err, &e) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if src.read > tc.most || len(r.buf)+cap(r.frame.block) > 2*tc.most {
			t.Errorf("%s: %d octets were read, %d and %d held", tc.name, src.read, len(r.buf), cap(r.frame.block))
		}
	}
	beats := &counting{src: io.MultiReader(io.LimitReader(&endless{data: []byte("\n")}, 1<<20), strings.NewReader("SEND\n\n\x00"))}
	r := NewReader(beats, Options{})
	if _, err := r.Next(); err != nil || len(r.buf) > maxBuffer {
		t.Errorf("heart-beats: %v, %d octets held", err, len(r.buf))
	}
}

// A claimed length is no reason to allocate.
func TestClaimedLengthAllocatesNothing(t *testing.T) {
	for _, sent := range []int{0, 1, 100, 70000} {
		stream := "SEND\ncontent-length:104857600\n\n" + strings.Repeat("x", sent)
		var reserved int
		options := Options{Limits: DefaultLimits(), Reserve: func(n int) error { reserved += n; return nil }}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := NewReader(strings.NewReader(stream), options)
		_, err := r.Next()
		runtime.ReadMemStats(&after)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d octets: %v", sent, err)
		}
		if grown := int(after.TotalAlloc - before.TotalAlloc); grown > 256<<10+8*sent {
			t.Errorf("%d octets of 100 MiB arrived, and %d were allocated", sent, grown)
		}
		if reserved < 100<<20 || r.Reserved() != reserved {
			t.Errorf("reserved %d, %d to be given back", reserved, r.Reserved())
		}
	}
}

func TestReserve(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		body int
		head string
	}{
		{"small", 10, ""}, {"small, claimed", 10, "content-length:10\n"},
		{"large", 300000, ""}, {"large, claimed", 300000, "content-length:300000\n"},
	} {
		var reserved int
		stream := fmt.Sprintf("SEND\n%s\n%s\x00", tc.head, strings.Repeat("x", tc.body))
		r := NewReader(iotest.HalfReader(strings.NewReader(stream)), Options{Reserve: func(n int) error { reserved += n; return nil }})
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Reserved != reserved || reserved < len(f.Block) || reserved > 2*len(f.Block)+firstRead || r.Reserved() != 0 {
			t.Errorf("%s: reserved %d, frame says %d, block has %d", tc.name, reserved, f.Reserved, len(f.Block))
		}
		full := errors.New("no memory")
		r = NewReader(strings.NewReader(stream), Options{Reserve: func(int) error { return full }})
		if _, err := r.Next(); !errors.Is(err, full) {
			t.Errorf("%s: got %v", tc.name, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	const runs = 200
	for _, tc := range []struct {
		name  string
		frame string
		want  float64
	}{
		{"SEND", string(sendFrame(100)), 1},
		{"SEND with length", "SEND\ndestination:/queue/a\ncontent-length:5\n\nhello\x00\n", 1},
		{"ACK", "ACK\nid:17\n\n\x00\n", 0},
		{"SUBSCRIBE", "SUBSCRIBE\nid:1\ndestination:/queue/a\nack:client\n\n\x00", 0},
	} {
		r := NewReader(&endless{data: []byte(tc.frame)}, Options{Version: V12, Limits: DefaultLimits()})
		next := func() {
			f, err := r.Next()
			if err != nil || f.Headers.Get(Destination) == nil && f.Command != Ack {
				t.Error(err)
			}
		}
		for range 10000 { // until the buffer has its size
			next()
		}
		if got := testing.AllocsPerRun(runs, next); got > tc.want {
			t.Errorf("%s: %v allocations per frame", tc.name, got)
		}
	}
}
