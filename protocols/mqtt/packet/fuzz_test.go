package packet

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// FuzzReader feeds a reader any octets in any portions: it must not panic, must come to the same
// packets whatever the portions, and what it accepts must come out again as it went in.
func FuzzReader(f *testing.F) {
	for _, s := range streams {
		f.Add(unhex(f, strings.Join(strings.Fields(s.wire), "")), uint8(0), uint8(3))
	}
	for _, s := range []string{"30ffffffff7f", "3080808001", "82800100", "e00400020000", "f003180000", "20020100", "9004000100ff", "b0050001000011", "62030001920"} {
		if len(s)%2 == 0 {
			f.Add(unhex(f, s), uint8(5), uint8(1))
		}
	}
	f.Fuzz(func(t *testing.T, wire []byte, version, portion uint8) {
		v := []Version{0, V31, V311, V5}[version%4]
		limits := Limits{Packet: 1 << 20, Filters: 100, UserProperties: 100}
		read := func(src io.Reader) (out []string, again []byte, err error) {
			r := NewReader(src, ReaderOptions{Version: v, Limits: limits})
			for {
				p, err := r.Next()
				if err != nil {
					return out, again, err
				}
				out = append(out, describe(p))
				again = Append(again, p)
			}
		}
		whole, again, err := read(bytes.NewReader(wire))
		parts, _, err2 := read(&chunks{wire, 1 + int(portion)})
		if strings.Join(whole, "\n") != strings.Join(parts, "\n") || reasonOf(err) != reasonOf(err2) {
			t.Fatalf("in portions of %d it is\n%v %v\nand at once\n%v %v", 1+portion, parts, err2, whole, err)
		}
		var e *Error
		if !errors.As(err, &e) && err != io.EOF && err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
		repeated, _, err := read(bytes.NewReader(again))
		if err != io.EOF || strings.Join(whole, "\n") != strings.Join(repeated, "\n") {
			t.Fatalf("written and read again it is\n%v %v\nand was\n%v", repeated, err, whole)
		}
	})
}

// FuzzProperties checks that whatever is accepted as properties of a packet can be read to its
// end.
func FuzzProperties(f *testing.F) {
	f.Add([]byte{0x26, 0, 1, 'a', 0, 1, 'b', 0x01, 1}, uint8(Publish))
	f.Add([]byte{0x11, 0, 0, 0, 1, 0x21, 0, 1}, uint8(Connect))
	f.Add([]byte{0x0b, 0xff, 0xff, 0xff, 0x7f}, uint8(Subscribe))
	f.Fuzz(func(t *testing.T, b []byte, kind uint8) {
		p := Properties(b)
		if p.check(Type(kind%16), &Limits{}) != nil {
			return
		}
		n := 0
		for len(p) > 0 {
			v, ok := p.Next()
			if !ok {
				t.Fatal("accepted, and can't be read")
			}
			n += len(v.Bytes)
		}
		if n != len(b) {
			t.Fatalf("%d octets of %d", n, len(b))
		}
	})
}
