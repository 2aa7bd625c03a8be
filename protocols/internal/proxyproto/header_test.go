package proxyproto

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const sig2 = "\r\n\r\n\x00\r\nQUIT\n"

func TestParse(t *testing.T) {
	t.Parallel()
	v6 := strings.Repeat("\x20\x01", 8)
	for _, c := range []struct{ about, in, want string }{
		{"v1", "PROXY TCP4 1.2.3.4 5.6.7.8 1000 61616\r\nCONNECT", "1.2.3.4:1000 5.6.7.8:61616 39"},
		{"v1 over IPv6", "PROXY TCP6 2001:db8::1 ::1 65535 0\r\n", "[2001:db8::1]:65535 [::1]:0 36"},
		{"v1 mapped", "PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2\r\n", "1.2.3.4:1 [::1]:2 35"},
		{"v1 unknown", "PROXY UNKNOWN\r\n", "invalid AddrPort invalid AddrPort 15"},
		{"v1 unknown with more", "PROXY UNKNOWN ffff::1 whatever\r\nx", "invalid AddrPort invalid AddrPort 32"},
		{"v1 as long as can be", "PROXY UNKNOWN " + strings.Repeat("x", 91) + "\r\n", "invalid AddrPort invalid AddrPort 107"},
		{"v1 too long", "PROXY UNKNOWN " + strings.Repeat("x", 92) + "\r\n", "has no end"},
		{"v1 without end", "PROXY TCP4 " + strings.Repeat("1", 200), "has no end"},
		{"v1 half", "PROXY TCP4 1.2.3.4 5.6.7.8 1000 6161", "more"},
		{"v1 half end", "PROXY UNKNOWN\r", "more"},
		{"v1 signature", "PRO", "more"},
		{"v1 LF", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", "does not end with CR LF"},
		{"v1 LF at once", "PROXY \n", "does not end with CR LF"},
		{"v1 empty", "PROXY \r\n", "is not of the form"},
		{"v1 two spaces", "PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", "is not of the form"},
		{"v1 space at the end", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", "is not of the form"},
		{"v1 lower case", "PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n", "is not of the form"},
		{"v1 UNKNOWNX", "PROXY UNKNOWNX\r\n", "is not of the form"},
		{"v1 wrong family", "PROXY TCP4 ::1 ::1 1 2\r\n", "not of TCP4"},
		{"v1 other wrong family", "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", "not of TCP6"},
		{"v1 zone", "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "not of TCP6"},
		{"v1 octal", "PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n", "not of TCP4"},
		{"v1 host name", "PROXY TCP4 a.b.c.d 5.6.7.8 1 2\r\n", "not of TCP4"},
		{"v1 port", "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", "a port that is none"},
		{"v1 negative port", "PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n", "a port that is none"},
		{"v1 zero before a port", "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", "a port that is none"},
		{"v1 plus", "PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n", "a port that is none"},

		{"v2", sig2 + "\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x03\xe8\xf0\xb0x", "1.2.3.4:1000 5.6.7.8:61616 28"},
		{"v2 over IPv6", sig2 + "\x21\x21\x00\x24" + v6 + v6 + "\x00\x01\x00\x02", "[2001:2001:2001:2001:2001:2001:2001:2001]:1 [2001:2001:2001:2001:2001:2001:2001:2001]:2 52"},
		{"v2 with extensions to come", sig2 + "\x21\x11\xff\xff\x01\x02\x03\x04\x05\x06\x07\x08\x03\xe8\xf0\xb0", "1.2.3.4:1000 5.6.7.8:61616 65551"},
		{"v2 local", sig2 + "\x20\x00\x00\x00", "invalid AddrPort invalid AddrPort 16"},
		{"v2 local with addresses", sig2 + "\x20\x11\x00\x0c", "invalid AddrPort invalid AddrPort 28"},
		{"v2 unspecified", sig2 + "\x21\x00\x00\x05", "invalid AddrPort invalid AddrPort 21"},
		{"v2 Unix", sig2 + "\x21\x31\x00\xd8", "invalid AddrPort invalid AddrPort 232"},
		{"v2 half signature", sig2[:7], "more"},
		{"v2 half", sig2 + "\x21\x11\x00", "more"},
		{"v2 half addresses", sig2 + "\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x03\xe8\xf0", "more"},
		{"v2 short addresses", sig2 + "\x21\x11\x00\x0b", "11 bytes of addresses instead of 12"},
		{"v2 no addresses", sig2 + "\x21\x21\x00\x00", "0 bytes of addresses instead of 36"},
		{"v2 datagrams", sig2 + "\x21\x12\x00\x0c", "about family 0x12"},
		{"v2 of version 1", sig2 + "\x11\x11\x00\x0c", "is of version 1"},
		{"v2 of version 3", sig2 + "\x31\x11\x00\x0c", "is of version 3"},
		{"v2 command", sig2 + "\x2f\x11\x00\x0c", "has command 15"},

		{"nothing", "", "more"},
		{"line ends", "\r\n\r\nCONNECT\n", ErrNone.Error()},
		{"STOMP", "CONNECT\n", ErrNone.Error()},
		{"PRI", "PRI * HTTP/2.0", ErrNone.Error()},
		{"PROXY without space", "PROXYTCP4", ErrNone.Error()},
		{"later", " PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", ErrNone.Error()},
	} {
		h, ok, err := Parse([]byte(c.in))
		got := "more"
		switch {
		case err != nil:
			got = err.Error()
		case ok:
			got = fmt.Sprint(h.Source, h.Destination, h.Size)
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%s: got %s, want %s", c.about, got, c.want)
		}
		if c.want == ErrNone.Error() && !errors.Is(err, ErrNone) {
			t.Errorf("%s: %v", c.about, err)
		}
	}
}

// FuzzParse checks that Parse comes to an answer in time, and to the same one however the bytes
// arrive.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"PROXY TCP4 1.2.3.4 5.6.7.8 1000 61616\r\nCONNECT", "PROXY UNKNOWN\r\n", "PROXY TCP6 ::1 ::1 1 2\r\n", "GET / HTTP/1.1\r\n",
		sig2 + "\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x03\xe8\xf0\xb0x", sig2 + "\x20\x00\xff\xff", sig2 + "\x21\x21\x00\x24" + strings.Repeat("a", 36),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, ok, err := Parse(b)
		if err == nil && !ok && len(b) >= MaxParse {
			t.Fatalf("no answer after %d bytes", len(b))
		}
		if ok && (whole.Size < 15 || whole.Size > 16+65535 || whole.Source.IsValid() != whole.Destination.IsValid()) {
			t.Fatalf("%+v", whole)
		}
		for n := range b {
			h, done, e := Parse(b[:n])
			if !done && e == nil {
				continue
			}
			if done != ok || h != whole || (e == nil) != (err == nil) {
				t.Fatalf("%d bytes: %+v %t %v; all: %+v %t %v", n, h, done, e, whole, ok, err)
			}
			return
		}
	})
}
