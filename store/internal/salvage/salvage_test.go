package salvage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
)

// write makes a file of the third generation of chunks.
func write(number uint32, records ...string) (file []byte) {
	for _, r := range records {
		for begun := false; ; begun = true {
			room := blockSize - len(file)%blockSize
			if room < headers[2] {
				file = append(file, make([]byte, room)...)
				continue
			}
			n := min(len(r), room-headers[2])
			position := middle
			switch {
			case !begun && n == len(r):
				position = full
			case !begun:
				position = first
			case n == len(r):
				position = last
			}
			file = appendChunk(file, byte(1+2*kinds+position), number, r[:n])
			if r = r[n:]; position == full || position == last {
				break
			}
		}
	}
	return file
}

func appendChunk(file []byte, kind byte, number uint32, payload string) []byte {
	c := binary.LittleEndian.AppendUint32([]byte{kind}, number)
	c = append(append(c, make([]byte, 8)...), payload...)
	sum := crc32.Checksum(c, castagnoli)
	file = binary.LittleEndian.AppendUint32(file, (sum>>15|sum<<17)+0xa282ead8)
	file = binary.LittleEndian.AppendUint16(file, uint16(len(payload)))
	return append(file, c...)
}

func read(file []byte, number uint32) (records []string, gaps []Gap) {
	gaps, _ = Records(file, number, func(r []byte) error {
		records = append(records, string(r))
		return nil
	})
	return records, gaps
}

func sampleRecords() (records []string) {
	for i, n := range []int{10, 0, 5000, 40_000, 3, 100_000, 70, 32_700, 32_740, 1} {
		records = append(records, strings.Repeat(fmt.Sprint(i), n))
	}
	return records
}

func TestWhole(t *testing.T) {
	t.Parallel()
	want := sampleRecords()
	file := write(7, want...)
	for name, file := range map[string][]byte{
		"as it is":        file,
		"with room":       append(bytes.Clone(file), make([]byte, 100_000)...),
		"reused":          append(bytes.Clone(file), write(6, "old", "older")...),
		"with a torn end": append(bytes.Clone(file), write(7, "torn")[:20]...),
	} {
		got, gaps := read(file, 7)
		if fmt.Sprint(got) != fmt.Sprint(want) || len(gaps) != 0 {
			t.Errorf("%s: %d records of %d, gaps %v", name, len(got), len(want), gaps)
		}
	}
	if got, _ := read(file, 8); len(got) != 0 {
		t.Errorf("%d records of another log", len(got))
	}
}

// TestFlipped flips a bit at many places: one record is lost, and the place is told, unless it
// was the last.
func TestFlipped(t *testing.T) {
	t.Parallel()
	want := sampleRecords()
	file := write(7, want...)
	for at := 0; at < len(file); at += 997 {
		p := bytes.Clone(file)
		p[at] ^= 16
		got, gaps := read(p, 7)
		switch {
		case len(got) == len(want): // padding
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("byte %d: wrong content", at)
			}
		case len(got) < len(want)-1:
			t.Fatalf("byte %d: %d records of %d", at, len(got), len(want))
		case len(gaps) == 0 && got[len(got)-1] == want[len(want)-1]:
			t.Fatalf("byte %d: a record is missing, and no gap is told", at)
		case len(gaps) > 0 && (gaps[0].From > at || gaps[0].To < at):
			t.Fatalf("byte %d: gap %v", at, gaps)
		}
	}
}

func FuzzRecords(f *testing.F) {
	f.Add(write(7, "one", "two", strings.Repeat("3", 40_000)), uint32(7))
	f.Fuzz(func(t *testing.T, p []byte, number uint32) {
		n := 0
		gaps, _ := Records(p, number, func(r []byte) error { n += len(r); return nil })
		if n > len(p) {
			t.Fatalf("%d bytes from %d", n, len(p))
		}
		for _, g := range gaps {
			if g.From > g.To || g.To > len(p) {
				t.Fatalf("gap %v", g)
			}
		}
	})
}
