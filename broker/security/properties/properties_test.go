package properties

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		about, text, want string // want: key|value|line, separated by spaces, or the error
	}{
		{"ActiveMQ's own", "admin=admin\nuser=password\n", "[{admin admin 1} {user password 2}]"},
		{"CRLF", "a=1\r\n# c\r\nb=2\r\n", "[{a 1 1} {b 2 3}]"},
		{"CR", "a=1\rb=2\r", "[{a 1 1} {b 2 2}]"},
		{"no end", "a=1", "[{a 1 1}]"},
		{"empty", "", "[]"},
		{"byte order mark", "\ufeffa=1", "[{a 1 1}]"},
		{"comments", "#a=1\n  ! b=2 \\\nc=3\n #", "[{c 3 3}]"},
		{"blank lines", "\n \t\n\f\na=1\n\n", "[{a 1 4}]"},
		{"separators", "a = 1\nb:2\nc 3\nd\t:\t4\ne=:5\nf", "[{a 1 1} {b 2 2} {c 3 3} {d 4 4} {e :5 5} {f  6}]"},
		{"value with separators", "system=CN=system, O=Acme", "[{system CN=system, O=Acme 1}]"},
		{"blanks at the end stay", "a=1 \t\nb=2", "[{a 1 \t 1} {b 2 2}]"},
		{"continued", "g=a,\\\n   b,\\\r\n\tc\nh=1", "[{g a,b,c 1} {h 1 4}]"},
		{"continued key", "ab\\\n cd=1", "[{abcd 1 1}]"},
		{"continued before the value", "a = \\\n  1", "[{a 1 1}]"},
		{"continued at the end", "a=1\\\n", "[{a 1 1}]"},
		{"continued comment", "# c\\\na=1", "[{a 1 2}]"},
		{"escapes", `a\=\:\ b=\ \t\n\r\f\\\q\u0041\u00e9`, "[{a=: b  \t\n\r\f\\qAé 1}]"},
		{"pair", `a=\ud83d\ude00`, "[{a 😀 1}]"},
		{"UTF-8", "müller=größe", "[{müller größe 1}]"},
		{"ISO 8859-1", "m\xfcller=gr\xf6\xdfe", "[{müller größe 1}]"},

		{"twice", "a=1\nb=2\na=1", `3: "a" is also the key of line 1`},
		{"no key", "a=1\n=2", "2: a value without a key"},
		{"cut escape", `a=\`, `1: the file ends with \`},
		{"cut unicode", `a=\u00`, `1: \u without four hexadecimal digits`},
		{"wrong unicode", "a=\\u00\x10g", `1: \u without four hexadecimal digits`},
		{"half a pair", `a=\ud83dx`, `1: half of a character in \uXXXX form`},
		{"two first halves", `a=\ud83d\ud83d`, `1: half of a character in \uXXXX form`},
		{"second half", `a=\ude00`, `1: half of a character in \uXXXX form`},
		{"zeros", "a=1\n\x00\x00", "2: the control character 0x00"},
		{"zeros in a value", "a=1\x00", "1: the control character 0x00"},
	} {
		list, err := Parse([]byte(c.text))
		got := fmt.Sprint(list)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.about, got, c.want)
		}
	}
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "users.properties")
	for _, c := range []struct{ text, want string }{
		{"a=1\n", "<nil>"},
		{"a=1\na=2", path + `:2: "a" is also the key of line 1`},
		{strings.Repeat("#", MaxSize+1), path + ":1: the file is larger than 16777216 bytes"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFile(path); fmt.Sprint(err) != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	for _, none := range []string{path + "x", t.TempDir()} {
		if _, err := ReadFile(none); err == nil || !strings.Contains(err.Error(), none) {
			t.Errorf("%s: %v", none, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"admin=admin\r\n#c\n", `a\ b:\u0041\`, "a=\\\n  b", "\xfc=1", "=", "\\\n=", "a\\", "\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := Parse(data)
		if err != nil {
			return
		}
		var out strings.Builder
		for i := range list {
			if list[i].Key == "" || list[i].Line < 1 {
				t.Fatalf("%+v", list[i])
			}
			out.WriteString(Escape(list[i].Key) + "=" + Escape(list[i].Value) + "\n")
			list[i].Line = i + 1
		}
		again, err := Parse([]byte(out.String()))
		if err != nil || !reflect.DeepEqual(again, list) {
			t.Errorf("%+v became %+v, %v", list, again, err)
		}
	})
}
