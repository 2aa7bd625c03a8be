package transform

import (
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/message"
)

// What ActiveMQ 5.17.2 made of these bodies, as its Java client showed it.
func TestDecodeMapAsRecorded(t *testing.T) {
	t.Parallel()
	dejan := mapOf(entry("name", str("Dejan")))
	x := func(v message.Value) message.Value { return mapOf(entry("x", v)) }
	for _, tc := range []struct {
		t    Transformation
		text string
		want message.Value
	}{
		{MapJSON, `{"map":{"entry":[{"string":["name","Dejan"]},{"string":"x","int":5}]}}`, mapOf(entry("name", str("Dejan")), entry("x", message.OfInt(5)))},
		{MapJSON, `{"map":{"entry":{"string":["name","Dejan"]}}}`, dejan},
		{MapJSON, `{"map":""}`, mapOf()},
		{MapJSON, `{"map":{}}`, mapOf()},
		{MapJSON, `{"map":null}`, mapOf()},
		{MapJSON, `{"map":{"entry":[]}}`, mapOf()},
		{MapJSON, `{"linked-hash-map":{"entry":{"string":["name","Dejan"]}}}`, dejan},
		{MapJSON, ` { "map" : { "entry" : [ {"string":"b","boolean":true},{"string":"by","byte":-5},{"string":"s","short":300},{"string":"l","long":"1099511627776"},{"string":"f","float":1.5},{"string":"d","double":3},{"string":"c","char":"c"},{"string":"n","null":""} ] } }`,
			mapOf(entry("b", message.OfBool(true)), entry("by", message.OfByte(-5)), entry("s", message.OfShort(300)), entry("l", message.OfLong(1<<40)), entry("f", message.OfFloat(1.5)), entry("d", message.OfDouble(3)), entry("c", message.OfChar('c')), entry("n", message.Value{}))},
		{MapJSON, `{"map":{"entry":[{"string":[123,true]},{"string":["e",""]},{"string":["n",null]}]}}`, mapOf(entry("123", str("true")), entry("e", str("")), entry("n", str("")))},
		{MapJSON, `{"map":{"entry":[{"string":"x","int":3000000000}]}}`, x(message.OfInt(-1294967296))},
		{MapJSON, `{"map":{"entry":{"string":"x","short":65535}}}`, x(message.OfShort(-1))},
		{MapJSON, `{"map":{"entry":{"string":"x","byte":255}}}`, x(message.OfByte(-1))},
		{MapJSON, `{"map":{"entry":{"string":"x","long":"-0x10"}}}`, x(message.OfLong(-16))},
		{MapJSON, `{"map":{"entry":{"string":"x","int":"0x1F"}}}`, x(message.OfInt(31))},
		{MapJSON, `{"map":{"entry":{"string":"x","double":1.5e3}}}`, x(message.OfDouble(1500))},
		{MapJSON, `{"map":{"entry":{"string":"x","double":"NaN"}}}`, x(message.OfDouble(math.NaN()))},
		{MapJSON, `{"map":{"entry":[{"string":"x","boolean":"yes"}]}}`, x(message.OfBool(false))},
		{MapJSON, `{"map":{"entry":{"string":"x","boolean":"TRUE"}}}`, x(message.OfBool(true))},
		{MapJSON, `{"map":{"entry":{"string":"x","char":""}}}`, x(message.OfChar(0))},
		{MapJSON, `{"map":{"entry":{"string":"x","char":"ab"}}}`, x(message.OfChar('a'))},
		{MapJSON, `{"map":{"entry":{"string":"x","null":"x"}}}`, x(message.Value{})},
		{MapJSON, `{"map":{"entry":[{"string":"x","list":{"string":["a","b"],"int":1}}]}}`, x(message.OfList([]message.Value{str("a"), str("b"), message.OfInt(1)}))},
		{MapJSON, `{"map":{"entry":[{"string":"x","list":""}]}}`, x(message.OfList([]message.Value{}))},
		{MapJSON, `{"map":{"entry":[{"string":"x","map":{"entry":{"string":["k","v"]}}}]}}`, x(mapOf(entry("k", str("v"))))},
		{MapJSON, `{"map":{"entry":[{"string":["x","b","c"]}]}}`, x(str("b"))},
		{MapJSON, `{"map":{"entry":{"string":"x","string":"d"}}}`, x(str("d"))},
		{MapJSON, `{"map":{"entry":{"string":["x",{"a":1}]}}}`, x(str(""))},
		{MapJSON, `{"map":{"entry":[{"string":["x","b"]},{"string":["x","c"]}]}}`, x(str("c"))},
		{MapJSON, `{"map":{"entry":[{"string":["x","\u20ac\/x\n"]}]}}`, x(str("€/x\n"))},
		{MapJSON, `{"map":{"entry":[{"string":"x","int":5}]}} trailing`, x(message.OfInt(5))},
		{MapJSON, `{'map':{'entry':{'string':['x','b']}}}`, x(str("b"))},
		{MapJSON, `{"map":{"entry":{"string":["x"," sp "]}}}`, x(str(" sp "))},

		{MapXML, `<map><entry><string>name</string><string>Dejan</string></entry><entry><string>x</string><int>5</int></entry></map>`, mapOf(entry("name", str("Dejan")), entry("x", message.OfInt(5)))},
		{MapXML, `<map/>`, mapOf()},
		{MapXML, "<?xml version=\"1.0\"?>\n<map>\n <!-- c -->\n <entry>\n <string>b</string><boolean>true</boolean></entry><entry><string>by</string><byte>-5</byte></entry><entry><string>c</string><char>c</char></entry><entry><string>n</string><null/></entry><entry><string>e</string><string/></entry><entry><string>f</string><float>1.5</float></entry><entry><string>d</string><double>3</double></entry><entry><string>l</string><long>5</long></entry><entry><string>s</string><short>5</short></entry></map>",
			mapOf(entry("b", message.OfBool(true)), entry("by", message.OfByte(-5)), entry("c", message.OfChar('c')), entry("n", message.Value{}), entry("e", str("")), entry("f", message.OfFloat(1.5)), entry("d", message.OfDouble(3)), entry("l", message.OfLong(5)), entry("s", message.OfShort(5)))},
		{MapXML, `<map><entry><string>x</string><char/></entry></map>`, x(message.OfChar(0))},
		{MapXML, `<map><entry><string>x</string><char null="true"/></entry></map>`, x(message.OfChar(0))},
		{MapXML, `<map><entry><string>x</string><string><![CDATA[a<b]]>&amp;&#65;&#x42;</string></entry></map>`, x(str("a<b&AB"))},
		{MapXML, "<map><entry><string>x</string><string> a \n b&#13; </string></entry></map>", x(str(" a \n b\r "))},
		{MapXML, `<map><entry><string>x</string><list><string>a</string><int>1</int></list></entry></map>`, x(message.OfList([]message.Value{str("a"), message.OfInt(1)}))},
		{MapXML, `<map><entry><string>x</string><list><string>a</string><list/></list></entry></map>`, x(message.OfList([]message.Value{str("a"), message.OfList([]message.Value{})}))},
		{MapXML, `<map><entry><string>x</string><map><entry><string>k</string><string>v</string></entry></map></entry></map>`, x(mapOf(entry("k", str("v"))))},
		{MapXML, `<linked-hash-map><entry><string>x</string><string>y</string></entry></linked-hash-map>`, x(str("y"))},
		{MapXML, `<map>text<entry>junk<string>x</string>junk<string>y</string></entry></map>`, x(str("y"))},
		{MapXML, `<map><entry><string>x</string><string>d<b/>e</string></entry></map>`, x(str("d"))},
		{MapXML, `<map><entry><string>x</string><string>d</string><string>e</string></entry></map>`, x(str("d"))},
		{MapXML, `<map><entry><string>x</string><string>d</string></entry></map>junk`, x(str("d"))},
	} {
		got, err := DecodeMap(tc.t, []byte(tc.text), DefaultLimits())
		if err != nil || !equal(got, tc.want) {
			t.Errorf("%v %s:\n got %v, %v\nwant %v", tc.t, tc.text, got, err, tc.want)
		}
	}
}

// equal compares values; not-a-number equals itself.
func equal(a, b message.Value) bool {
	if a.Kind() != b.Kind() || len(a.Fields()) != len(b.Fields()) || len(a.List()) != len(b.List()) {
		return false
	}
	for i, f := range a.Fields() {
		if f.Name != b.Fields()[i].Name || !equal(f.Value, b.Fields()[i].Value) {
			return false
		}
	}
	for i, v := range a.List() {
		if !equal(v, b.List()[i]) {
			return false
		}
	}
	if a.Kind() == message.Map || a.Kind() == message.List {
		return true
	}
	return reflect.DeepEqual(a, b)
}

// ActiveMQ keeps all of these as text and says why in a transformation-error header.
func TestDecodeMapFails(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		t    Transformation
		text string
		want string
	}{
		{MapJSON, `{"map":{"entry":[{"int":5,"string":"x"},{"boolean":"true","string":"y"}]}}`, "a key is a string"},
		{MapJSON, `{"map":{"entry":[{"string":"x","int":"abc"}]}}`, `Not a value of type int: "abc"`},
		{MapJSON, `{"map":{"entry":[{"string":"x","int":1.0}]}}`, `Not a value of type int: "1.0"`},
		{MapJSON, `{"map":{"entry":[{"string":"x","byte":300}]}}`, `Not a value of type byte: "300"`},
		{MapJSON, `{"map":{"entry":[{"string":"x","byte":-129}]}}`, `Not a value of type byte: "-129"`},
		{MapJSON, `{"map":{"entry":{"string":"c","int":-2147483649}}}`, `Not a value of type int: "-2147483649"`},
		{MapJSON, `{"map":{"entry":{"string":"c","long":9223372036854775808}}}`, "Not a value of type long"},
		{MapJSON, `{"map":{"entry":{"string":"c","byte-array":"*"}}}`, "Not a value of type byte-array"},
		{MapJSON, `{"map":{"entry":[{"string":"x","foo":"yes"}]}}`, `no value type is called "foo"`},
		{MapJSON, `{"map":{"entry":[{"string":"x"}]}}`, "a key and a value"},
		{MapJSON, `{"map":{"other":1,"entry":{"string":["name","Dejan"]}}}`, "a key and a value"},
		{MapJSON, `{"map":{"entry":{"int":[1,2]}}}`, "a key is a string"},
		{MapJSON, `{"name":"Dejan"}`, `Not a map message: "name"`},
		{MapJSON, `{"string":"x"}`, `Not a map message: "string"`},
		{MapJSON, `{}`, "empty"},
		{MapJSON, `not json`, "must begin with {"},
		{MapJSON, ``, "must begin with {"},
		{MapJSON, `[1]`, "must begin with {"},
		{MapJSON, `{"map":{"entry":{"string":["c","d"]}`, "expected ,"},
		{MapJSON, `{"map":{"entry":[[1]]}}`, "an array within an array"},
		{MapJSON, `{"map":"\u12`, "does not end"},
		{MapJSON, `{"map":"\uzzzz"}`, "four digits"},
		{MapJSON, `{"map":"x`, "does not end"},
		{MapXML, `<map><entry><string>x</string><int> 5 </int></entry></map>`, "Not a value of type int"},
		{MapXML, `<map><entry><string>x</string><double>1,5</double></entry></map>`, "Not a value of type double"},
		{MapXML, `<!DOCTYPE map [<!ENTITY e "boom">]><map><entry><string>x</string><string>&e;</string></entry></map>`, `unknown entity "e"`},
		{MapXML, `<map><entry><string>x</string><foo>y</foo></entry></map>`, `no value type is called "foo"`},
		{MapXML, `<map><entry><string>x</string><date>2020-01-01 00:00:00.0 UTC</date></entry></map>`, `"date"`},
		{MapXML, `<map><entry><string>x</string></entry></map>`, "a key and a value"},
		{MapXML, `<map><entry><string>x</string><string>y</string>`, "expected <"},
		{MapXML, `<map><entry></map></entry>`, "is not closed"},
		{MapXML, `<map><entry><int>1</int><string>y</string></entry></map>`, "a key is a string"},
		{MapXML, `<x:map xmlns:x="u"><entry><string>c</string><string>d</string></entry></x:map>`, `"x:map"`},
		{MapXML, `plain`, "must begin with <"},
		{MapXML, ``, "must begin with <"},
		{MapXML, `<map a="`, `expected "`},
		{MapXML, `<map><![CDATA[`, "expected ]]>"},
		{MapXML, `<map>&amp`, "expected <"},
		{MapXML, `<map>&#x110000;</map>`, "bad character reference"},
		{ObjectJSON, `{"string":"hello"}`, "not transformed"},
		{ObjectXML, `<string>hello</string>`, "not transformed"},
		{JSON, `{"map":""}`, "Unknown transformation: jms-json"},
		{XML, `<map/>`, "Unknown transformation: jms-xml"},
	} {
		v, err := DecodeMap(tc.t, []byte(tc.text), DefaultLimits())
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Text, tc.want) {
			t.Errorf("%v %s: got %v, %v; want an error with %q", tc.t, tc.text, v, err, tc.want)
		}
	}
}

func TestDecodeLimits(t *testing.T) {
	t.Parallel()
	entries := func(n int) string {
		return "<map>" + strings.Repeat("<entry><string>k</string><null/></entry>", n) + "</map>"
	}
	for name, tc := range map[string]struct {
		t      Transformation
		text   string
		limits Limits
		ok     bool
	}{
		"size, at":        {MapXML, "<map/>", Limits{Size: 6}, true},
		"size, over":      {MapXML, "<map/> ", Limits{Size: 6}, false},
		"elements, at":    {MapXML, entries(10), Limits{Elements: 31}, true},
		"elements, over":  {MapXML, entries(10), Limits{Elements: 30}, false},
		"depth, at":       {MapXML, entries(1), Limits{Depth: 3}, true},
		"depth, over":     {MapXML, entries(1), Limits{Depth: 2}, false},
		"XML, very deep":  {MapXML, strings.Repeat("<map>", 1_000_000), DefaultLimits(), false},
		"JSON, very deep": {MapJSON, strings.Repeat(`{"a":`, 1_000_000), DefaultLimits(), false},
		"JSON, attribute": {MapJSON, `{"map":` + strings.Repeat(`{"@a":`, 1_000_000), DefaultLimits(), false},
		"JSON, members":   {MapJSON, `{"map":{"entry":[` + strings.Repeat(`0,`, 1_000_000) + "]}}", DefaultLimits(), false},
		"JSON, depth at":  {MapJSON, `{"map":{"entry":{"string":["k","v"]}}}`, Limits{Depth: 3}, true},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := DecodeMap(tc.t, []byte(tc.text), tc.limits)
		runtime.ReadMemStats(&after)
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 256<<20 {
			t.Errorf("%s: %d octets were allocated", name, grown)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, tc := range recorded {
		for _, transformation := range []Transformation{MapJSON, MapXML} {
			text, err := AppendMap(nil, transformation, tc.value, DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeMap(transformation, text, DefaultLimits())
			if err != nil || !equal(got, tc.value) {
				t.Errorf("%s, %v: got %v, %v", tc.name, transformation, got, err)
			}
		}
	}
}

func FuzzDecodeMap(f *testing.F) {
	for _, tc := range recorded {
		f.Add(tc.json, false)
		f.Add(tc.xml, true)
	}
	f.Add(`<!DOCTYPE map [<!ENTITY e "boom">]><map>&e;</map>`, true)
	f.Add(`{"map":{"@class":"x","$":"y"}}`, false)
	f.Fuzz(func(t *testing.T, text string, xml bool) {
		transformation := MapJSON
		if xml {
			transformation = MapXML
		}
		limits := DefaultLimits()
		value, err := DecodeMap(transformation, []byte(text), limits)
		if err != nil {
			return
		}
		// What was read can be written, and reads as the same. JSON groups the elements of a list,
		// so there it is the second writing that must be stable.
		again, err := AppendMap(nil, transformation, value, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		second, err := DecodeMap(transformation, again, Limits{})
		if err != nil {
			t.Fatalf("%q: %v", again, err)
		}
		if xml && !equal(value, second) {
			t.Fatalf("%q became %q", text, again)
		}
		third, err := AppendMap(nil, transformation, second, Limits{})
		if err != nil || string(third) != string(again) {
			t.Fatalf("%q became %q, %v", again, third, err)
		}
	})
}

func BenchmarkDecodeMap(b *testing.B) {
	text := []byte(`{"map":{"entry":[{"string":["name","Dejan"]},{"string":"x","int":5},{"string":"d","double":1.5}]}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeMap(MapJSON, text, DefaultLimits()); err != nil {
			b.Fatal(err)
		}
	}
}
