package wire

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// capture is one recorded connection: the octets of both directions.
type capture struct {
	name     string
	c2b, b2c []byte
}

// captures returns the recorded sessions of real clients with a real ActiveMQ.
func captures(t testing.TB) []capture {
	t.Helper()
	names, err := filepath.Glob("testdata/captures/*.c2b.bin")
	if err != nil || len(names) < 40 {
		t.Fatalf("%d captures: %v", len(names), err)
	}
	var list []capture
	for _, n := range names {
		base := strings.TrimSuffix(n, ".c2b.bin")
		c := capture{name: filepath.Base(base)}
		if c.c2b, err = os.ReadFile(n); err != nil {
			t.Fatal(err)
		}
		if c.b2c, err = os.ReadFile(base + ".b2c.bin"); err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	return list
}

// format returns what the two sides of a capture agreed on.
func (c *capture) format(t testing.TB) Format {
	t.Helper()
	var sides [2]Options
	for i, b := range [][]byte{c.c2b, c.b2c} {
		cmd, err := NewReader(bytes.NewReader(b)).Next()
		if err != nil {
			t.Fatal(err)
		}
		info, ok := cmd.(*WireFormatInfo)
		if !ok {
			t.Fatalf("it begins with %T", cmd)
		}
		if sides[i], err = info.Options(); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Negotiate(sides[0], sides[1])
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestCapturesReproduce reads every frame of every capture and writes it again, which must give
// the same octets: the same fields, booleans, cache slots and evictions.
func TestCapturesReproduce(t *testing.T) {
	t.Parallel()
	for _, c := range captures(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := c.format(t)
			for i, b := range [][]byte{c.c2b, c.b2c} {
				reproduce(t, f, []string{"client", "broker"}[i], b)
			}
		})
	}
}

func reproduce(t *testing.T, f Format, side string, b []byte) {
	t.Helper()
	r, w := NewReader(bytes.NewReader(b)), NewWriter()
	at := 0
	for n := 1; at < len(b); n++ {
		size := 4 + int(binary.BigEndian.Uint32(b[at:]))
		cmd, err := r.Next()
		if err != nil {
			t.Fatalf("%s, frame %d: %v", side, n, err)
		}
		if len(r.u.data) != 0 {
			t.Errorf("%s, frame %d: %d octets of %T are left", side, n, len(r.u.data), cmd)
		}
		got := w.Append(nil, cmd)
		if want := b[at : at+size]; !bytes.Equal(got, want) {
			t.Fatalf("%s, frame %d, %T at %d:\ngot  %x\nwant %x", side, n, cmd, at, got, want)
		}
		if n == 1 {
			r.SetFormat(f)
			w.SetFormat(f)
		}
		at += size
	}
}
