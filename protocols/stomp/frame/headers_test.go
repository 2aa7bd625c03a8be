package frame

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func parseOne(t *testing.T, v Version, strict bool, text string) (*Frame, error) {
	t.Helper()
	return NewReader(strings.NewReader(text), Options{Version: v, Strict: strict}).Next()
}

func TestUnescape(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		raw       string
		want      [3]string // by version
		undefined [3]bool
	}{
		{`plain`, [3]string{"plain", "plain", "plain"}, [3]bool{}},
		{`a\nb`, [3]string{`a\nb`, "a\nb", "a\nb"}, [3]bool{}},
		{`a\cb`, [3]string{`a\cb`, "a:b", "a:b"}, [3]bool{}},
		{`a\\b`, [3]string{`a\\b`, `a\b`, `a\b`}, [3]bool{}},
		{`a\rb`, [3]string{`a\rb`, `a\rb`, "a\rb"}, [3]bool{false, true, false}},
		{`a\tb`, [3]string{`a\tb`, `a\tb`, `a\tb`}, [3]bool{false, true, true}},
		{`a\`, [3]string{`a\`, `a\`, `a\`}, [3]bool{false, true, true}},
		{`a\\\`, [3]string{`a\\\`, `a\\`, `a\\`}, [3]bool{false, true, true}},
		{`\\n`, [3]string{`\\n`, `\n`, `\n`}, [3]bool{}},
		{`\t\n`, [3]string{`\t\n`, "\\t\n", "\\t\n"}, [3]bool{false, true, true}},
		{`\c\c\n`, [3]string{`\c\c\n`, "::\n", "::\n"}, [3]bool{}},
	} {
		for v := range V12 + 1 {
			for _, part := range []string{"name", "value"} {
				line, wantName, wantValue := tc.raw+":x", tc.want[v], "x"
				if part == "value" {
					line, wantName, wantValue = "x:"+tc.raw, "x", tc.want[v]
				}
				f, err := parseOne(t, v, false, "SEND\n"+line+"\n\n\x00")
				if err != nil {
					t.Fatal(err)
				}
				it := f.Headers.Iter()
				if !it.Next() || string(it.Name()) != wantName || string(it.Value()) != wantValue {
					t.Errorf("%v, %s of %q: got %q, %q", v, part, line, it.Name(), it.Value())
				}
				if value, ok := f.Headers.Find(wantName); !ok || string(value) != wantValue {
					t.Errorf("%v, %q was not found: %q", v, wantName, value)
				}
				var e *Error
				if _, err = parseOne(t, v, true, "SEND\n"+line+"\n\n\x00"); errors.As(err, &e) != tc.undefined[v] {
					t.Errorf("%v, strict, %q: %v", v, line, err)
				}
				// CONNECT is never escaped: a passcode may hold any octet but LF.
				if f, err = parseOne(t, v, true, "CONNECT\n"+line+"\n\n\x00"); err != nil {
					t.Fatal(err)
				}
				want := strings.Split(line, ":")
				it = f.Headers.Iter()
				if !it.Next() || string(it.Name()) != want[0] || string(it.Value()) != want[1] {
					t.Errorf("%v, CONNECT, %q: got %q, %q", v, line, it.Name(), it.Value())
				}
			}
		}
	}
}

func TestWellKnownValueIsUnescaped(t *testing.T) {
	t.Parallel()
	f, err := parseOne(t, V12, false, "ACK\nid:ID\\chost-1\\c2\nmessage-id:ID:host-1:2\n\n\x00")
	if err != nil {
		t.Fatal(err)
	}
	h := &f.Headers
	if h.String(ID) != "ID:host-1:2" || string(h.RawValue(ID)) != `ID\chost-1\c2` || h.String(MessageID) != "ID:host-1:2" {
		t.Errorf("got %q, %q, %q", h.Get(ID), h.RawValue(ID), h.Get(MessageID))
	}
	if h.Has(Subscription) || h.Get(Subscription) != nil || h.RawValue(Subscription) != nil || h.String(Subscription) != "" {
		t.Error("a header that is not there was found")
	}
}

func TestLineEndsByVersion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		want       [3]string // what the value of k is, by version
	}{
		{"LF", "SEND\nk:v\n\n\x00", [3]string{"v", "v", "v"}},
		{"CR LF", "SEND\r\nk:v\r\n\r\n\x00", [3]string{"v", "v\r", "v"}},
		{"two CR", "SEND\nk:v\r\r\n\n\x00", [3]string{"v", "v\r\r", "v\r"}}, // 1.0 trims
		{"CR within", "SEND\nk:v\rw\n\n\x00", [3]string{"v\rw", "v\rw", "v\rw"}},
		{"blanks", "SEND\nk: v \n\n\x00", [3]string{"v", " v ", " v "}},
		{"tab", "SEND\nk:\tv\t\n\n\x00", [3]string{"v", "\tv\t", "\tv\t"}},
		{"empty", "SEND\nk:\n\n\x00", [3]string{"", "", ""}},
		{"colons", "SEND\nk:a:b:c\n\n\x00", [3]string{"a:b:c", "a:b:c", "a:b:c"}},
		{"repeated", "SEND\nk:v\nk:w\n\n\x00", [3]string{"v", "v", "v"}},
		{"CONNECT, CR LF", "CONNECT\r\nk:v\r\n\r\n\x00", [3]string{"v", "v", "v"}},
		{"CONNECT, blanks", "CONNECT\nk: v \n\n\x00", [3]string{"v", " v ", " v "}},
		{"CONNECT of a newer version", "CONNECT\nk: v \naccept-version:1.2\n\n\x00", [3]string{" v ", " v ", " v "}},
		{"not UTF-8", "SEND\nk:\xff\xfe\n\n\x00", [3]string{"\xff\xfe", "\xff\xfe", "\xff\xfe"}},
	} {
		for v := range V12 + 1 {
			f, err := parseOne(t, v, false, tc.text)
			if err != nil {
				t.Errorf("%s, %v: %v", tc.name, v, err)
				continue
			}
			if got, _ := f.Headers.Find("k"); string(got) != tc.want[v] {
				t.Errorf("%s, %v: got %q, want %q", tc.name, v, got, tc.want[v])
			}
		}
	}
}

func TestEveryWellKnownHeader(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("CONNECTED\n")
	for h := unknownHeader + 1; h < headers; h++ {
		if h == ContentLength {
			continue
		}
		if got, ok := LookupHeader([]byte(h.String())); !ok || got != h {
			t.Errorf("%q: got %d, want %d", h.String(), got, h)
		}
		fmt.Fprintf(&text, "%s:%d\n%s:repeated\n", h, h, h)
	}
	text.WriteString("\n\x00")
	f, err := parseOne(t, V12, false, text.String())
	if err != nil {
		t.Fatal(err)
	}
	for h := unknownHeader + 1; h < headers; h++ {
		if h == ContentLength {
			continue
		}
		if n, ok := f.Headers.Int(h); !ok || n != int64(h) || !f.Headers.Is(h, fmt.Sprint(int(h))) {
			t.Errorf("%v: got %d", h, n)
		}
	}
	if f.Headers.Len() != 2*(int(headers)-2) {
		t.Errorf("got %d headers", f.Headers.Len())
	}
	if _, ok := LookupHeader([]byte("Destination")); ok {
		t.Error("names are case-sensitive")
	}
}

func TestInt(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]struct {
		n  int64
		ok bool
	}{
		"4": {4, true}, " 4 ": {4, true}, "-1": {-1, true}, "9223372036854775807": {1<<63 - 1, true},
		"": {0, false}, "x": {0, false}, "4.0": {0, false}, "9223372036854775808": {0, false}, "1_0": {0, false},
		strings.Repeat("0", 100) + "1": {0, false},
	} {
		f, err := parseOne(t, V12, false, "SEND\npriority:"+value+"\n\n\x00")
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := f.Headers.Int(Priority); ok != want.ok || ok && n != want.n {
			t.Errorf("%q: got %d, %v", value, n, ok)
		}
	}
}

func TestUnique(t *testing.T) {
	t.Parallel()
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf("name%d:v", i)
	}
	for _, tc := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"none", nil, nil},
		{"all differ", []string{"a:1", "b:2", "destination:3"}, []string{"a=1", "b=2", "destination=3"}},
		{"repeated", []string{"a:1", "b:2", "a:3", "b:4", "c:5"}, []string{"a=1", "b=2", "c=5"}},
		{"well-known", []string{"type:1", "a:2", "type:3"}, []string{"type=1", "a=2"}},
		{"only when unescaped", []string{`a\cb:1`, `a\cb:2`, "a:3"}, []string{"a:b=1", "a=3"}},
		{"many", append(slices.Clone(many), many...), nil},
	} {
		f, err := parseOne(t, V12, false, "SEND\n"+strings.Join(append(tc.lines, ""), "\n")+"\n\x00")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		var u Unique
		for it := f.Headers.Iter(); it.Next(); {
			if u.First(&it) {
				got = append(got, string(it.Name())+"="+string(it.Value()))
			}
		}
		if tc.name == "many" {
			if len(got) != len(many) {
				t.Errorf("%s: got %d", tc.name, len(got))
			}
		} else if !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestParseRefusesWhatIsNoHeader(t *testing.T) {
	t.Parallel()
	var h Headers
	for _, raw := range []string{"a", ":b\n", "a:b\n\nc:d\n", "a:b\nc"} {
		var e *Error
		if err := h.Parse([]byte(raw), V12); !errors.As(err, &e) {
			t.Errorf("%q: %v", raw, err)
		}
	}
	if err := h.Parse(nil, V12); err != nil || h.Len() != 0 {
		t.Errorf("nothing: %v", err)
	}
}

// What came in one version leaves in another with the same meaning.
func TestForwardBetweenVersions(t *testing.T) {
	t.Parallel()
	const name, value = "na:me\\x", "va\\l:ue\nline\rend"
	for from := V11; from <= V12; from++ {
		in := AppendHeader([]byte("SEND\n"), from, name, value)
		f, err := parseOne(t, from, true, string(AppendBody(in, "")))
		if err != nil {
			t.Fatal(err)
		}
		for to := V11; to <= V12; to++ {
			it := f.Headers.Iter()
			it.Next()
			out := it.AppendTo([]byte("MESSAGE\n"), to)
			g, err := parseOne(t, to, true, string(AppendBody(out, "")))
			if err != nil {
				t.Fatalf("%v to %v: %v", from, to, err)
			}
			if got, ok := g.Headers.Find(name); !ok || string(got) != value {
				t.Errorf("%v to %v: got %q", from, to, got)
			}
		}
		it := f.Headers.Iter()
		it.Next()
		if got := string(it.AppendTo(nil, V10)); got != "na:me\\x:va\\l:ue line\rend\n" {
			t.Errorf("%v to 1.0: %q", from, got)
		}
	}
	f, err := parseOne(t, V10, false, "SEND\na: x\\ny:z \n\n\x00")
	if err != nil {
		t.Fatal(err)
	}
	it := f.Headers.Iter()
	it.Next()
	if got := string(it.AppendTo(nil, V12)); got != "a:x\\\\ny\\cz\n" {
		t.Errorf("1.0 to 1.2: %q", got)
	}
}
