package frame

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// rewrite writes a frame as it was read.
func rewrite(f *Frame, v Version) []byte {
	out := AppendCommand(nil, f.Command)
	if f.Command.Plain() {
		v = V10
	}
	for it := f.Headers.Iter(); it.Next(); {
		if h, ok := it.Known(); ok && h == ContentLength {
			continue
		}
		out = AppendHeader(out, v, it.Name(), it.Value())
	}
	out = AppendHeaderInt(out, ContentLength, int64(len(f.Body)))
	return AppendBody(out, f.Body)
}

// Whatever arrives, in whatever pieces, is read the same, holds no more than the limits allow,
// and can be written so that it reads as the same again.
func FuzzReader(f *testing.F) {
	for _, s := range sessions {
		for v := range V12 + 1 {
			f.Add([]byte(s.stream), uint8(v), false)
		}
	}
	f.Add([]byte("SEND\ncontent-length:-1\n\n\x00"), uint8(2), false)
	f.Add([]byte("SEND\ncontent-length:2147483647\n\nx\x00"), uint8(2), true)
	f.Add([]byte("\r\n\n\r\nSEND\r\na\\c\\n\\r\\\\b:\\t\r\n\r\nx\x00\n\nACK\nid:1\n\n\x00"), uint8(1), true)
	f.Add(sendFrame(20000), uint8(2), false)
	f.Fuzz(func(t *testing.T, stream []byte, version uint8, strict bool) {
		v := Version(version % 3)
		limits := LoginLimits()
		o := Options{Version: v, Limits: limits, Strict: strict}
		whole := NewReader(bytes.NewReader(stream), o)
		pieces := NewReader(iotest.OneByteReader(bytes.NewReader(stream)), o)
		for {
			a, errA := whole.Next()
			b, errB := pieces.Next()
			if (errA == nil) != (errB == nil) || errA != nil && errA.Error() != errB.Error() {
				t.Fatalf("%v at once, %v in pieces", errA, errB)
			}
			if held := len(pieces.buf) + cap(pieces.frame.block); held > 4*limits.Frame {
				t.Fatalf("%d octets are held", held)
			}
			if errA != nil {
				var e *Error
				if !errors.As(errA, &e) && !errors.Is(errA, io.EOF) && !errors.Is(errA, io.ErrUnexpectedEOF) {
					t.Fatal(errA)
				}
				return
			}
			if !show(a).equal(show(b)) {
				t.Fatalf("%q at once, %q in pieces", show(a), show(b))
			}
			checkRewritten(t, a, o)
		}
	})
}

func checkRewritten(t *testing.T, f *Frame, o Options) {
	t.Helper()
	// 1.0 trims what it reads, and no version has a NUL in a header or, but 1.2, a CR at its end.
	if o.Version == V10 || f.Command.Plain() || bytes.IndexByte(f.Headers.Raw(), 0) >= 0 {
		return
	}
	o.Limits = Limits{}
	text := rewrite(f, o.Version)
	again, err := NewReader(bytes.NewReader(text), o).Next()
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if second := rewrite(again, o.Version); !bytes.Equal(text, second) {
		t.Fatalf("%q became %q", text, second)
	}
	if !bytes.Equal(again.Body, f.Body) {
		t.Fatalf("the body %q became %q", f.Body, again.Body)
	}
}

// Every header that can be said in a version survives it.
func FuzzHeaderRoundTrip(f *testing.F) {
	f.Add("name", "value", uint8(2))
	f.Add("na:me\n", "\\va\rl:ue\\n", uint8(1))
	f.Add("é", "", uint8(2))
	f.Fuzz(func(t *testing.T, name, value string, version uint8) {
		v := V11 + Version(version%2)
		if name == "" || name == "content-length" || bytes.IndexByte([]byte(name+value), 0) >= 0 {
			return
		}
		text := AppendBody(AppendHeader([]byte("SEND\n"), v, name, value), "")
		frame, err := NewReader(bytes.NewReader(text), Options{Version: v, Strict: true}).Next()
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		it := frame.Headers.Iter()
		if !it.Next() || string(it.Name()) != name || string(it.Value()) != value || it.Next() {
			t.Fatalf("%q: got %q, %q", text, it.Name(), it.Value())
		}
	})
}
