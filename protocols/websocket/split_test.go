package websocket

import (
	"slices"
	"testing"
)

// TestSplit shows where frames end, also in what is no frame.
func TestSplit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		split split
		parts []string
	}{
		{"packets", splitMQTT, []string{"\x20\x02\x00\x00", "\xd0\x00", "\x30\x80\x01" + string(make([]byte, 128)), "\xd0\x00"}},
		{"packet cut off", splitMQTT, []string{"\xd0\x00", "\x30\x80"}},
		{"packet too short", splitMQTT, []string{"\x30\x7f\x00"}},
		{"AMQP", splitAMQP, []string{"AMQP\x03\x01\x00\x00", "AMQP\x00\x01\x00\x00", "\x00\x00\x00\x08\x02\x00\x00\x00", "\x00\x00\x00\x09\x02\x00\x00\x00x"}},
		{"AMQP cut off", splitAMQP, []string{"\x00\x00\x00\x08\x02\x00\x00\x00", "\x00\x00"}},
		{"AMQP size 0", splitAMQP, []string{"\x00", "\x00\x00\x00"}},
		{"frames", splitSTOMP, []string{"RECEIPT\nreceipt-id:1\n\n\x00\n", "MESSAGE\ncontent-length:4\na:b\n\n\x00a\n\n\x00\n", "MESSAGE\na:b\n\ncontent-length:9\x00", "X\n\n\x00"}},
		{"heart-beat", splitSTOMP, []string{"\n"}},
		{"length too large", splitSTOMP, []string{"MESSAGE\ncontent-length:99999999999999999999\n\na\x00\n"}},
		{"length cut off", splitSTOMP, []string{"MESSAGE\ncontent-length:9\n\na\x00\n"}},
		{"any", splitNone, []string{"ab"}},
	} {
		var all []byte
		for _, p := range c.parts {
			all = append(all, p...)
		}
		var got []string
		for len(all) > 0 {
			n := c.split(all)
			if n < 1 || n > len(all) {
				t.Fatalf("%s: %d of %d bytes", c.name, n, len(all))
			}
			got = append(got, string(all[:n]))
			all = all[n:]
		}
		if !slices.Equal(got, c.parts) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.parts)
		}
	}
}

// FuzzSplit shows that every split makes progress within what there is.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"\x30\x80\x01", "AMQP", "\x00\x00\x00\x08\x02\x00\x00\x00", "MESSAGE\ncontent-length:4\n\nabcd\x00\n", "\n\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, s := range []split{splitMQTT, splitAMQP, splitSTOMP, splitNone} {
			if n := s(b); len(b) > 0 && (n < 1 || n > len(b)) {
				t.Errorf("%d of %d bytes", n, len(b))
			}
		}
	})
}

// FuzzText compares the check of text in pieces with that of the whole.
func FuzzText(f *testing.F) {
	f.Add("Grüße € 😀", 3)
	f.Add("a\xe2\x82", 2)
	f.Add("\xef\xbf\xbd", 1)
	f.Fuzz(func(t *testing.T, text string, size int) {
		size = max(1, min(size, 64))
		var s scan
		good := true
		for rest := []byte(text); len(rest) > 0 && good; rest = rest[min(size, len(rest)):] {
			good = s.valid(rest[:min(size, len(rest))])
		}
		if want := string([]rune(text)) == text; (good && s.complete()) != want {
			t.Errorf("%q in pieces of %d: %t, want %t", text, size, !want, want)
		}
	})
}
