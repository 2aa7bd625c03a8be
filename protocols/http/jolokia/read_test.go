package jolokia_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/brokertest"
)

// TestReadAsToolsDo sends what well-known tools send, in their forms.
func TestReadAsToolsDo(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.send(queueAt("orders"), "one", "two")
	for _, c := range []struct {
		about, path string
		want        any
	}{
		{"a scaler", "/read/org.apache.activemq:type=Broker,brokerName=localhost,destinationType=Queue,destinationName=orders/QueueSize", 2.0},
		{"a script", "/read/org.apache.activemq:brokerName=localhost,destinationName=orders,destinationType=Queue,type=Broker/EnqueueCount", 2.0},
		{"encoded", "/read/org.apache.activemq%3Atype%3DBroker%2CbrokerName%3Dlocalhost%2CdestinationType%3DQueue%2CdestinationName%3Dorders/QueueSize", 2.0},
		{"a slash at the end", "/read/" + queueName("orders") + "/QueueSize/", 2.0},
		{"with options", "/read/" + queueName("orders") + "/QueueSize?ignoreErrors=true&maxDepth=7&mimeType=application/json", 2.0},
		{"several", "/read/" + queueName("orders") + "/QueueSize,ConsumerCount", map[string]any{"QueueSize": 2.0, "ConsumerCount": 0.0}},
		{"a pattern", "/read/org.apache.activemq:type=Broker,brokerName=*,destinationType=Queue,destinationName=*/QueueSize", map[string]any{
			"org.apache.activemq:brokerName=localhost,destinationName=orders,destinationType=Queue,type=Broker": map[string]any{"QueueSize": 2.0},
		}},
		{"the broker", "/read/" + root + "/TotalMessageCount", 2.0},
		{"into a list", "/read/" + root + "/Queues/0/objectName", "org.apache.activemq:brokerName=localhost,destinationName=orders,destinationType=Queue,type=Broker"},
		{"into nothing", "/read/" + root + "/TransportConnectors/none", nil},
		{"health", "/read/" + root + ",service=Health/CurrentStatus", "Good"},
	} {
		x := a.get(c.path)
		if x.Status != 200 || !reflect.DeepEqual(x.Value, c.want) || x.Timestamp == 0 || x.Request["type"] != "read" {
			t.Errorf("%s: %+v", c.about, x)
		}
	}
	for _, at := range []string{"/api/jolokia/", "/console/jolokia/"} {
		status, header, body := a.do("GET", at, "")
		if x := a.decode(status, body); x.Value.(map[string]any)["protocol"] != "7.2" || !strings.HasPrefix(header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %s", at, body)
		}
	}
}

func TestReadByPost(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.send(queueAt("q"), "one")
	if x := a.post(map[string]any{"type": "READ", "mbean": queueName("q"), "attribute": []string{"QueueSize", "Name"}}); !reflect.DeepEqual(x.Value, map[string]any{"QueueSize": 1.0, "Name": "q"}) {
		t.Errorf("%+v", x)
	}
	if x := a.post(map[string]any{"type": "read", "mbean": queueName("q"), "attribute": []string{"QueueSize", "None"}, "config": map[string]any{"ignoreErrors": true}}); x.Status != 200 ||
		x.Value.(map[string]any)["None"] != "ERROR: No such attribute: None (class javax.management.AttributeNotFoundException)" {
		t.Errorf("%+v", x)
	}
	var list []reply
	status, _, body := a.do("POST", "/api/jolokia", fmt.Sprintf(`[{"type":"read","mbean":%q,"attribute":"QueueSize"},{"type":"read","mbean":%q,"attribute":"None"},{"type":"version"}]`,
		queueName("q"), queueName("q")), "Content-Type", "text/plain", "Origin", "http://elsewhere")
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != 200 || len(list) != 3 {
		t.Fatalf("%v %s", err, body)
	}
	if list[0].Value != 1.0 || list[1].Status != 404 || list[2].Status != 200 {
		t.Errorf("%s", body)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.send(queueAt("q"), "one")
	for _, c := range []struct {
		path          string
		status        int
		class, reason string
	}{
		{"/read/" + queueName("q") + "/None", 404, "javax.management.AttributeNotFoundException", "No such attribute: None"},
		{"/read/" + queueName("none") + "/QueueSize", 404, "javax.management.InstanceNotFoundException", queueName("none")},
		{"/read/" + queueName("none*") + "/QueueSize", 404, "javax.management.InstanceNotFoundException", "No MBean with pattern " + queueName("none*") + " found for reading attributes"},
		{"/read/org.apache.activemq:type=Broker,brokerName=other/Name", 404, "javax.management.InstanceNotFoundException", "org.apache.activemq:type=Broker,brokerName=other"},
		{"/read/java.lang:type=Memory/HeapMemoryUsage", 404, "javax.management.InstanceNotFoundException", "java.lang:type=Memory"},
		{"/read/nonsense", 400, "java.lang.IllegalArgumentException", "Invalid object name. Key properties cannot be empty"},
		{"/read/", 400, "java.lang.IllegalArgumentException", "Invalid arguments in pathinfo /read/ for command READ"},
		{"/bogus/x", 400, "java.lang.IllegalArgumentException", "No type with name 'bogus' exists"},
		{"/write/" + root + "/MemoryLimit/1", 403, "java.lang.SecurityException", "attributes can't be written"},
		{"/exec/" + queueName("q") + "/purge", 403, "java.lang.SecurityException", "operations need a POST"},
		{"/read/" + root + "/Queues/7", 400, "java.lang.IllegalArgumentException", "Index 7 is none of the 1 elements"},
	} {
		x := a.get(c.path)
		if x.Status != c.status || x.ErrorType != c.class || x.Error != c.class+" : "+c.reason {
			t.Errorf("%s: %+v", c.path, x)
		}
	}
	if a.figure(queueName("q"), "QueueSize") != 1 {
		t.Error("a GET has purged")
	}
}

// TestNamesThatNeedEncoding finds destinations whose names ObjectNames can't hold.
func TestNamesThatNeedEncoding(t *testing.T) {
	t.Parallel()
	a := start(t)
	for name, encoded := range map[string]string{
		"a:b,c": "a_b_c", "what?": "what&qe;", "x=y": "x&amp;y", "*": "&ast;", `"q"`: "_q_", "a/b!c": "a!/b!!c", "ünïcode": "ünïcode", "<script>": "<script>", "with space": "with space",
	} {
		a.send(queueAt(name), "m")
		path := strings.NewReplacer("%", "%25", " ", "%20", "?", "%3F", "<", "%3C", ">", "%3E").Replace("/read/" + queueName(encoded) + "/Name")
		if x := a.get(path); x.Value != name {
			t.Errorf("%q: %+v", name, x)
		}
	}
	x := a.get("/search/org.apache.activemq:destinationType=Queue,*")
	if list, _ := x.Value.([]any); len(list) != 9 {
		t.Errorf("%+v", x)
	}
}

func TestListAndSearch(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.send(queueAt("q"), "m")
	a.send(topicAt("t"), "m")
	x := a.get("/list/org.apache.activemq/brokerName=localhost,destinationName=q,destinationType=Queue,type=Broker/attr/QueueSize")
	if !reflect.DeepEqual(x.Value, map[string]any{"rw": false, "type": "long", "desc": ""}) {
		t.Errorf("%+v", x)
	}
	all := a.get("/list").Value.(map[string]any)["org.apache.activemq"].(map[string]any)
	found := a.get("/search/*:*").Value.([]any)
	if len(all) != len(found) || len(found) < 5 {
		t.Errorf("%d listed, %d found", len(all), len(found))
	}
	for _, name := range found {
		// Each name that is found can be read, all of it.
		x := a.get("/read/" + strings.NewReplacer("/", "!/").Replace(name.(string)))
		if x.Status != http.StatusOK || len(x.Value.(map[string]any)) == 0 {
			t.Errorf("%s: %+v", name, x)
		}
	}
	if x := a.get("/search/org.apache.activemq:type=Broker,*,destinationType=T*?canonicalNaming=false"); !reflect.DeepEqual(x.Value, []any{topicName("t")}) {
		t.Errorf("%+v", x)
	}
	if x := a.get("/list?maxDepth=1"); !reflect.DeepEqual(x.Value, map[string]any{"org.apache.activemq": "1"}) {
		t.Errorf("%+v", x)
	}
}

// TestWhoMayRead shows that a password, the right group or the token is needed.
func TestWhoMayRead(t *testing.T) {
	t.Parallel()
	a := start(t, brokertest.WithSecurity(users()))
	for _, c := range []struct {
		user, password string
		status         int
	}{
		{"any", token, 200},
		{"admin", "secret", 200},
		{"eve", "secret", 200},
		{"app", "secret", 403},
		{"admin", "wrong", 401},
		{"admin", "", 401},
		{"", "secret", 401},
		{"nobody", "secret", 401},
	} {
		b := *a
		b.user, b.password = c.user, c.password
		status, header, body := b.do("GET", "/api/jolokia/read/"+root+"/BrokerName", "")
		if status != c.status || status == 401 != (header.Get("WWW-Authenticate") != "") || strings.Contains(body, `"localhost"`) != (status == 200) {
			t.Errorf("%s/%s: %d %s", c.user, c.password, status, body)
		}
	}
	open := start(t)
	if status, _, _ := open.as("admin").do("GET", "/api/jolokia", ""); status != 401 {
		t.Errorf("without security a wrong password got %d", status)
	}
}
