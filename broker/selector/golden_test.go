package selector

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/message"
)

// properties is a Source.
type properties map[string]message.Value

func (p properties) Property(name string) (message.Value, bool) {
	v, ok := p[name]
	return v, ok
}

// golden is the file of answers that ActiveMQ gave.
type golden struct {
	message properties
	rows    []row
}

type row struct {
	line     int
	want     string
	selector string
}

func readGolden(tb testing.TB) golden {
	tb.Helper()
	f, err := os.Open("testdata/activemq.txt")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	g := golden{message: properties{
		"JMSPriority":       message.OfInt(4),
		"JMSDeliveryMode":   message.OfString("PERSISTENT"),
		"JMSRedelivered":    message.OfBool(false),
		"JMSXDeliveryCount": message.OfInt(1),
		"JMSExpiration":     message.OfLong(0),
		"JMSXGroupSeq":      message.OfInt(0),
	}}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		first, rest, ok := strings.Cut(lines.Text(), "\t")
		switch {
		case strings.HasPrefix(first, "#"):
		case !ok:
			tb.Fatalf("line %d has no tab", n)
		case first == "property":
			name, v := parseProperty(tb, rest)
			g.message[name] = v
		default:
			g.rows = append(g.rows, row{n, first, unescape(rest)})
		}
	}
	if lines.Err() != nil || len(g.rows) == 0 {
		tb.Fatalf("%d rows: %v", len(g.rows), lines.Err())
	}
	return g
}

// parseProperty reads name:type=value.
func parseProperty(tb testing.TB, s string) (string, message.Value) {
	tb.Helper()
	typed, text, _ := strings.Cut(s, "=")
	name, kind, _ := strings.Cut(typed, ":")
	i, _ := strconv.ParseInt(text, 10, 64)
	f, _ := strconv.ParseFloat(text, 64)
	switch kind {
	case "bool":
		return name, message.OfBool(text == "true")
	case "int":
		return name, message.OfInt(int32(i))
	case "long":
		return name, message.OfLong(i)
	case "float":
		return name, message.OfFloat(float32(f))
	case "double":
		return name, message.OfDouble(f)
	case "string":
		return name, message.OfString(unescape(text))
	}
	tb.Fatalf("property %q has no known type", s)
	return "", message.Value{}
}

func unescape(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\r`, "\r", `\f`, "\f").Replace(s)
}

var truths = map[truth]string{yes: "TRUE", no: "FALSE", unknown: "NULL"}

func TestAsActiveMQ(t *testing.T) {
	t.Parallel()
	g := readGolden(t)
	for _, r := range g.rows {
		if got := answer(r.selector, g.message); got != r.want && r.want != "ERROR" {
			t.Errorf("line %d: %q is %s, want %s", r.line, r.selector, got, r.want)
		} else if r.want == "ERROR" && got == "INVALID" {
			t.Errorf("line %d: %q does not parse", r.line, r.selector)
		}
	}
}

// answer evaluates a selector, and its canonical spelling, which must agree.
func answer(text string, src Source) string {
	s, err := Parse(text, Options{})
	if err != nil {
		return "INVALID"
	}
	got := truths[s.test(src, s.root)]
	if s.Matches(src) != (got == "TRUE") {
		return "something else than Matches says"
	}
	again, err := Parse(s.String(), Options{})
	if err != nil {
		return fmt.Sprintf("%v, canonically %q, which does not parse: %v", got, s, err)
	}
	if other := truths[again.test(src, again.root)]; other != got || again.String() != s.String() {
		return fmt.Sprintf("%v, canonically %q, which is %v and %q", got, s, other, again)
	}
	return got
}
