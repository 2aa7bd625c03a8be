package bench

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const stream = "CONNECTED\nversion:1.2\n\n\x00\n" +
	"MESSAGE\r\nack:a\\c1\r\nack:later\r\ncontent-length:3\r\n\r\na\x00b\x00\r\n\n" +
	"MESSAGE\nsubscription:0\n\nplain\x00" +
	"RECEIPT\nreceipt-id:7\n\n\x00ERROR\nmessage:no\n\nbecause\x00"

// TestScanner reads the same stream in pieces of any size.
func TestScanner(t *testing.T) {
	t.Parallel()
	want := []incoming{
		{command: []byte("CONNECTED")},
		{command: []byte("MESSAGE"), ack: []byte("a\\c1"), body: []byte("a\x00b")},
		{command: []byte("MESSAGE"), body: []byte("plain")},
		{command: []byte("RECEIPT"), receipt: []byte("7")},
		{command: []byte("ERROR"), message: []byte("no"), body: []byte("because")},
	}
	sources := map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader,
		"halves": iotest.HalfReader, "error with data": iotest.DataErrReader,
	}
	for name, source := range sources {
		for _, size := range []int{1, 16, 4096} {
			s := newScanner(source(strings.NewReader(stream)), size, 1000)
			for i, w := range want {
				f, err := s.next()
				if err != nil {
					t.Fatalf("%s, buffer of %d, frame %d: %v", name, size, i, err)
				}
				if !bytes.Equal(f.command, w.command) || !bytes.Equal(f.ack, w.ack) || !bytes.Equal(f.receipt, w.receipt) ||
					!bytes.Equal(f.message, w.message) || !bytes.Equal(f.body, w.body) {
					t.Errorf("%s, buffer of %d, frame %d: got %q, want %q", name, size, i, *f, w)
				}
			}
			if _, err := s.next(); err != io.EOF {
				t.Errorf("%s: got %v at the end", name, err)
			}
		}
	}
}

func TestScannerRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"a body that is too large", "MESSAGE\ncontent-length:2000\n\n", errTooLarge},
		{"a body without end", "MESSAGE\n\n" + strings.Repeat("x", 2000), errTooLarge},
		{"a head without end", "MESSAGE\n" + strings.Repeat("a:b\n", 500), errTooLarge},
		{"a command without end", strings.Repeat("x", 2000), errTooLarge},
		{"a length that is negative", "MESSAGE\ncontent-length:-1\n\n\x00", errMalformed},
		{"a length of more bits", "MESSAGE\ncontent-length:4294967296\n\n\x00", errMalformed},
		{"a length that is too short", "MESSAGE\ncontent-length:1\n\nab\x00", errMalformed},
		{"a header without colon", "MESSAGE\nack\n\n\x00", errMalformed},
		{"half a frame", "MESSAGE\nack:1", io.ErrUnexpectedEOF},
	} {
		if _, err := newScanner(strings.NewReader(c.text), 64, 1000).next(); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// FuzzScanner gives the scanner any bytes: it must end, keep its buffer small, and hand out only
// what it was given.
func FuzzScanner(f *testing.F) {
	f.Add([]byte(stream))
	f.Add([]byte("MESSAGE\ncontent-length:2147483647\n\nx"))
	f.Add([]byte("\r\n\nRECEIPT\nreceipt-id:\n\n\x00"))
	f.Add([]byte("MESSAGE\ncontent-length:+3\n\nabc\x00"))
	f.Add([]byte(" MESSAGE\n\n\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 16
		s := newScanner(bytes.NewReader(data), 32, limit)
		for {
			got, err := s.next()
			if len(s.buf) > 4*limit+2*len(data) {
				t.Fatalf("a buffer of %d bytes for %d", len(s.buf), len(data))
			}
			if err != nil {
				return
			}
			if !bytes.Contains(data, got.command) || !bytes.Contains(data, got.body) || !bytes.Contains(data, got.ack) {
				t.Fatalf("got %q, which is not in the data", *got)
			}
		}
	})
}

func BenchmarkScanner(b *testing.B) {
	one := []byte("MESSAGE\ndestination:/queue/bench.0123456789abcdef.0\ncontent-length:1024\nmessage-id:ID:1\nsubscription:0\n" +
		"priority:4\ntimestamp:1700000000000\nexpires:0\nack:1-12345\n\n" + strings.Repeat("m", 1024) + "\x00\n")
	src := &endless{data: bytes.Repeat(one, 100)}
	s := newScanner(src, bufferSize, 1<<20)
	b.SetBytes(int64(len(one)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.next(); err != nil {
			b.Fatal(err)
		}
	}
}

// endless repeats its data for ever.
type endless struct {
	data []byte
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.data[e.at:])
	e.at = (e.at + n) % len(e.data)
	return n, nil
}
