package transform

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/message"
)

func entry(name string, v message.Value) message.Field { return message.Field{Name: name, Value: v} }

func mapOf(fields ...message.Field) message.Value { return message.OfMap(fields) }

func str(s string) message.Value { return message.OfString(s) }

// xmlEntry is one entry as XStream prints it in a map at the top.
func xmlMap(lines ...string) string {
	return "<map>\n" + strings.Join(lines, "\n") + "\n</map>"
}

// The texts were recorded from ActiveMQ 5.17.2 with XStream 1.4.20 and Jettison 1.5.3.
var recorded = []struct {
	name  string
	value message.Value
	json  string
	xml   string
}{
	{"empty", mapOf(), `{"map":""}`, "<map/>"},
	{"single", mapOf(entry("name", str("Dejan"))),
		`{"map":{"entry":{"string":["name","Dejan"]}}}`,
		"<map>\n  <entry>\n    <string>name</string>\n    <string>Dejan</string>\n  </entry>\n</map>"},
	{"two", mapOf(entry("name", str("Dejan")), entry("city", str("Belgrade"))),
		`{"map":{"entry":[{"string":["name","Dejan"]},{"string":["city","Belgrade"]}]}}`,
		"<map>\n  <entry>\n    <string>name</string>\n    <string>Dejan</string>\n  </entry>\n  <entry>\n    <string>city</string>\n    <string>Belgrade</string>\n  </entry>\n</map>"},
	{"several types", mapOf(entry("a", message.OfInt(1)), entry("b", message.OfInt(2)), entry("c", str("d")), entry("l", message.OfLong(5))),
		`{"map":{"entry":[{"string":"a","int":1},{"string":"b","int":2},{"string":["c","d"]},{"string":"l","long":5}]}}`,
		"<map>\n  <entry>\n    <string>a</string>\n    <int>1</int>\n  </entry>\n  <entry>\n    <string>b</string>\n    <int>2</int>\n  </entry>\n  <entry>\n    <string>c</string>\n    <string>d</string>\n  </entry>\n  <entry>\n    <string>l</string>\n    <long>5</long>\n  </entry>\n</map>"},
	{"bool", mapOf(entry("bool", message.OfBool(true))), `{"map":{"entry":{"string":"bool","boolean":true}}}`, one("bool", "<boolean>true</boolean>")},
	{"boolf", mapOf(entry("boolf", message.OfBool(false))), `{"map":{"entry":{"string":"boolf","boolean":false}}}`, one("boolf", "<boolean>false</boolean>")},
	{"byte", mapOf(entry("byte", message.OfByte(-5))), `{"map":{"entry":{"string":"byte","byte":-5}}}`, one("byte", "<byte>-5</byte>")},
	{"short", mapOf(entry("short", message.OfShort(300))), `{"map":{"entry":{"string":"short","short":300}}}`, one("short", "<short>300</short>")},
	{"int", mapOf(entry("int", message.OfInt(7))), `{"map":{"entry":{"string":"int","int":7}}}`, one("int", "<int>7</int>")},
	{"long", mapOf(entry("long", message.OfLong(1<<40))), `{"map":{"entry":{"string":"long","long":1099511627776}}}`, one("long", "<long>1099511627776</long>")},
	{"lmax", mapOf(entry("lmax", message.OfLong(math.MaxInt64))), `{"map":{"entry":{"string":"lmax","long":9223372036854775807}}}`, one("lmax", "<long>9223372036854775807</long>")},
	{"lmin", mapOf(entry("lmin", message.OfLong(math.MinInt64))), `{"map":{"entry":{"string":"lmin","long":-9223372036854775808}}}`, one("lmin", "<long>-9223372036854775808</long>")},
	{"float", mapOf(entry("float", message.OfFloat(1.5))), `{"map":{"entry":{"string":"float","float":1.5}}}`, one("float", "<float>1.5</float>")},
	{"fl", mapOf(entry("fl", message.OfFloat(0.1))), `{"map":{"entry":{"string":"fl","float":0.1}}}`, one("fl", "<float>0.1</float>")},
	{"fbig", mapOf(entry("fbig", message.OfFloat(1e10))), `{"map":{"entry":{"string":"fbig","float":1.0E10}}}`, one("fbig", "<float>1.0E10</float>")},
	{"fnan", mapOf(entry("fnan", message.OfFloat(float32(math.NaN())))), `{"map":{"entry":{"string":"fnan","float":"NaN"}}}`, one("fnan", "<float>NaN</float>")},
	{"double", mapOf(entry("double", message.OfDouble(1e10))), `{"map":{"entry":{"string":"double","double":1.0E10}}}`, one("double", "<double>1.0E10</double>")},
	{"dint", mapOf(entry("dint", message.OfDouble(3))), `{"map":{"entry":{"string":"dint","double":3}}}`, one("dint", "<double>3.0</double>")},
	{"dneg", mapOf(entry("dneg", message.OfDouble(-2.5))), `{"map":{"entry":{"string":"dneg","double":-2.5}}}`, one("dneg", "<double>-2.5</double>")},
	{"dzero", mapOf(entry("dzero", message.OfDouble(0))), `{"map":{"entry":{"string":"dzero","double":0}}}`, one("dzero", "<double>0.0</double>")},
	{"dmz", mapOf(entry("dmz", message.OfDouble(math.Copysign(0, -1)))), `{"map":{"entry":{"string":"dmz","double":-0}}}`, one("dmz", "<double>-0.0</double>")},
	{"dsmall", mapOf(entry("dsmall", message.OfDouble(1e-5))), `{"map":{"entry":{"string":"dsmall","double":"1.0E-5"}}}`, one("dsmall", "<double>1.0E-5</double>")},
	{"dmax", mapOf(entry("dmax", message.OfDouble(math.MaxFloat64))), `{"map":{"entry":{"string":"dmax","double":1.7976931348623157E308}}}`, one("dmax", "<double>1.7976931348623157E308</double>")},
	{"inf", mapOf(entry("inf", message.OfDouble(math.Inf(1)))), `{"map":{"entry":{"string":"inf","double":"Infinity"}}}`, one("inf", "<double>Infinity</double>")},
	{"char", mapOf(entry("char", message.OfChar('c'))), `{"map":{"entry":{"string":"char","char":"c"}}}`, one("char", "<char>c</char>")},
	{"char5", mapOf(entry("char5", message.OfChar('5'))), `{"map":{"entry":{"string":"char5","char":5}}}`, one("char5", "<char>5</char>")},
	{"charlt", mapOf(entry("charlt", message.OfChar('<'))), `{"map":{"entry":{"string":"charlt","char":"<"}}}`, one("charlt", "<char>&lt;</char>")},
	{"charnl", mapOf(entry("charnl", message.OfChar('\n'))), `{"map":{"entry":{"string":"charnl","char":"\n"}}}`, one("charnl", "<char>\n</char>")},
	{"charnul", mapOf(entry("charnul", message.OfChar(0))), `{"map":{"entry":{"string":"charnul","char":""}}}`, one("charnul", "<char></char>")},
	{"charsp", mapOf(entry("charsp", message.OfChar(' '))), `{"map":{"entry":{"string":"charsp","char":" "}}}`, one("charsp", "<char> </char>")},
	{"str", mapOf(entry("str", str(""))), `{"map":{"entry":{"string":["str",""]}}}`, one("str", "<string></string>")},
	{"specials", mapOf(entry("str2", str("a<b>&\"'\\/\n\r\t\u0001é€ "))),
		`{"map":{"entry":{"string":["str2","a<b>&\"'\\\/\n\r\t\u0001é€ "]}}}`,
		one("str2", "<string>a&lt;b&gt;&amp;&quot;&apos;\\/\n&#xd;\t&#x1;é€ </string>")},
	{"controls", mapOf(entry("ctl", str("\u007f\u0080\u009f\u00a0\u2029\u2000\ufffe\uffff\u001f\b\f"))),
		"{\"map\":{\"entry\":{\"string\":[\"ctl\",\"\u007f\u0080\u009f\u00a0\\u2029\u2000\ufffe\uffff\\u001f\\b\\f\"]}}}",
		one("ctl", "<string>&#x7f;&#x80;&#x9f;\u00a0\u2029\u2000&#xfffe;&#xffff;&#x1f;&#x8;&#xc;</string>")},
	{"blanks", mapOf(entry("sp", str("  lead trail "))), `{"map":{"entry":{"string":["sp","  lead trail "]}}}`, one("sp", "<string>  lead trail </string>")},
	{"numstr", mapOf(entry("numstr", str("123"))), `{"map":{"entry":{"string":["numstr",123]}}}`, one("numstr", "<string>123</string>")},
	{"truestr", mapOf(entry("truestr", str("true"))), `{"map":{"entry":{"string":["truestr",true]}}}`, one("truestr", "<string>true</string>")},
	{"s007", mapOf(entry("s007", str("007"))), `{"map":{"entry":{"string":["s007","007"]}}}`, one("s007", "<string>007</string>")},
	{"s1e5", mapOf(entry("s1e5", str("1e5"))), `{"map":{"entry":{"string":["s1e5","1e5"]}}}`, one("s1e5", "<string>1e5</string>")},
	{"s15", mapOf(entry("s15", str("1.5"))), `{"map":{"entry":{"string":["s15",1.5]}}}`, one("s15", "<string>1.5</string>")},
	{"sm5", mapOf(entry("sm5", str("-5"))), `{"map":{"entry":{"string":["sm5",-5]}}}`, one("sm5", "<string>-5</string>")},
	{"sm0", mapOf(entry("sm0", str("-0"))), `{"map":{"entry":{"string":["sm0","-0"]}}}`, one("sm0", "<string>-0</string>")},
	{"sbig", mapOf(entry("sbig", str("9223372036854775808"))), `{"map":{"entry":{"string":["sbig","9223372036854775808"]}}}`, one("sbig", "<string>9223372036854775808</string>")},
	{"sE", mapOf(entry("sE", str("1.0E10"))), `{"map":{"entry":{"string":["sE",1.0E10]}}}`, one("sE", "<string>1.0E10</string>")},
	{"s010", mapOf(entry("s010", str("0.10"))), `{"map":{"entry":{"string":["s010","0.10"]}}}`, one("s010", "<string>0.10</string>")},
	{"sTRUE", mapOf(entry("sTRUE", str("TRUE"))), `{"map":{"entry":{"string":["sTRUE","TRUE"]}}}`, one("sTRUE", "<string>TRUE</string>")},
	{"number key", mapOf(entry("5", str("x"))), `{"map":{"entry":{"string":[5,"x"]}}}`, one("5", "<string>x</string>")},
	{"true key", mapOf(entry("true", str("x"))), `{"map":{"entry":{"string":[true,"x"]}}}`, one("true", "<string>x</string>")},
	{"nul", mapOf(entry("nul", message.Value{})), `{"map":{"entry":{"string":"nul","null":""}}}`, one("nul", "<null/>")},
	{"bytes", mapOf(entry("bytes", message.OfBytes("\x00\x01\x02\xff\n"))), `{"map":{"entry":{"string":"bytes","byte-array":"AAEC/wo="}}}`, one("bytes", "<byte-array>AAEC/wo=</byte-array>")},
	{"bytes0", mapOf(entry("bytes0", message.OfBytes(""))), `{"map":{"entry":{"string":"bytes0","byte-array":""}}}`, one("bytes0", "<byte-array></byte-array>")},
	{"list", mapOf(entry("list", message.OfList([]message.Value{str("a"), message.OfInt(1), message.OfBool(true)}))),
		`{"map":{"entry":{"string":"list","list":{"string":"a","int":1,"boolean":true}}}}`,
		one("list", "<list>\n      <string>a</string>\n      <int>1</int>\n      <boolean>true</boolean>\n    </list>")},
	{"list0", mapOf(entry("list0", message.OfList(nil))), `{"map":{"entry":{"string":"list0","list":""}}}`, one("list0", "<list/>")},
	{"list1", mapOf(entry("list1", message.OfList([]message.Value{str("a")}))), `{"map":{"entry":{"string":"list1","list":{"string":"a"}}}}`, one("list1", "<list>\n      <string>a</string>\n    </list>")},
	{"lsame", mapOf(entry("lsame", message.OfList([]message.Value{str("a"), str("b")}))), `{"map":{"entry":{"string":"lsame","list":{"string":["a","b"]}}}}`, one("lsame", "<list>\n      <string>a</string>\n      <string>b</string>\n    </list>")},
	{"lnest", mapOf(entry("lnest", message.OfList([]message.Value{message.OfList([]message.Value{str("a")}), message.OfList(nil)}))),
		`{"map":{"entry":{"string":"lnest","list":{"list":[{"string":"a"},""]}}}}`,
		one("lnest", "<list>\n      <list>\n        <string>a</string>\n      </list>\n      <list/>\n    </list>")},
	{"lnull", mapOf(entry("lnull", message.OfList([]message.Value{str("a"), {}}))), `{"map":{"entry":{"string":"lnull","list":{"string":"a","null":""}}}}`, one("lnull", "<list>\n      <string>a</string>\n      <null/>\n    </list>")},
	{"map", mapOf(entry("map", mapOf(entry("k", str("v"))))), `{"map":{"entry":{"string":"map","map":{"entry":{"string":["k","v"]}}}}}`,
		one("map", "<map>\n      <entry>\n        <string>k</string>\n        <string>v</string>\n      </entry>\n    </map>")},
	{"map0", mapOf(entry("map0", mapOf())), `{"map":{"entry":{"string":"map0","map":""}}}`, one("map0", "<map/>")},
	{"mlist", mapOf(entry("mlist", mapOf(entry("k", message.OfList([]message.Value{str("a"), message.OfLong(5)}))))),
		`{"map":{"entry":{"string":"mlist","map":{"entry":{"string":"k","list":{"string":"a","long":5}}}}}}`,
		one("mlist", "<map>\n      <entry>\n        <string>k</string>\n        <list>\n          <string>a</string>\n          <long>5</long>\n        </list>\n      </entry>\n    </map>")},
	{"key", mapOf(entry(`key <&"`, str("x"))), `{"map":{"entry":{"string":["key <&\"","x"]}}}`, one("key &lt;&amp;&quot;", "<string>x</string>")},
	{"slash alone", mapOf(entry("k/e</y", message.OfInt(1))), `{"map":{"entry":{"string":"k/e<\/y","int":1}}}`, one("k/e&lt;/y", "<int>1</int>")},
	{"slash listed alone", mapOf(entry("l1", message.OfList([]message.Value{str("/a/b</c")}))), `{"map":{"entry":{"string":"l1","list":{"string":"/a/b<\/c"}}}}`, one("l1", "<list>\n      <string>/a/b&lt;/c</string>\n    </list>")},
	{"slashes listed", mapOf(entry("l2", message.OfList([]message.Value{str("/a/b</c"), str("x/y")}))), `{"map":{"entry":{"string":"l2","list":{"string":["\/a\/b<\/c","x\/y"]}}}}`, one("l2", "<list>\n      <string>/a/b&lt;/c</string>\n      <string>x/y</string>\n    </list>")},
	{"slash", mapOf(entry("slash", str("a/b</c"))), `{"map":{"entry":{"string":["slash","a\/b<\/c"]}}}`, one("slash", "<string>a/b&lt;/c</string>")},
}

// one is a map of one entry as XStream prints it.
func one(key, value string) string {
	return xmlMap("  <entry>", "    <string>"+key+"</string>", "    "+value, "  </entry>")
}

func TestAppendMapAsRecorded(t *testing.T) {
	t.Parallel()
	for _, tc := range recorded {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for transformation, want := range map[Transformation]string{MapJSON: tc.json, MapXML: tc.xml} {
				got, err := AppendMap([]byte("before"), transformation, tc.value, DefaultLimits())
				if err != nil || string(got) != "before"+want {
					t.Errorf("%v:\n got %s\nwant %s\nerr %v", transformation, got, want, err)
				}
			}
		})
	}
}

// ActiveMQ loses characters in these; nothing may be lost here.
func TestAppendMapKeepsWhatActiveMQLoses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, json string }{
		{"a string that is a float", "3.0", `{"map":{"entry":{"string":["k","3.0"]}}}`},
		{"beyond the basic plane", "😀", `{"map":{"entry":{"string":["k","😀"]}}}`},
		{"bad UTF-8", "a\xffb", "{\"map\":{\"entry\":{\"string\":[\"k\",\"a\ufffdb\"]}}}"},
	} {
		got, err := AppendMap(nil, MapJSON, mapOf(entry("k", str(tc.text))), DefaultLimits())
		if err != nil || string(got) != tc.json {
			t.Errorf("%s: got %s, %v; want %s", tc.name, got, err, tc.json)
		}
	}
	mixed := message.OfList([]message.Value{str("a"), message.OfInt(1), str("b"), message.OfInt(2), message.OfBool(true)})
	got, err := AppendMap(nil, MapJSON, mapOf(entry("lmix", mixed)), DefaultLimits())
	const want = `{"map":{"entry":{"string":"lmix","list":{"string":["a","b"],"int":[1,2],"boolean":true}}}}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestAppendMapFails(t *testing.T) {
	t.Parallel()
	nested := str("x")
	for range 100 {
		nested = message.OfList([]message.Value{nested})
	}
	many := make([]message.Field, 100)
	for name, tc := range map[string]struct {
		value  message.Value
		limits Limits
		text   string
	}{
		"no map":   {str("x"), DefaultLimits(), "Not a map message"},
		"depth":    {mapOf(entry("k", nested)), DefaultLimits(), "nested too deeply"},
		"elements": {message.OfMap(many), Limits{Elements: 200}, "too many elements"},
	} {
		for _, transformation := range []Transformation{MapJSON, MapXML} {
			got, err := AppendMap([]byte("before"), transformation, tc.value, tc.limits)
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(e.Text, tc.text) || string(got) != "before" {
				t.Errorf("%s: got %q, %v", name, got, err)
			}
		}
	}
	if _, err := AppendMap(nil, MapXML, message.OfMap(many), Limits{Elements: 201}); err != nil {
		t.Errorf("at the limit: %v", err)
	}
}

// Recorded from the advisory topic for consumers of a queue.
func TestAppendAdvisory(t *testing.T) {
	t.Parallel()
	info := mapOf(
		entry("commandId", message.OfInt(3)),
		entry("responseRequired", message.OfBool(false)),
		entry("consumerId", mapOf(
			entry("connectionId", str("ID:vm-32819-1795516016939-6:16")),
			entry("sessionId", message.OfLong(-1)),
			entry("value", message.OfLong(1)))),
		entry("selector", message.Value{}),
		entry("destination", mapOf(entry("@class", str("ActiveMQQueue")), entry("string", str("advq")), entry("null", message.Value{}))),
		entry("prefetchSize", message.OfInt(1000)))
	got, err := AppendAdvisory(nil, AdvisoryJSON, "ConsumerInfo", info, DefaultLimits())
	const json = `{"ConsumerInfo":{"commandId":3,"responseRequired":false,"consumerId":{"connectionId":"ID:vm-32819-1795516016939-6:16","sessionId":-1,"value":1},"destination":{"@class":"ActiveMQQueue","string":"advq","null":""},"prefetchSize":1000}}`
	if err != nil || string(got) != json {
		t.Errorf("got %s, %v\nwant %s", got, err, json)
	}
	got, err = AppendAdvisory(nil, AdvisoryXML, "ConsumerInfo", info, DefaultLimits())
	const xml = "<ConsumerInfo>\n  <commandId>3</commandId>\n  <responseRequired>false</responseRequired>\n  <consumerId>\n    <connectionId>ID:vm-32819-1795516016939-6:16</connectionId>\n    <sessionId>-1</sessionId>\n    <value>1</value>\n  </consumerId>\n  <destination class=\"ActiveMQQueue\">\n    <string>advq</string>\n    <null/>\n  </destination>\n  <prefetchSize>1000</prefetchSize>\n</ConsumerInfo>"
	if err != nil || string(got) != xml {
		t.Errorf("got %s, %v\nwant %s", got, err, xml)
	}
}

func TestFor(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		asked string
		kind  Kind
		want  string
	}{
		{"jms-json", Map, "jms-map-json"}, {"jms-xml", Map, "jms-map-xml"},
		{"jms-json", Object, "jms-object-json"}, {"jms-xml", Object, "jms-object-xml"},
		{"jms-json", Advisory, "jms-advisory-json"}, {"jms-xml", Advisory, "jms-advisory-xml"},
		{"jms-map-xml", Map, "jms-map-xml"}, {"jms-object-json", Map, "jms-object-json"},
		{"jms-byte", Map, "jms-byte"}, {"", Map, ""}, {"", Advisory, "jms-advisory-json"},
		{"jms-json", Other, ""},
	} {
		asked, ok := Parse(tc.asked)
		if got := asked.For(tc.kind).String(); !ok || got != tc.want {
			t.Errorf("%q for %d: got %q, want %q", tc.asked, tc.kind, got, tc.want)
		}
	}
	for _, bad := range []string{"bogus", "JMS-MAP-JSON", "jms-map-json "} {
		if _, ok := Parse(bad); ok {
			t.Errorf("%q was parsed", bad)
		}
	}
}

func BenchmarkAppendMap(b *testing.B) {
	body := mapOf(entry("name", str("Dejan")), entry("count", message.OfInt(5)), entry("price", message.OfDouble(1.5)))
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = AppendMap(buf[:0], MapJSON, body, DefaultLimits()); err != nil {
			b.Fatal(err)
		}
	}
}
