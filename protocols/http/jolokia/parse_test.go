package jolokia

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"d:b=2,a=1":       "d:a=1,b=2",
		"d:*":             "d:*",
		"d:b=2,*,a=1":     "d:a=1,b=2,*",
		`d:a="x,y=z:\"*"`: `d:a="x,y=z:\"*"`,
		"*:a=?":           "*:a=?",
		":a=1":            ":a=1",
		"d:a=":            "d:a=",
		"d":               "",
		"d:":              "",
		"d:a":             "",
		"d:a=1,":          "",
		"d:,a=1":          "",
		"d:a=1,a=2":       "",
		"d:*,*":           "",
		"d:a=b:c":         "",
		"d:a=\"b":         "",
		"d:a=\"b\"c":      "",
	} {
		n, reason := parseName(text)
		switch {
		case want == "" && reason == "":
			t.Errorf("%q was read as %s", text, n.String())
		case want != "" && (reason != "" || n.canonical() != want):
			t.Errorf("%q: %s, %s", text, n.canonical(), reason)
		}
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	const object = "org.apache.activemq:type=Broker,brokerName=b,destinationType=Queue,destinationName=orders.eu"
	o, _ := parseName(object)
	for pattern, want := range map[string]bool{
		object:                  true,
		"org.apache.activemq:*": true,
		"org.*:*":               true,
		"*:type=Broker,*":       true,
		"org.apache.activemq:destinationName=orders.*,destinationType=Queue,brokerName=*,type=Broker":   true,
		"org.apache.activemq:destinationName=orders.??,destinationType=Queue,brokerName=*,type=Broker":  true,
		"org.apache.activemq:destinationName=orders.???,destinationType=Queue,brokerName=*,type=Broker": false,
		"org.apache.activemq:type=Broker,brokerName=b":                                                  false,
		"org.apache.activemq:type=Broker,brokerName=b,*,endpoint=Consumer":                              false,
		"java.lang:*": false,
		"org.apache.activemq:destinationName=*o*r*d*e*r*s*,*": true,
	} {
		p, reason := parseName(pattern)
		if reason != "" {
			t.Fatal(pattern, reason)
		}
		if p.matches(&o) != want {
			t.Errorf("%s: %t", pattern, !want)
		}
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"a/b":      {"a", "b"},
		"a!/b/c":   {"a/b", "c"},
		"a!!/b":    {"a!", "b"},
		"a!xb":     {"axb"},
		"a!":       {"a!"},
		"":         nil,
		"a//b!!!/": {"a", "", "b!/"},
	} {
		got := splitPath(text)
		if strings.Join(got, "|") != strings.Join(want, "|") || len(got) != len(want) {
			t.Errorf("%q: %q", text, got)
		}
		if again := splitPath(joinPath(got)); strings.Join(again, "|") != strings.Join(got, "|") {
			t.Errorf("%q came back as %q", got, again)
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, text := range []string{"d:a=1", "d:a=\"x\",*", "*:*", "d:a=b,c=d?", "d:a=\"\\\"\"", "d:*,a=1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, reason := parseName(text)
		if reason != "" {
			return
		}
		again, reason := parseName(n.canonical())
		if reason != "" || again.canonical() != n.canonical() {
			t.Errorf("%q became %q, and that %q: %s", text, n.canonical(), again.canonical(), reason)
		}
		if !n.matches(&n) && !n.pattern {
			t.Errorf("%q does not match itself", text)
		}
	})
}

func FuzzRequest(f *testing.F) {
	for _, text := range []string{
		"read/d:a=1/b", "search/*:*", "list/a/b", "exec/d:a=1/x/y", "version", "%2F", "read/a!/b",
		`{"type":"read","mbean":"d:a=1","attribute":["a"],"path":"x/y"}`, `{"type":"exec","mbean":"d:a=1","operation":"x()","arguments":[1,"a",{}]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parseGet(text, options{})
		if p, _ := err.(*problem); err != nil && (p == nil || p.status == 0) || err == nil && q.kind == "" {
			t.Errorf("%q: %+v, %v", text, q, err)
		}
		q, err = parsePost(json.RawMessage(text), options{})
		if p, _ := err.(*problem); err != nil && (p == nil || p.status == 0) || err == nil && q.kind == "" {
			t.Errorf("%q: %+v, %v", text, q, err)
		}
		if err == nil {
			if _, err := json.Marshal(q.echo()); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
