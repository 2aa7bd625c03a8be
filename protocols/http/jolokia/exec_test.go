package jolokia_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/server"
)

func TestSendBrowseMoveRemove(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.must(root, "addQueue", "q")
	q, x := queueName("q"), queueName("x")
	id := a.must(q, "sendTextMessage(java.util.Map,java.lang.String)", map[string]any{
		"color": "red", "JMSPriority": 7, "JMSType": "t", "JMSCorrelationID": "c", "JMSReplyTo": "queue://r", "JMSDeliveryMode": "1", "JMSXGroupID": "g",
	}, "<script>body")
	a.must(q, "sendTextMessage(java.lang.String)", "plain")
	a.must(q, "sendTextMessageWithProperties(java.lang.String)", "body=pairs,color=blue,JMSPriority=2")
	list := a.must(q, "browse()").([]any)
	if len(list) != 3 {
		t.Fatalf("%v", list)
	}
	m := list[0].(map[string]any)
	for name, want := range map[string]any{
		"JMSMessageID": id, "Text": "<script>body", "JMSPriority": 7.0, "JMSType": "t", "JMSCorrelationID": "c", "JMSReplyTo": "queue://r",
		"JMSDeliveryMode": "NON-PERSISTENT", "JMSXGroupID": "g", "PropertiesText": "{color=red}", "JMSDestination": "queue://q",
	} {
		if m[name] != want {
			t.Errorf("%s is %v", name, m[name])
		}
	}
	if m["StringProperties"].(map[string]any)["color"] != "red" {
		t.Errorf("%v", m)
	}
	if list := a.must(q, "browse(java.lang.String)", "color = 'blue'").([]any); len(list) != 1 {
		t.Errorf("%v", list)
	}
	if got := a.must(q, "getMessage", id).(map[string]any); got["Text"] != "<script>body" {
		t.Errorf("%v", got)
	}
	if n := a.must(q, "copyMatchingMessagesTo(java.lang.String,java.lang.String)", "color = 'blue'", "x"); n != 1.0 {
		t.Errorf("copied %v", n)
	}
	if ok := a.must(q, "moveMessageTo", id, "queue://x"); ok != true {
		t.Errorf("moved %v", ok)
	}
	if ok := a.must(q, "moveMessageTo", id, "x"); ok != false {
		t.Errorf("moved again %v", ok)
	}
	if n, m := a.figure(q, "QueueSize"), a.figure(x, "QueueSize"); n != 2 || m != 2 {
		t.Errorf("%v and %v", n, m)
	}
	if n := a.must(q, "moveMatchingMessagesTo(java.lang.String,java.lang.String,int)", "", "x", 1); n != 1.0 {
		t.Errorf("moved %v", n)
	}
	if ok := a.must(x, "removeMessage", id); ok != true {
		t.Error("not removed")
	}
	if n := a.must(x, "removeMatchingMessages(java.lang.String)", "color = 'blue'"); n != 1.0 {
		t.Errorf("removed %v", n)
	}
	a.must(x, "purge")
	a.must(q, "pause")
	if a.get("/read/"+q+"/Paused").Value != true {
		t.Error("not paused")
	}
	a.must(q, "resume")
	a.must(q, "purge")
	if n, m := a.figure(q, "QueueSize"), a.figure(x, "QueueSize"); n != 0 || m != 0 {
		t.Errorf("%v and %v are left", n, m)
	}
	a.must(root, "removeQueue", "q")
	a.must(root, "removeQueue", "q") // ActiveMQ doesn't mind
	if x := a.get("/read/" + q + "/QueueSize"); x.Status != 404 {
		t.Errorf("%+v", x)
	}
}

func TestDurableSubscribers(t *testing.T) {
	t.Parallel()
	a := start(t)
	ref := a.must(root, "createDurableSubscriber", "c", "s", "t", "color = 'red'").(map[string]any)["objectName"].(string)
	a.send(topicAt("t"), "no")
	a.must(topicName("t"), "sendTextMessage(java.util.Map,java.lang.String)", map[string]any{"color": "red"}, "yes")
	for attribute, want := range map[string]any{"PendingQueueSize": 1.0, "Active": false, "Selector": "color = 'red'", "SubscriptionName": "s", "ClientId": "c", "ConnectionId": "OFFLINE", "Connection": nil} {
		if x := a.get("/read/" + ref + "/" + attribute); x.Status != 200 || x.Value != want {
			t.Errorf("%s: %+v", attribute, x)
		}
	}
	if list := a.get("/read/" + root + "/InactiveDurableTopicSubscribers").Value.([]any); len(list) != 1 {
		t.Errorf("%v", list)
	}
	a.must(root, "destroyDurableSubscriber", "c", "s")
	if x := a.exec(root, "destroyDurableSubscriber", "c", "s"); x.Status != 500 || x.ErrorType != "javax.jms.InvalidDestinationException" {
		t.Errorf("%+v", x)
	}
}

func TestScheduledMessages(t *testing.T) {
	t.Parallel()
	a := start(t)
	jobs := root + ",service=JobScheduler,name=JMS"
	a.must(root, "addQueue", "q")
	for range 3 {
		a.must(queueName("q"), "sendTextMessage(java.util.Map,java.lang.String)", map[string]any{"AMQ_SCHEDULED_DELAY": "600000"}, "later")
	}
	if n := a.figure(jobs, "ScheduledMessageCount"); n != 3 || a.figure(queueName("q"), "QueueSize") != 0 {
		t.Errorf("%v are scheduled", n)
	}
	all := a.get("/read/" + jobs + "/AllJobs").Value.(map[string]any)
	for id := range all {
		a.must(jobs, "removeJob", id)
		break
	}
	if n := a.figure(jobs, "ScheduledMessageCount"); n != 2 || len(all) != 3 {
		t.Errorf("%v of %v are left", n, all)
	}
	a.must(jobs, "removeAllJobs()")
	if n := a.figure(jobs, "ScheduledMessageCount"); n != 0 {
		t.Errorf("%v are left", n)
	}
}

func TestResetStatistics(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.send(queueAt("q"), "one", "two")
	a.must(queueName("q"), "resetStatistics")
	a.send(queueAt("q"), "three")
	if n, size := a.figure(queueName("q"), "EnqueueCount"), a.figure(queueName("q"), "QueueSize"); n != 1 || size != 3 {
		t.Errorf("EnqueueCount %v, QueueSize %v", n, size)
	}
	if n := a.Core().Lookup(queueAt("q")).Queue().Counters().Enqueued.Load(); n != 3 {
		t.Errorf("the broker's own counter says %d", n)
	}
}

func TestQueryQueues(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, name := range []string{"a.one", "a.two", "b.one"} {
		a.send(queueAt(name), strings.Fields(strings.Repeat("m ", len(name)-2))...)
	}
	a.send(queueAt("a.two"), "more")
	var page struct {
		Count int
		Data  map[string]map[string]any
	}
	text := a.must(root, "queryQueues", `{"name":"A.","filter":"nonEmpty","sortColumn":"queueSize","sortOrder":"desc"}`, 1, 1).(string)
	if err := json.Unmarshal([]byte(text), &page); err != nil {
		t.Fatal(err)
	}
	if page.Count != 2 || len(page.Data) != 1 || page.Data[queueName("a.two")]["queueSize"] != 4.0 {
		t.Errorf("%s", text)
	}
}

// TestRightsOfOperations shows that an operation needs an administrator with the right on the
// destination, a POST that no other site's page sends, and the operator's consent.
func TestRightsOfOperations(t *testing.T) {
	t.Parallel()
	a := start(t, brokertest.WithSecurity(users()))
	a.send(queueAt("all.q"), "m")
	a.send(queueAt("half.q"), "m")
	a.send(queueAt("other"), "m")
	for _, c := range []struct {
		user, object, operation string
		arguments               []any
		allowed                 bool
	}{
		{"admin", queueName("all.q"), "browse()", nil, true},
		{"eve", queueName("all.q"), "browse()", nil, true},
		{"eve", queueName("half.q"), "browse()", nil, false},
		{"eve", queueName("all.q"), "purge", nil, false},
		{"eve", queueName("all.q"), "pause", nil, false},
		{"eve", queueName("all.q"), "resetStatistics", nil, false},
		{"eve", queueName("all.q"), "sendTextMessage(java.lang.String)", []any{"x"}, false},
		{"eve", root, "addQueue", []any{"all.new"}, false},
		{"eve", root, "removeQueue", []any{"all.q"}, false},
		{"eve", root, "createDurableSubscriber", []any{"c", "s", "all.t", nil}, false},
		{"eve", root + ",service=JobScheduler,name=JMS", "removeAllJobs()", nil, false},
		{"admin", queueName("half.q"), "purge", nil, false},
		{"admin", queueName("half.q"), "browse()", nil, false},
		{"admin", queueName("half.q"), "removeMatchingMessages(java.lang.String)", []any{""}, false},
		{"admin", queueName("all.q"), "moveMatchingMessagesTo(java.lang.String,java.lang.String)", []any{"", "half.q"}, false},
		{"admin", queueName("half.q"), "copyMatchingMessagesTo(java.lang.String,java.lang.String)", []any{"", "all.q"}, false},
		{"admin", root, "addQueue", []any{"half.new"}, false},
		{"admin", root, "removeQueue", []any{"half.q"}, false},
		{"half", queueName("other"), "purge", nil, false},
		{"half", queueName("half.q"), "purge", nil, true},
		{"admin", root, "addQueue", []any{"all.new"}, true},
		{"admin", root, "createDurableSubscriber", []any{"c", "s", "all.t", nil}, true},
		{"admin", queueName("all.q"), "purge", nil, true},
	} {
		x := a.as(c.user).exec(c.object, c.operation, c.arguments...)
		if c.allowed != (x.Status == 200) || !c.allowed && (x.Status != 403 || x.ErrorType != "java.lang.SecurityException") {
			t.Errorf("%s %s %s: %+v", c.user, c.object, c.operation, x)
		}
	}
	if n := a.figure(queueName("other"), "QueueSize"); n != 1 {
		t.Errorf("%v messages are left", n)
	}
	purge := `{"type":"exec","mbean":"` + queueName("other") + `","operation":"purge"}`
	for _, header := range [][]string{{"Origin", "http://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site", "Origin", "http://localhost"}} {
		_, _, body := a.do("POST", "/api/jolokia", purge, header...)
		if x := a.decode(200, body); x.Status != 403 {
			t.Errorf("%v: %s", header, body)
		}
	}
	_, _, body := a.do("POST", "/api/jolokia", purge, "Origin", "http://localhost")
	if x := a.decode(200, body); x.Status != 200 {
		t.Errorf("as scripts for ActiveMQ do: %s", body)
	}
	off := start(t, brokertest.With(func(o *server.Options) { o.HTTP.JolokiaExec = false }))
	off.send(queueAt("q"), "m")
	if x := off.exec(queueName("q"), "purge"); x.Status != 403 || !strings.Contains(x.Error, "http.jolokia_exec") {
		t.Errorf("%+v", x)
	}
	if list := off.must(queueName("q"), "browse()").([]any); len(list) != 1 {
		t.Errorf("%v", list)
	}
	if ops := off.get("/list/org.apache.activemq/brokerName=localhost,destinationName=q,destinationType=Queue,type=Broker/op").Value.(map[string]any); ops["purge"] != nil || ops["browse"] == nil {
		t.Errorf("%v", ops)
	}
}

func TestWithoutJolokia(t *testing.T) {
	t.Parallel()
	a := start(t, brokertest.With(func(o *server.Options) { o.HTTP.NoJolokia = true }))
	if status, _, _ := a.do("GET", "/api/jolokia", ""); status != 404 {
		t.Errorf("%d", status)
	}
}
