package selector

import (
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/message"
)

// typical is a message with few properties, found by walking, as messages keep them.
type typical []message.Field

func (t *typical) Property(name string) (message.Value, bool) {
	for _, f := range *t {
		if f.Name == name {
			return f.Value, true
		}
	}
	return message.Value{}, false
}

func BenchmarkMatches(b *testing.B) {
	msg := &typical{
		{Name: "color", Value: message.OfString("red")},
		{Name: "price", Value: message.OfInt(20)},
		{Name: "region", Value: message.OfString("eu-central")},
		{Name: "number", Value: message.OfString("42")},
		{Name: "long", Value: message.OfString(strings.Repeat("a", 10_000))},
	}
	for _, c := range []struct{ name, text string }{
		{"equal", "color = 'red'"},
		{"typical", "color = 'red' AND price > 10"},
		{"mismatch", "color = 'blue' AND price > 10"},
		{"like", "region LIKE 'eu-%l'"},
		{"in", "region IN ('eu-west', 'eu-central', 'us-east', 'us-west')"},
		{"arithmetic", "price * 2 + 1 BETWEEN 30 AND 50"},
		{"converting", "convert_string_expressions:number > 40"},
		{"regex", "REGEX('^eu-', region)"},
		{"hostile like", "NOT (long LIKE '%a%a%a%a%a%a%a_b%')"},
	} {
		b.Run(strings.ReplaceAll(c.name, " ", "-"), func(b *testing.B) {
			s := must(b, c.text, Options{})
			matched := 0
			b.ReportAllocs()
			for b.Loop() {
				if s.Matches(msg) {
					matched++
				}
			}
			if (matched == 0) != (c.name == "mismatch") {
				b.Fatal("wrong answer")
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		must(b, "color = 'red' AND price > 10 AND region LIKE 'eu-%'", Options{})
	}
}
