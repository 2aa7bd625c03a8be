package jolokia_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/openwire/jmstest"
)

// reference starts ActiveMQ with Jolokia's own agent, from Debian's packages.
func reference(t *testing.T) (url string) {
	t.Helper()
	jars := []string{"jolokia-core", "json-simple", "jackson-core", "jackson-databind", "jackson-annotations"}
	more, _ := filepath.Glob("/usr/share/activemq/lib/*.jar")
	jars = append(jars, more...)
	java, err := jmstest.Compile(t.Context(), "testdata/reference", t.TempDir(), jars...)
	if errors.Is(err, jmstest.ErrMissing) && os.Getenv("MANIFOLD_FOREIGN_CLIENTS") != "required" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := java.Command(t.Context(), "Reference", t.TempDir())
	end, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = end.Close()
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal("ActiveMQ did not start: ", err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port) + "/api/jolokia"
}

// ask sends a request: a GET of a path, or a POST of JSON.
func ask(t *testing.T, url, request string) (x reply) {
	t.Helper()
	method, path, body := "GET", request, ""
	if !strings.HasPrefix(request, "/") {
		method, path, body = "POST", "", request
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("any", token)
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Body.Close() }()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &x); err != nil {
		t.Fatalf("%s: %v in %s", request, err, text)
	}
	return x
}

// TestAgainstJolokia sends the same to ActiveMQ with Jolokia's agent and to this broker, and
// compares what comes back: status and error in full, values by their JSON types.
func TestAgainstJolokia(t *testing.T) {
	t.Parallel()
	theirs := reference(t)
	a := start(t)
	ours := "http://" + a.Addr("auto") + "/api/jolokia"
	exec := func(object, operation string, arguments ...any) string {
		if arguments == nil {
			arguments = []any{}
		}
		text, _ := json.Marshal(map[string]any{"type": "exec", "mbean": object, "operation": operation, "arguments": arguments})
		return string(text)
	}
	q := queueName("q")
	for _, request := range []string{
		exec(root, "addQueue", "q"), exec(root, "addQueue", "q"), exec(root, "addQueue", "ActiveMQ.DLQ"), exec(root, "addTopic", "t"),
		exec(root, "createDurableSubscriber", "c", "s", "t", nil), exec(root, "createDurableSubscriber", "c2", "s2", "t", "a = 'b'"),
		exec(q, "sendTextMessage(java.lang.String)", "text"),
		exec(q, "sendTextMessage(java.util.Map,java.lang.String)", map[string]any{"a": "b", "JMSType": "t"}, "body"),
		exec(q, "sendTextMessage", "text"), exec(q, "sendTextMessageWithProperties(java.lang.String)", "body=x,a=c"),
		exec(q, "browse()"), exec(q, "browse"), exec(q, "browse(java.lang.String)", "a = 'b'"), exec(q, "browse(java.lang.String)", "a == 'b'"), exec(q, "browseAsTable(java.lang.String)", "a = 'b'"),
		exec(q, "moveMessageTo", "none", "x"), exec(q, "moveMessageTo"), exec(q, "copyMatchingMessagesTo(java.lang.String,java.lang.String)", "a = 'b'", "x"),
		exec(q, "moveMatchingMessagesTo(java.lang.String,java.lang.String,int)", "", "x", 1), exec(q, "removeMatchingMessages(java.lang.String)", "a = 'nothing'"),
		exec(q, "none"), exec(q, "purge", "x"), exec(q, "pause"), exec(q, "resume"), exec(q, "retryMessages"),
		exec(root, "removeTopic", "none"), exec(root, "removeQueue", "none"), exec(root, "destroyDurableSubscriber", "c2", "s2"), exec(root, "destroyDurableSubscriber", "c2", "s2"),
		exec(queueName("none"), "purge"), exec(root+",service=Health", "healthList"),
		"/read/" + q + "/QueueSize", "/read/" + q + "/QueueSize,EnqueueCount", "/read/" + q + "/None", "/read/" + q + "/QueueSize,None", "/read/" + queueName("none") + "/QueueSize",
		"/read/org.apache.activemq:type=Broker,brokerName=*,destinationType=Queue,destinationName=*/QueueSize", "/read/" + queueName("none*") + "/QueueSize",
		"/read/org.apache.activemq:type=Broker,brokerName=*,destinationType=Queue,destinationName=*/QueueSize,EnqueueCount?canonicalNaming=false",
		"/read/" + root + "/TransportConnectors/none", "/read/" + root + "/Queues/0/objectName", "/read/nonsense", "/read/", "/bogus/x",
		"/search/org.apache.activemq:type=Broker,brokerName=*,destinationType=Queue,destinationName=*", "/search/org.apache.activemq:type=Broker,brokerName=none",
		"/list/org.apache.activemq/type=Broker,brokerName=localhost/attr/BrokerVersion", "/read/" + topicName("t") + ",endpoint=Consumer,clientId=c,consumerId=Durable(c_s)/Active",
		`{"type":"read","mbean":"` + q + `","attribute":["QueueSize","None"],"config":{"ignoreErrors":true}}`, `{"type":"none"}`, `{"type":"read"}`, `{"mbean":"` + q + `"}`,
		`{"type":"read","mbean":"` + root + `","attribute":"TransportConnectors","path":"none"}`, `{"type":"search","mbean":"org.apache.activemq:*,service=Health"}`,
		exec(q, "purge"), exec(root, "removeQueue", "x"), "/read/" + q + "/QueueSize",
	} {
		want, got := ask(t, theirs, request), ask(t, ours, request)
		theirsSays, oursSays := signatures(want.Error), signatures(got.Error)
		if got.Status != want.Status || got.ErrorType != want.ErrorType || oursSays != theirsSays {
			t.Errorf("%s\n  ActiveMQ: %d %s\n  here:     %d %s", request, want.Status, want.Error, got.Status, got.Error)
		}
		if w, g := shape(want.Value), shape(got.Value); w != g && request != exec(root+",service=Health", "healthList") {
			t.Errorf("%s\n  ActiveMQ: %s\n  here:     %s", request, w, g)
		}
	}
	compareClasses(t, theirs, ours)
}

// signatures leaves out the order in which an error lists overloads, which is Java's whim.
func signatures(text string) string {
	if before, _, ok := strings.Cut(text, "Signatures found:"); ok {
		return before
	}
	return text
}

// shape returns the JSON types of a value. Object names and texts count as such, whole messages by
// their members.
func shape(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case []any:
		if len(v) == 0 {
			return "[]"
		}
		return "[" + shape(v[0]) + "]"
	case map[string]any:
		if len(v) == 0 {
			return "{}"
		}
		var list []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			name := key
			if strings.HasPrefix(key, "ID:") {
				name, list = "ID", nil
			}
			list = append(list, name+": "+shape(v[key]))
		}
		return "{" + strings.Join(list, ", ") + "}"
	}
	return fmt.Sprintf("%T", v)
}

// compareClasses compares the attributes and operations of each kind of object that both have.
func compareClasses(t *testing.T, theirs, ours string) {
	t.Helper()
	type class struct {
		Attributes map[string]struct{ Type string } `json:"attr"`
		Operations map[string]json.RawMessage       `json:"op"`
	}
	describe := func(url, object string) (c class) {
		domain, rest, _ := strings.Cut(object, ":")
		x := ask(t, url, "/list/"+domain+"/"+rest)
		text, _ := json.Marshal(x.Value)
		if err := json.Unmarshal(text, &c); err != nil || x.Status != 200 {
			t.Fatalf("%s: %v %+v", object, err, x)
		}
		return c
	}
	for _, object := range []string{root, queueName("q"), topicName("t"), root + ",connector=clientConnectors,connectorName=stomp", root + ",service=Health", root + ",service=JobScheduler,name=JMS",
		topicName("t") + ",endpoint=Consumer,clientId=c,consumerId=Durable(c_s)"} {
		want, got := describe(theirs, object), describe(ours, object)
		for name, a := range got.Attributes {
			if w, ok := want.Attributes[name]; !ok || w.Type != a.Type {
				t.Errorf("%s: %s is %s, in ActiveMQ %s", object, name, a.Type, w.Type)
			}
		}
		for name := range got.Operations {
			if want.Operations[name] == nil {
				t.Errorf("%s: ActiveMQ has no operation %s", object, name)
			}
		}
		var missing []string
		for name := range want.Attributes {
			if _, ok := got.Attributes[name]; !ok {
				missing = append(missing, name)
			}
		}
		slices.Sort(missing)
		t.Logf("%s: not here: %v", object, missing)
	}
}
