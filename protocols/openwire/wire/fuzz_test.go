package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"testing"
)

// frames cuts a capture into frames.
func frames(b []byte) [][]byte {
	var list [][]byte
	for len(b) >= 4 {
		n := 4 + int(binary.BigEndian.Uint32(b))
		list = append(list, b[:n])
		b = b[n:]
	}
	return list
}

// FuzzReader reads whatever comes, which must end in an error of the two kinds and take no more
// memory than was sent. What can be read can be written, and reads the same again.
func FuzzReader(f *testing.F) {
	for _, c := range captures(f) {
		format := c.format(f)
		for _, b := range [][]byte{c.c2b, c.b2c} {
			for _, one := range frames(b)[1:] {
				if len(one) < 2000 {
					f.Add(uint8(format.Version), format.Tight, format.CacheSize > 0, one)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, version uint8, tight, cache bool, b []byte) {
		format := Format{Version: int32(version%MaxVersion) + 1, Tight: tight, StackTrace: true, MaxFrameSize: 1 << 20}
		if cache {
			format.CacheSize = 1024
		}
		r, w := NewReader(bytes.NewReader(b)), NewWriter()
		r.SetFormat(format)
		w.SetFormat(format)
		again := &bytes.Buffer{}
		second := NewReader(again)
		second.SetFormat(format)
		for range 100 {
			cmd, err := r.Next()
			if err != nil {
				var e *Error
				if !errors.As(err, &e) && err != io.EOF && err != io.ErrUnexpectedEOF {
					t.Fatalf("error %v", err)
				}
				return
			}
			out := w.Append(nil, cmd)
			if int64(len(out)) > 1<<20 {
				return // references to long texts in the cache
			}
			again.Write(out)
			got, err := second.Next()
			if err != nil {
				t.Fatalf("%T was written so that it does not read: %v\n%x", cmd, err, out)
			}
			if !reflect.DeepEqual(got, cmd) {
				t.Fatalf("read again it differs:\n%+v\n%+v", got, cmd)
			}
		}
	})
}

// FuzzIterator walks whatever claims to be a map or a stream.
func FuzzIterator(f *testing.F) {
	o := Default()
	f.Add(o.Info().MarshalledProperties)
	f.Add([]byte{0, 0, 0, 1, 0, 1, 'a', 12, 0, 0, 0, 1, 11, 0, 0, 0, 1, 0, 1, 'b', 9, 0, 1, 'c'})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x7f, 0xff, 0xff, 0xff, 0, 1, 'a', 13, 0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, it := range []Iterator{MapIterator(b), ListIterator(b), StreamIterator(b)} {
			n := 0
			for it.Next() {
				if n++; n > len(b)+1 {
					t.Fatal("more entries than octets")
				}
				if it.Value.Kind == MapValue || it.Value.Kind == ListValue {
					inner := counted(it.Value.Bytes, it.Value.Kind == MapValue)
					for inner.Next() {
						_ = inner.Value
					}
					if inner.Err() != nil {
						t.Fatalf("%x was skipped and does not read", it.Value.Bytes)
					}
				}
			}
		}
	})
}

// FuzzText converts to UTF-8 and back.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a", "\x00", "ß€", "a😀b\x00", "\xed\xa0\xbd", "\xff", "\xed\xa0\xbd\xed\xb8\x80"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := Text(b).String()
		if again := TextOf(s).String(); again != s {
			t.Fatalf("%q became %q", s, again)
		}
	})
}

// FuzzInflate inflates whatever claims to be compressed, within its bound.
func FuzzInflate(f *testing.F) {
	f.Add(Deflate([]byte("hello"), false), false)
	f.Add(Deflate(bytes.Repeat([]byte{0}, 1000), true), true)
	f.Fuzz(func(t *testing.T, b []byte, counted bool) {
		const limit = 1 << 20
		out, err := Inflate(b, counted, limit)
		if err == nil && len(out) > limit {
			t.Fatalf("%d octets", len(out))
		}
	})
}
