package selector

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/manifoldmq/manifold/broker/message"
)

// must parses a selector that is known to be one.
func must(tb testing.TB, text string, o Options) *Selector {
	tb.Helper()
	s, err := Parse(text, o)
	if err != nil {
		tb.Fatalf("%q: %v", text, err)
	}
	return s
}

func TestNilMatchesAll(t *testing.T) {
	t.Parallel()
	for _, blank := range []string{"", " ", "\t\r\n", "convert_string_expressions:", "no_convert_string_expressions: "} {
		if s := must(t, blank, Options{}); s != nil || !s.Matches(properties{}) || s.Identifiers() != nil || s.String()+s.Text() != "" {
			t.Errorf("%q gives %v", blank, s)
		}
	}
}

// What ActiveMQ answers with an exception, or by the side on which a narrow number is, has an
// answer here.
func TestWhereActiveMQFails(t *testing.T) {
	t.Parallel()
	msg := properties{
		"y": message.OfByte(5), "h": message.OfShort(5), "i": message.OfInt(5), "l": message.OfLong(5),
		"f": message.OfFloat(5), "d": message.OfDouble(5), "s": message.OfString("5"), "b": message.OfBool(true),
		"time": message.OfTime(1700000000000), "char": message.OfChar('é'), "bytes": message.OfBytes("5"),
		"list": message.OfList([]message.Value{message.OfInt(5)}), "nothing": {},
		"uuid": message.OfUUID([16]byte{0: 0x12, 15: 0x34}),
	}
	for text, want := range map[string]truth{
		"5 = h": yes, "h = 5": yes, "5 = y": yes, "y = h": yes, "h = y": yes, "l = y": yes, "d = h": yes, "d = f": yes,
		"y = f": yes, "4 < h": yes, "h BETWEEN y AND i": yes, "-y = -5": yes, "-h = -5": yes, "y + h = 10": yes,
		"INLIST(MAKELIST(5), h)": yes,
		"s - 1 = 4":              unknown, "s - 1 IS NULL": yes, "1 + s = 6": unknown, "b + 1 > 0": unknown,
		"(s - 1 = 4) OR TRUE":         yes,
		"INLIST('a', 'a')":            no,
		"REPLACE(s, '5', '$1') = 'x'": unknown,
		"REPLACE(s, '5', '$') = 'x'":  unknown,
		"REPLACE(s, s, s) = '5'":      yes,
		"MAKELIST('a') > 1":           no,
		"XPATH '//a'":                 no,
		"NOT XPATH '//a'":             yes,
		"time = 1700000000000":        yes, "time > 1": yes,
		"char = 'é'": yes, "char LIKE '_'": yes,
		"uuid = '12000000-0000-0000-0000-000000000034'": yes,
		"bytes = '5'": no, "bytes = bytes": no, "bytes IS NULL": no, "bytes > 1": no,
		"list = 5": no, "list IS NOT NULL": yes, "nothing IS NULL": yes, "nothing = 5": unknown,
		"convert_string_expressions:TRUE = s": no, "convert_string_expressions:b = 'TRUE'": yes,
		"convert_string_expressions:'5.0' = f": yes, "convert_string_expressions:h = '5'": yes,
		"convert_string_expressions:bytes = '5'": no,
	} {
		s := must(t, text, Options{})
		if got := s.test(msg, s.root); got != want {
			t.Errorf("%s is %s, want %s", text, truths[got], truths[want])
		}
	}
}

func TestConvertStrings(t *testing.T) {
	t.Parallel()
	msg := properties{"n": message.OfString("7")}
	for _, c := range []struct {
		text    string
		convert bool
		want    bool
	}{
		{"n > 5", false, false},
		{"n > 5", true, true},
		{"convert_string_expressions:n > 5", false, true},
		{"convert_string_expressions:n > 5", true, true},
		{"no_convert_string_expressions:n > 5", true, false},
		{"no_convert_string_expressions:n = '7'", true, true},
	} {
		s := must(t, c.text, Options{ConvertStrings: c.convert})
		if got := s.Matches(msg); got != c.want {
			t.Errorf("%s with %t: %t", c.text, c.convert, got)
		}
		if s.Text() != c.text {
			t.Errorf("Text of %q is %q", c.text, s.Text())
		}
	}
}

func TestSyntaxError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text   string
		offset int
		says   string
	}{
		{"a = ", 4, "ends too early"},
		{"a = 1 b", 6, "unexpected b"},
		{"a = 'x", 4, "open string"},
		{"a # 1", 2, "unknown character"},
		{"a = NULL", 0, "IS NULL"},
		{"b AND s > 'a'", 10, "order"},
		{"TRUE > 1", 0, "order"},
		{"b AND 1 + 1", 6, "condition"},
		{"b AND 'a' IN ('a')", 6, "IN needs a property"},
		{"s LIKE 'a' ESCAPE 'ab'", 18, "one character"},
		{"lower(s) = 'a'", 0, "no function lower"},
		{"REGEX('a')", 0, "number of arguments"},
		{"REGEX('(', s)", 0, "missing closing"},
		{"REGEX('(?=a)', s)", 0, "invalid or unsupported"},
		{"SPLIT(s, '(') IS NULL", 0, "missing closing"},
		{"REGEX('" + strings.Repeat("a", maxRegex+1) + "', s)", 0, "too long"},
		{"a = 0xFFFFFFFFFFFFFFFFF", 4, "out of range"},
		{"convert_string_expressions:a = ", 31, "ends too early"},
		{"a " + strings.Repeat("x", 100), 2, "…"},
	} {
		s, err := Parse(c.text, Options{})
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || s != nil {
			t.Errorf("%q: %v, %v", c.text, s, err)
			continue
		}
		if syntax.Offset != c.offset || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}

// A hostile text costs no more than its length.
func TestLimits(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("(", n) + "b" + strings.Repeat(")", n) }
	msg := properties{"b": message.OfBool(true), "i": message.OfInt(1)}
	for _, c := range []struct {
		name string
		text string
		o    Options
		ok   bool
	}{
		{"nested", nested(400), Options{}, true},
		{"nested too deep", nested(10_000), Options{}, false},
		{"nested as deep as asked for", nested(10_000), Options{MaxDepth: 10_001}, true},
		{"parentheses that stay open", strings.Repeat("(", 10_000), Options{}, false},
		{"NOT", strings.Repeat("NOT ", 400) + "b", Options{}, true},
		{"too many NOT", strings.Repeat("NOT ", 10_000) + "b", Options{}, false},
		{"too many minus", "i = " + strings.Repeat("- ", 10_000) + "1", Options{}, false},
		{"too many plus", "i = " + strings.Repeat("+", 10_000) + "1", Options{}, false},
		{"nested calls", strings.Repeat("MAKELIST(", 10_000), Options{}, false},
		{"long OR", "b" + strings.Repeat(" OR b", 5000), Options{}, true},
		{"too long OR", "b" + strings.Repeat(" OR b", 10_000), Options{}, false},
		{"long sum", "i <= 1" + strings.Repeat("+1", 5000), Options{}, true},
		{"long IN", "b OR s IN ('a'" + strings.Repeat(",'b'", 10_000) + ")", Options{}, true},
		{"too long", "b OR s = '" + strings.Repeat("x", 65<<10) + "'", Options{}, false},
		{"as long as asked for", "b OR s = '" + strings.Repeat("x", 65<<10) + "'", Options{MaxLength: 1 << 20}, true},
		{"many calls", "b" + strings.Repeat(" OR REGEX('a', s)", 256), Options{}, true},
		{"too many calls", "b" + strings.Repeat(" OR REGEX('a', s)", 257), Options{}, false},
		{"terms", "b AND b", Options{MaxNodes: 4}, false},
		{"bytes", "b AND b", Options{MaxLength: 6}, false},
		{"levels", "NOT (NOT b)", Options{MaxDepth: 3}, false},
	} {
		s, err := Parse(c.text, c.o)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err == nil && !s.Matches(msg) {
			t.Errorf("%s: does not match", c.name)
		}
	}
}

// Making strings is bounded, however often a selector adds or replaces.
func TestMadeStringsAreBounded(t *testing.T) {
	t.Parallel()
	msg := properties{
		"half": message.OfString(strings.Repeat("a", maxText/2)),
		"csv":  message.OfString(strings.Repeat(",", maxList+1)),
	}
	for text, want := range map[string]bool{
		"half + half IS NOT NULL":   true,
		"half + half + 'a' IS NULL": true,
		"REPLACE(half, 'a', '$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0') IS NULL":  true,
		"REPLACE(half, 'a+', '$0$0') IS NOT NULL":                           true,
		"REPLACE(half, 'a+', '$0$0b') IS NULL":                              true,
		"REPLACE(half, 'a+', '$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0') IS NULL": true,
		"SPLIT(csv, ',') IS NULL":                                           true,
		"INLIST(SPLIT(csv, ',', 2), '')":                                    true,
	} {
		if got := must(t, text, Options{}).Matches(msg); got != want {
			t.Errorf("%s is %t", text, got)
		}
	}
}

func TestIdentifiers(t *testing.T) {
	t.Parallel()
	s := must(t, "b = 1 AND a LIKE 'x' OR INLIST(SPLIT(c, d), b) AND e IN ('y') OR JMSPriority BETWEEN a AND 9", Options{})
	want := []string{"JMSPriority", "a", "b", "c", "d", "e"}
	if got := s.Identifiers(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"color='red'and price>10":       "color = 'red' AND price > 10",
		"((a)=(1))or(b and c)":          "a = 1 OR b AND c",
		"(a or b) and c":                "(a OR b) AND c",
		"a-(b-c)-d>0":                   "a - (b - c) - d > 0",
		"-(-(a+b))<.5":                  "- - (a + b) < 5E-01",
		"not(a=1)and not b":             "NOT (a = 1) AND NOT b",
		"x not between 0x10 and 1e999":  "x NOT BETWEEN 16 AND 1E999",
		"s not in('b','a','b')":         "s NOT IN ('a', 'b')",
		"s like 'it''s!%' escape '!'":   "s LIKE 'it''s!%' ESCAPE '!'",
		"(a = b) is not null":           "a = b IS NOT NULL",
		"a = (b is null)":               "a = (b IS NULL)",
		"inlist is null":                "inlist IS NULL",
		"INLIST(MAKELIST(1,'a'),(b+c))": "INLIST(MAKELIST(1, 'a'), (b + c))",
		"xquery '//a' or true = false":  "XQUERY '//a' OR TRUE = FALSE",
		"convert_string_expressions:a":  "convert_string_expressions:a",
	} {
		if got := must(t, text, Options{}).String(); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

// A selector is used by many consumers' goroutines at once, also one that keeps a compiled
// pattern between messages.
func TestConcurrently(t *testing.T) {
	t.Parallel()
	s := must(t, "REGEX(p, s) AND s LIKE 'h%' AND INLIST(SPLIT(s, p), '')", Options{})
	var all sync.WaitGroup
	for _, pattern := range []string{"^hello", "h.*o", "hel+o", "("} {
		all.Go(func() {
			msg := properties{"p": message.OfString(pattern), "s": message.OfString("hellox")}
			for range 500 {
				if s.Matches(msg) != (pattern != "(") {
					t.Errorf("wrong for %s", pattern)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestMatchesAllocatesNothing(t *testing.T) {
	msg := properties{
		"color": message.OfString("red"), "price": message.OfInt(20), "weight": message.OfDouble(2.5),
		"name": message.OfString("a long name"), "n": message.OfString("7"),
	}
	for _, text := range []string{
		"color = 'red' AND price > 10",
		"price * 2 + 1 >= 41 AND weight / 2 < 2 AND -price < 0 AND price % 3 = 2",
		"name LIKE 'a%lo_g%e' AND color IN ('blue', 'red') AND missing IS NULL",
		"price BETWEEN 1 AND 30 AND NOT (color = 'blue')",
		"REGEX('l.ng', name) AND INLIST(MAKELIST('red', 'blue'), color)",
		"convert_string_expressions:n = 7 AND n < 7.5",
	} {
		s := must(t, text, Options{})
		if !s.Matches(msg) {
			t.Errorf("%s does not match", text)
		}
		if n := testing.AllocsPerRun(100, func() { s.Matches(msg) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

func TestOrderText(t *testing.T) {
	t.Parallel()
	sorted := []string{"", "a", "aa", "ab", "b", "é", "\ud7ff", "😀", "\U0010ffff", "\ue000", "\uffee"}
	for i, a := range sorted {
		for j, b := range sorted {
			if got := orderText(a, b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%q and %q: %d", a, b, got)
			}
		}
	}
}

func TestOrderFloat(t *testing.T) {
	t.Parallel()
	sorted := []float64{math.Inf(-1), -1, math.Copysign(0, -1), 0, 1, math.Inf(1), math.NaN()}
	for i, a := range sorted {
		for j, b := range sorted {
			if got := orderFloat(a, b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%v and %v: %d", a, b, got)
			}
		}
	}
}
