package frame

import (
	"testing"
	"time"
)

func TestAppendHeaderByVersion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, value string
		want        [3]string
	}{
		{"k", "v", [3]string{"k:v\n", "k:v\n", "k:v\n"}},
		{"k", "", [3]string{"k:\n", "k:\n", "k:\n"}},
		{"k", "a:b", [3]string{"k:a:b\n", `k:a\cb` + "\n", `k:a\cb` + "\n"}},
		{"k", "a\nb", [3]string{"k:a b\n", `k:a\nb` + "\n", `k:a\nb` + "\n"}},
		{"k", `a\b`, [3]string{`k:a\b` + "\n", `k:a\\b` + "\n", `k:a\\b` + "\n"}},
		{"k", "a\rb", [3]string{"k:a\rb\n", "k:a\rb\n", `k:a\rb` + "\n"}},
		{"k", "a\x00b", [3]string{"k:a b\n", "k:a b\n", "k:a b\n"}},
		{"a:b\n", "v", [3]string{"a:b :v\n", `a\cb\n:v` + "\n", `a\cb\n:v` + "\n"}},
		{"é", "\xff€", [3]string{"é:\xff€\n", "é:\xff€\n", "é:\xff€\n"}},
	} {
		for v := range V12 + 1 {
			if got := string(AppendHeader(nil, v, tc.name, tc.value)); got != tc.want[v] {
				t.Errorf("%v, %q, %q: got %q, want %q", v, tc.name, tc.value, got, tc.want[v])
			}
			if got := string(AppendHeader(nil, v, []byte(tc.name), []byte(tc.value))); got != tc.want[v] {
				t.Errorf("%v, octets %q, %q: got %q", v, tc.name, tc.value, got)
			}
		}
	}
}

func TestUnescapeOfPasscode(t *testing.T) {
	t.Parallel()
	for v, want := range map[Version]string{V10: `a\cb`, V11: "a:b", V12: "a:b"} {
		if got := string(Unescape(v, []byte(`a\cb`))); got != want {
			t.Errorf("%v: got %q", v, got)
		}
	}
}

func TestAppendFrames(t *testing.T) {
	t.Parallel()
	message := AppendCommand(nil, Message)
	message = AppendKnown(message, V12, MessageID, "ID:a:1")
	message = AppendHeaderInt(message, Expires, 0)
	message = AppendHeaderInt(message, ContentLength, 2)
	message = AppendBody(message, "a\x00")
	bySteps := AppendTail(append(AppendEnd(AppendHeaderInt(AppendCommand(nil, Message), Priority, -4)), "x"...))
	for name, tc := range map[string]struct{ got, want string }{
		"MESSAGE":  {string(message), "MESSAGE\nmessage-id:ID\\ca\\c1\nexpires:0\ncontent-length:2\n\na\x00\x00\n"},
		"by steps": {string(bySteps), "MESSAGE\npriority:-4\n\nx\x00\n"},
		"RECEIPT":  {string(AppendReceipt(nil, V11, "a:1")), "RECEIPT\nreceipt-id:a\\c1\n\n\x00\n"},
		"ERROR": {string(AppendError(nil, V12, "no: such", "r:1", "text\nwith \x00 in it")),
			"ERROR\ncontent-type:text/plain\nreceipt-id:r\\c1\nmessage:no\\c such\n\ntext\nwith   in it\x00\n"},
		"ERROR before CONNECT": {string(AppendError(nil, V10, "a: b\nc", "", "")), "ERROR\ncontent-type:text/plain\nmessage:a: b c\n\n\x00\n"},
		"version": {string(AppendVersionError(nil, UnsupportedVersion([]byte("9")).Text, "", "")),
			"ERROR\ncontent-type:text/plain\nversion:1.0,1.1,1.2\nmessage:Invalid Protocol version[9], supported versions are: [1.2, 1.1, 1.0]\n\n\x00\n"},
		"CONNECTED": {string(AppendConnected(nil, Welcome{Version: V12, Session: "ID:x", Server: "ActiveMQ/5.17.2", HeartBeat: HeartBeat{1, 2}})),
			"CONNECTED\nserver:ActiveMQ/5.17.2\nheart-beat:1,2\nsession:ID:x\nversion:1.2\n\n\x00\n"},
		"CONNECTED with answers": {string(AppendConnected(nil, Welcome{Session: "a\nb", Server: "s", Response: "q:1", Receipt: "r"})),
			"CONNECTED\nserver:s\nheart-beat:0,0\nsession:a b\nversion:1.0\nresponse-id:q:1\nreceipt-id:r\n\n\x00\n"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %q, want %q", name, tc.got, tc.want)
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	buf, body, value := make([]byte, 0, 1024), []byte("body"), []byte("a:b")
	got := testing.AllocsPerRun(100, func() {
		buf = AppendCommand(buf[:0], Message)
		buf = AppendKnown(buf, V12, MessageID, "ID:a:1")
		buf = AppendHeader(buf, V12, "k", value)
		buf = AppendHeaderInt(buf, Timestamp, 1700000000000)
		buf = AppendBody(buf, body)
		buf = AppendReceipt(buf, V12, value)
		buf = AppendError(buf, V12, "m", "r", "b")
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func TestNegotiate(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]struct {
		v  Version
		ok bool
	}{
		"1.0": {V10, true}, "1.1": {V11, true}, "1.2": {V12, true},
		"1.0,1.1,1.2": {V12, true}, "1.2,1.1,1.0": {V12, true}, "1.0, 1.1": {V11, true},
		"1.3,1.1,x": {V11, true}, ",,1.0,": {V10, true}, " 1.2 ": {V12, true},
		"": {V10, false}, "9": {V10, false}, "1.3": {V10, false}, "1.2.1": {V10, false}, "v1.2": {V10, false},
	} {
		if v, ok := Negotiate([]byte(accept)); v != want.v || ok != want.ok {
			t.Errorf("%q: got %v, %v", accept, v, ok)
		}
	}
}

func TestHeartBeat(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for header, want := range map[string]struct {
		ok          bool
		answer      HeartBeat
		read, write time.Duration
	}{
		"0,0":                   {true, HeartBeat{}, 0, 0},
		"4000,5000":             {true, HeartBeat{5000, 4000}, 4000 * ms, 5000 * ms},
		"4000,0":                {true, HeartBeat{0, 4000}, 4000 * ms, 0},
		"0,5000":                {true, HeartBeat{5000, 0}, 0, 5000 * ms},
		"1,99":                  {true, HeartBeat{100, 100}, 100 * ms, 100 * ms},
		" 4000 , 5000 ":         {true, HeartBeat{5000, 4000}, 4000 * ms, 5000 * ms},
		"2147483648,2147483648": {true, HeartBeat{1 << 31, 1 << 31}, (1 << 31) * ms, (1 << 31) * ms},
		"2147483649,0":          {}, "-1,0": {}, "1": {}, "1,": {}, ",1": {}, "1,2,3": {}, "a,b": {}, "": {}, "1.5,2": {},
	} {
		client, err := ParseHeartBeat([]byte(header))
		if (err == nil) != want.ok {
			t.Errorf("%q: %v", header, err)
			continue
		}
		if err != nil {
			if err.Error() != "Invalid heart-beat header:"+header {
				t.Errorf("%q: %v", header, err)
			}
			continue
		}
		answer := client.Answer(100)
		read, write := answer.Intervals(client)
		if answer != want.answer || read != want.read || write != want.write {
			t.Errorf("%q: got %v, %v, %v", header, answer, read, write)
		}
	}
}
