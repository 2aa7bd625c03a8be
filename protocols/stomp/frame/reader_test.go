package frame

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// shown is a frame with everything copied out, for comparison.
type shown struct {
	command string
	headers []string // name=value, unescaped, in order
	body    string
}

func show(f *Frame) shown {
	s := shown{command: f.Command.String(), body: string(f.Body)}
	for it := f.Headers.Iter(); it.Next(); {
		s.headers = append(s.headers, string(it.Name())+"="+string(it.Value()))
	}
	return s
}

func (s shown) equal(t shown) bool {
	return s.command == t.command && slices.Equal(s.headers, t.headers) && s.body == t.body
}

// readAll reads frames to the end of the stream. Like a connection it speaks the version that
// CONNECT asks for from then on.
func readAll(src io.Reader, o Options) (frames []shown, err error) {
	r := NewReader(src, o)
	for {
		f, err := r.Next()
		if err != nil {
			return frames, err
		}
		frames = append(frames, show(f))
		if f.Command == Connect || f.Command == Stomp {
			v := V10
			if f.Headers.Has(AcceptVersion) {
				v, _ = Negotiate(f.Headers.Get(AcceptVersion))
			}
			r.SetVersion(v)
		}
	}
}

// The sessions were recorded from stomp.py 8.0 and go-stomp 3.1.5.
var sessions = []struct {
	name   string
	stream string
	want   []shown
}{
	{"stomp.py", "STOMP\naccept-version:1.1\nclient-id:c1\nheart-beat:4000,4000\nlogin:guest\npasscode:guest\n\n\x00" +
		"SUBSCRIBE\nack:client-individual\ndestination:/queue/s1\nid:1\n\n\x00" +
		"SEND\na:b:c\\\\d\\ce\\nf\ncontent-length:8\ndestination:/queue/s1\nreceipt:r1\n\nhéllo:\n\x00" +
		"DISCONNECT\nreceipt:r9\n\n\x00",
		[]shown{
			{"STOMP", []string{"accept-version=1.1", "client-id=c1", "heart-beat=4000,4000", "login=guest", "passcode=guest"}, ""},
			{"SUBSCRIBE", []string{"ack=client-individual", "destination=/queue/s1", "id=1"}, ""},
			{"SEND", []string{"a=b:c\\d:e\nf", "content-length=8", "destination=/queue/s1", "receipt=r1"}, "héllo:\n"},
			{"DISCONNECT", []string{"receipt=r9"}, ""},
		}},
	{"go-stomp", "CONNECT\nhost:/\nheart-beat:5000,5000\nlogin:guest\npasscode:guest\naccept-version:1.0,1.1,1.2\n\n\x00" +
		"SUBSCRIBE\ndestination:/queue/s2\nack:client-individual\nid:1\n\n\x00" +
		"SEND\ncontent-length:5\ndestination:/queue/s2\ncontent-type:text/plain\nreceipt:2\nk\\c1:v\\n\n\nhello\x00" +
		"ACK\nid:17\n\n\x00BEGIN\ntransaction:3\n\n\x00SEND\ncontent-length:1\ntransaction:3\n\nt\x00ABORT\ntransaction:3\n\n\x00UNSUBSCRIBE\nid:1\nreceipt:1\n\n\x00" +
		"DISCONNECT\nreceipt:4\n\n\x00",
		[]shown{
			{"CONNECT", []string{"host=/", "heart-beat=5000,5000", "login=guest", "passcode=guest", "accept-version=1.0,1.1,1.2"}, ""},
			{"SUBSCRIBE", []string{"destination=/queue/s2", "ack=client-individual", "id=1"}, ""},
			{"SEND", []string{"content-length=5", "destination=/queue/s2", "content-type=text/plain", "receipt=2", "k:1=v\n"}, "hello"},
			{"ACK", []string{"id=17"}, ""},
			{"BEGIN", []string{"transaction=3"}, ""},
			{"SEND", []string{"content-length=1", "transaction=3"}, "t"},
			{"ABORT", []string{"transaction=3"}, ""},
			{"UNSUBSCRIBE", []string{"id=1", "receipt=1"}, ""},
			{"DISCONNECT", []string{"receipt=4"}, ""},
		}},
	{"telnet with CR LF", "CONNECT\r\nlogin: guest \r\n\r\n\x00\r\n\r\nSEND\r\ndestination: /queue/a\r\n\r\nbody\r\n\x00\r\n",
		[]shown{
			{"CONNECT", []string{"login=guest"}, ""},
			{"SEND", []string{"destination=/queue/a"}, "body\r\n"},
		}},
}

func checkSession(t *testing.T, how string, src io.Reader, want []shown) {
	t.Helper()
	got, err := readAll(src, Options{Limits: DefaultLimits()})
	if !errors.Is(err, io.EOF) || !slices.EqualFunc(got, want, shown.equal) {
		t.Errorf("%s: got %q, %v\nwant %q", how, got, err, want)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	for _, s := range sessions {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			checkSession(t, "at once", strings.NewReader(s.stream), s.want)
			checkSession(t, "octet by octet", iotest.OneByteReader(strings.NewReader(s.stream)), s.want)
			checkSession(t, "with the end", iotest.DataErrReader(strings.NewReader(s.stream)), s.want)
			for i := range len(s.stream) {
				halves := io.MultiReader(strings.NewReader(s.stream[:i]), strings.NewReader(s.stream[i:]))
				checkSession(t, fmt.Sprintf("split at %d", i), halves, s.want)
			}
			beats := strings.ReplaceAll(s.stream, "\x00", "\x00\n\r\n\n")
			checkSession(t, "heart-beats", strings.NewReader("\n\r\n"+beats), s.want)
			checkSession(t, "heart-beats, octet by octet", iotest.OneByteReader(strings.NewReader("\n"+beats)), s.want)
		})
	}
}

func TestStreamEnds(t *testing.T) {
	t.Parallel()
	const stream = "SEND\ndestination:/queue/a\ncontent-length:3\n\nabc\x00\n\r\n"
	whole := strings.IndexByte(stream, 0) + 1
	for i := range len(stream) + 1 {
		r := NewReader(strings.NewReader(stream[:i]), Options{})
		frames := 0
		var err error
		for err == nil {
			if _, err = r.Next(); err == nil {
				frames++
			}
		}
		want := io.ErrUnexpectedEOF
		switch {
		case i == 0 || i == whole || i == whole+1 || i == len(stream):
			want = io.EOF
		}
		if wantFrames := min(1, i/whole); !errors.Is(err, want) || frames != wantFrames {
			t.Errorf("after %d octets: %d frames, %v; want %v", i, frames, err, want)
		}
	}
}

func TestContentLength(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 40000)
	for _, tc := range []struct {
		name, frame string
		body, err   string
	}{
		{"right", "SEND\ncontent-length:3\n\nabc\x00", "abc", ""},
		{"blanks", "SEND\ncontent-length: 3 \n\nabc\x00", "abc", ""},
		{"one less", "SEND\ncontent-length:2\n\nabc\x00", "", textTrailing},
		{"one more", "SEND\ncontent-length:4\n\nabc\x00SEND\n\n\x00", "", textTrailing},
		{"zero", "SEND\ncontent-length:0\n\n\x00", "", ""},
		{"zero with a body", "SEND\ncontent-length:0\n\na\x00", "", textTrailing},
		{"NUL in the body", "SEND\ncontent-length:3\n\na\x00c\x00", "a\x00c", ""},
		{"NUL without length", "SEND\n\na\x00c\x00", "a", ""},
		{"on another command", "CONNECT\ncontent-length:0\n\n\x00", "", ""},
		{"negative", "SEND\ncontent-length:-1\n\nabc\x00", "", textContentLength},
		{"plus", "SEND\ncontent-length:+3\n\nabc\x00", "", textContentLength},
		{"word", "SEND\ncontent-length:abc\n\nabc\x00", "", textContentLength},
		{"empty", "SEND\ncontent-length:\n\nabc\x00", "", textContentLength},
		{"hexadecimal", "SEND\ncontent-length:0x3\n\nabc\x00", "", textContentLength},
		{"fraction", "SEND\ncontent-length:3.0\n\nabc\x00", "", textContentLength},
		{"31 bits", "SEND\ncontent-length:2147483647\n\nabc\x00", "", textData},
		{"32 bits", "SEND\ncontent-length:4294967295\n\nabc\x00", "", textData},
		{"63 bits", "SEND\ncontent-length:9223372036854775807\n\nabc\x00", "", textContentLength},
		{"64 bits", "SEND\ncontent-length:18446744073709551619\n\nabc\x00", "", textContentLength},
		{"the first counts", "SEND\ncontent-length:3\ncontent-length:99\n\nabc\x00", "abc", ""},
		{"large, right", "SEND\ncontent-length:40000\n\n" + big + "\x00", big, ""},
		{"large, one less", "SEND\ncontent-length:39999\n\n" + big + "\x00", "", textTrailing},
		{"large, one more", "SEND\ncontent-length:40001\n\n" + big + "\x00SEND\n", "", textTrailing},
	} {
		for how, src := range map[string]io.Reader{
			"at once": strings.NewReader(tc.frame), "octet by octet": iotest.OneByteReader(strings.NewReader(tc.frame)),
			"by halves": iotest.HalfReader(strings.NewReader(tc.frame)),
		} {
			f, err := NewReader(src, Options{Version: V12, Limits: DefaultLimits()}).Next()
			if tc.err != "" {
				var e *Error
				if !errors.As(err, &e) || e.Text != tc.err || !e.Fatal {
					t.Errorf("%s, %s: got %v, want %q", tc.name, how, err, tc.err)
				}
			} else if err != nil || string(f.Body) != tc.body {
				t.Errorf("%s, %s: got %v", tc.name, how, err)
			}
		}
	}
}

func TestErrorsOfFrames(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ frame, text, receipt string }{
		{"SENDx\nreceipt:r\\c1\n\n", "Unknown STOMP action: SENDx", "r:1"},
		{"send\n\n\x00", "Unknown STOMP action: send", ""},
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "Unknown STOMP action: GET / HTTP/1.1", ""},
		{"SEND\nreceipt:7\nno colon\n\n\x00", "Unable to parser header line [no colon]", "7"},
		{"SEND\n:value\n\n\x00", "Unable to parser header line [:value]", ""},
		{"SEND\nreceipt:7\ncontent-length:x\n\n\x00", textContentLength, "7"},
		{"SEND\nreceipt:7\ncontent-length:1\n\nab\x00", textTrailing, "7"},
	} {
		r := NewReader(strings.NewReader(tc.frame), Options{Version: V12})
		for range 2 { // the error stays
			var e *Error
			if _, err := r.Next(); !errors.As(err, &e) || *e != (Error{Fatal: true, Text: tc.text, Receipt: tc.receipt}) {
				t.Errorf("%q: got %#v, %v", tc.frame, e, err)
			}
		}
	}
}

// stuttering fails before every octet, as a socket does whose read deadline passes.
type stuttering struct {
	src io.Reader
	ok  bool
}

func (s *stuttering) Read(p []byte) (int, error) {
	if s.ok = !s.ok; s.ok {
		return 0, os.ErrDeadlineExceeded
	}
	return s.src.Read(p[:1])
}

func TestNextContinuesAfterDeadline(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("y", 20000)
	stream := "\nCONNECT\naccept-version:1.2\n\n\x00\nSEND\ncontent-length:20000\n\n" + big + "\x00SEND\n\nlast\x00"
	r := NewReader(&stuttering{src: strings.NewReader(stream)}, Options{Limits: DefaultLimits()})
	var bodies []string
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			r.Shrink()
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(f.Body))
	}
	if !slices.Equal(bodies, []string{"", big, "last"}) {
		t.Errorf("got %d bodies", len(bodies))
	}
}

func TestMoreTellsWhereABurstEnds(t *testing.T) {
	t.Parallel()
	bursts := []string{"SEND\n\na\x00\nSEND\n\nb\x00\nSEND\n\n", "c\x00\n", "ACK\nid:1\n\n\x00BAD\n\n"}
	readers := make([]io.Reader, len(bursts))
	for i, b := range bursts {
		readers[i] = strings.NewReader(b)
	}
	r := NewReader(io.MultiReader(readers...), Options{Version: V12})
	if r.More() {
		t.Error("more before anything was read")
	}
	for i, want := range []struct {
		body string
		more bool
	}{{"a", true}, {"b", false}, {"c", false}, {"", true}} {
		f, err := r.Next()
		if err != nil || string(f.Body) != want.body {
			t.Fatalf("frame %d: %v", i, err)
		}
		if got := r.More(); got != want.more {
			t.Errorf("more after frame %d: %v", i, got)
		}
	}
	var e *Error
	if _, err := r.Next(); !errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}

// A message may outlive its frame: what it keeps must not change.
func TestBlockIsTheMessagesOwn(t *testing.T) {
	t.Parallel()
	var stream bytes.Buffer
	sizes := []int{0, 10, 1000, 5000, 20000, 70000, 200000}
	for round := range 2 {
		for i, n := range sizes {
			fmt.Fprintf(&stream, "SEND\ndestination:/queue/%d\n", i)
			if round == 1 {
				fmt.Fprintf(&stream, "content-length:%d\n", n)
			}
			fmt.Fprintf(&stream, "\n%s\x00\n", strings.Repeat(string(rune('a'+i)), n))
		}
	}
	r := NewReader(&stream, Options{Version: V12, Limits: DefaultLimits()})
	type kept struct{ raw, body []byte }
	var all []kept
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		raw := f.Headers.Raw()
		if &f.Block[0] != &raw[0] || len(f.Body) > 0 && &f.Block[len(f.Block)-1] != &f.Body[len(f.Body)-1] {
			t.Error("headers and body are not in the block")
		}
		if cap(f.Block) > len(f.Block)+len(f.Block)/4+1 {
			t.Errorf("a block of %d octets has room for %d", len(f.Block), cap(f.Block))
		}
		all = append(all, kept{raw, f.Body})
	}
	if len(all) != 2*len(sizes) {
		t.Fatalf("got %d frames", len(all))
	}
	for i, k := range all {
		n := i % len(sizes)
		var h Headers
		if err := h.Parse(k.raw, V12); err != nil || h.String(Destination) != fmt.Sprintf("/queue/%d", n) {
			t.Errorf("frame %d: destination %q, %v", i, h.String(Destination), err)
		}
		if string(k.body) != strings.Repeat(string(rune('a'+n)), sizes[n]) {
			t.Errorf("frame %d: the body changed", i)
		}
	}
}

func TestNoProgress(t *testing.T) {
	t.Parallel()
	if _, err := NewReader(zeroReader{}, Options{}).Next(); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v", err)
	}
}

type zeroReader struct{}

func (zeroReader) Read([]byte) (int, error) { return 0, nil }
