package console_test

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/server"
)

type messages struct {
	Messages []struct {
		ID, Preview, Origin string
		Priority            int
		Durable             bool
	}
	Next    int
	Stopped bool
}

// TestFunctions walks through what operators do: create, send, browse, look, copy, move, delete,
// pause, purge.
func TestFunctions(t *testing.T) {
	t.Parallel()
	s := start(t).as("op", token)
	s.must("queues", "action", "create", "name", "orders")
	if n := s.must("send", "to", "orders", "persistent", "yes", "body", `{"a":1}`, "copies", "3", "JMSPriority", "7", "JMSType", "t",
		"JMSCorrelationID", "c", "properties", "color=red\r\nsize=3\n"); n != 3 {
		t.Errorf("sent %d", n)
	}
	s.must("send", "to", "orders", "body", "blue one", "properties", "color=blue")
	if n := s.messages("orders"); n != 4 {
		t.Fatalf("%d messages", n)
	}
	var list messages
	s.data("browse?name=orders&selector="+url.QueryEscape("color = 'blue'"), &list)
	if len(list.Messages) != 1 || list.Messages[0].Preview != "blue one" || list.Messages[0].Durable || list.Messages[0].Priority != 4 {
		t.Errorf("%+v", list)
	}
	s.data("browse?name=orders", &list)
	var m struct {
		Text, JSON          string
		Headers, Properties []struct{ Name, Value string }
	}
	s.data("message?name=orders&id="+url.QueryEscape(list.Messages[0].ID), &m)
	if m.Text != `{"a":1}` || m.JSON != "{\n  \"a\": 1\n}" || !strings.Contains(fmt.Sprint(m.Headers, m.Properties), "{JMSCorrelationID c}") ||
		!strings.Contains(fmt.Sprint(m.Properties), "{color red} {size 3}") {
		t.Errorf("%+v", m)
	}
	if n := s.must("browse", "action", "copy", "name", "orders", "id", list.Messages[0].ID, "to", "copies"); n != 1 || s.messages("copies") != 1 || s.messages("orders") != 4 {
		t.Errorf("copied %d", n)
	}
	if n := s.must("browse", "action", "move", "name", "orders", "id", list.Messages[0].ID, "id", list.Messages[1].ID, "to", "moved"); n != 2 || s.messages("moved") != 2 || s.messages("orders") != 2 {
		t.Errorf("moved %d", n)
	}
	if n := s.must("message", "action", "delete", "name", "moved", "id", list.Messages[0].ID); n != 1 || s.messages("moved") != 1 {
		t.Errorf("deleted %d", n)
	}
	if n := s.must("queue", "action", "remove", "name", "orders", "selector", "color = 'blue'"); n != 1 || s.messages("orders") != 1 {
		t.Errorf("removed %d", n)
	}
	s.must("queue", "action", "pause", "name", "orders")
	if !s.Core().Lookup(queueAt("orders")).Queue().Paused() {
		t.Error("not paused")
	}
	s.must("queue", "action", "resume", "name", "orders")
	if s.Core().Lookup(queueAt("orders")).Queue().Paused() {
		t.Error("not resumed")
	}
	if n := s.must("queue", "action", "purge", "name", "orders"); n != 1 || s.messages("orders") != 0 {
		t.Errorf("purged %d", n)
	}
	s.must("queue", "action", "delete", "name", "orders")
	if s.messages("orders") != -1 {
		t.Error("not deleted")
	}
}

// deadLetters gives a queue dead letters: messages whose time is over.
func (s *site) deadLetters(name string, n int) {
	s.t.Helper()
	s.must("send", "to", name, "persistent", "yes", "body", "late", "copies", fmt.Sprint(n), "JMSTimeToLive", "1")
	d := s.Core().Lookup(queueAt(name))
	deadline := time.Now().Add(20 * time.Second)
	for s.messages("ActiveMQ.DLQ") < int64(n) {
		if err := d.Queue().Expire(s.t.Context()); err != nil || time.Now().After(deadline) {
			s.t.Fatal("the messages have not become dead letters", err)
		}
	}
}

func TestRetryOfDeadLetters(t *testing.T) {
	t.Parallel()
	s := start(t).as("op", token)
	s.deadLetters("orders", 3)
	var dead struct {
		Queues []struct {
			Name    string
			Origins []struct {
				Origin, Cause string
				Messages      int
			}
		}
	}
	s.data("deadletters", &dead)
	if len(dead.Queues) != 1 || len(dead.Queues[0].Origins) != 1 || dead.Queues[0].Origins[0].Origin != "queue://orders" ||
		dead.Queues[0].Origins[0].Messages != 3 || !strings.Contains(dead.Queues[0].Origins[0].Cause, "Expired") {
		t.Fatalf("%+v", dead)
	}
	if text := s.get(""); !strings.Contains(text, "Queue ActiveMQ.DLQ holds 3 dead letters") {
		t.Error("the overview does not tell of them")
	}
	var list messages
	s.data("browse?name=ActiveMQ.DLQ", &list)
	if n := s.must("message", "action", "retry", "name", "ActiveMQ.DLQ", "id", list.Messages[0].ID); n != 1 || s.messages("orders") != 1 {
		t.Errorf("retried %d", n)
	}
	if n := s.must("deadletters", "action", "retry", "name", "ActiveMQ.DLQ"); n != 2 || s.messages("orders") != 3 || s.messages("ActiveMQ.DLQ") != 0 {
		t.Errorf("retried %d", n)
	}
}

func TestTopicsAndSubscribers(t *testing.T) {
	t.Parallel()
	s := start(t).as("op", token)
	s.must("topics", "action", "create", "name", "news")
	s.must("subscribers", "action", "create", "client", "c", "name", "s", "topic", "news", "selector", "color = 'red'")
	s.must("send", "to", "topic://news", "persistent", "yes", "body", "x", "properties", "color=red")
	s.must("send", "to", "topic://news", "persistent", "yes", "body", "x", "properties", "color=blue")
	var list struct {
		Subscribers []struct {
			Client, Name, Topic, Selector string
			Active, Backlog               int
		}
	}
	s.data("subscribers", &list)
	if len(list.Subscribers) != 1 || list.Subscribers[0].Backlog != 1 || list.Subscribers[0].Selector != "color = 'red'" || list.Subscribers[0].Active != 0 {
		t.Errorf("%+v", list)
	}
	if !strings.Contains(s.get(""), "Nobody consumes from subscription s of client c") {
		t.Error("the overview does not tell of it")
	}
	var topics struct {
		Topics []struct{ Name, Published any }
	}
	s.data("topics", &topics)
	if len(topics.Topics) != 1 || topics.Topics[0].Published != 2.0 {
		t.Errorf("%+v", topics)
	}
	s.must("subscribers", "action", "delete", "client", "c", "name", "s")
	s.must("topics", "action", "delete", "name", "news")
	if s.data("subscribers", &list); len(list.Subscribers) != 0 || s.Core().Lookup(topicAt("news")) != nil {
		t.Errorf("%+v", list)
	}
}

func TestScheduled(t *testing.T) {
	t.Parallel()
	s := start(t).as("op", token)
	s.must("send", "to", "q", "persistent", "yes", "body", "later", "copies", "3", "AMQ_SCHEDULED_DELAY", "600000")
	s.must("send", "to", "q", "persistent", "yes", "body", "nightly", "AMQ_SCHEDULED_CRON", "0 3 * * *")
	var list struct {
		Messages []struct{ ID, To, Cron, Preview string }
	}
	s.data("scheduled", &list)
	if len(list.Messages) != 4 || list.Messages[0].Preview != "later" || list.Messages[0].To != "queue://q" || s.messages("q") != 0 {
		t.Fatalf("%+v", list)
	}
	s.must("scheduled", "action", "delete", "name", list.Messages[0].ID)
	if n := s.must("scheduled", "action", "deleteall"); n != 3 || s.Core().Scheduler().Len() != 0 {
		t.Errorf("deleted %d", n)
	}
	if a := s.act("send", "to", "q", "body", "x", "AMQ_SCHEDULED_CRON", "nonsense"); a.status != 400 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestConnections shows a STOMP client, and closes its connection.
func TestConnections(t *testing.T) {
	t.Parallel()
	s := start(t).as("op", token)
	c := s.Dial("stomp")
	if _, err := c.Write([]byte("CONNECT\naccept-version:1.2\nhost:x\nclient-id:<b>me</b>\n\n\x00SUBSCRIBE\nid:1\ndestination:/queue/q\nreceipt:r\n\n\x00")); err != nil {
		t.Fatal(err)
	}
	awaitReceipt(t, c)
	var list struct {
		Connections []struct{ Client, Protocol, Remote, Listener string }
	}
	s.data("connections", &list)
	if len(list.Connections) != 1 || list.Connections[0].Protocol != "stomp" || list.Connections[0].Client != "<b>me</b>" || list.Connections[0].Remote != c.LocalAddr().String() {
		t.Errorf("%+v", list)
	}
	var q struct {
		Consumers int
		Takers    []struct{ Client string }
	}
	s.data("queue?name=q", &q)
	if q.Consumers != 1 || len(q.Takers) != 1 || q.Takers[0].Client != "<b>me</b>" {
		t.Errorf("%+v", q)
	}
	if a := s.act("queue", "action", "delete", "name", "q"); a.status != 409 {
		t.Errorf("a queue with a consumer: %d", a.status)
	}
	s.must("connections", "action", "close", "name", "<b>me</b>")
	for {
		if _, err := c.Read(make([]byte, 4096)); err != nil {
			break
		}
	}
	if s.data("connections", &list); len(list.Connections) != 0 {
		t.Errorf("%+v", list)
	}
}

// TestPolicyAndBlockedProducers shows where settings come from, and who waits for space.
func TestPolicyAndBlockedProducers(t *testing.T) {
	t.Parallel()
	s := start(t, brokertest.With(func(o *server.Options) {
		o.Policies = []policy.Entry{{Match: "queue://small.>", Origin: "destinations.policies[0]", Values: []policy.Value{
			{Name: "limits.messages", Set: func(p *policy.Policy) { p.Limits.Messages = 2 }},
		}}}
	})).as("op", token)
	s.send(queueAt("small.q"), "one", "two")
	c := s.Dial("stomp")
	if _, err := c.Write([]byte("CONNECT\naccept-version:1.2\nhost:x\nclient-id:waiting\n\n\x00SEND\ndestination:/queue/small.q\npersistent:true\nreceipt:1\n\nthree\x00")); err != nil {
		t.Fatal(err)
	}
	var q struct {
		Blocked []struct{ Client, Why, WayOut string }
		Policy  []struct{ Name, Value, Match, Origin string }
	}
	deadline := time.Now().Add(20 * time.Second)
	for len(q.Blocked) == 0 {
		if s.data("queue?name=small.q", &q); time.Now().After(deadline) {
			t.Fatal("nobody waits")
		}
	}
	if q.Blocked[0].Client != "waiting" || !strings.Contains(q.Blocked[0].Why, "message limit") {
		t.Errorf("%+v", q.Blocked)
	}
	if q.Policy[0] != (struct{ Name, Value, Match, Origin string }{"limits.messages", "2", "queue://small.>", "destinations.policies[0]"}) {
		t.Errorf("%+v", q.Policy[0])
	}
	if text := s.get(""); !strings.Contains(text, "The producer waiting waits since") {
		t.Error("the overview does not tell of it")
	}
	s.must("queue", "action", "purge", "name", "small.q")
	for s.messages("small.q") != 1 {
		if time.Now().After(deadline) {
			t.Fatal("the message did not come after the purge")
		}
	}
	sends, waited := s.Core().Lookup(queueAt("small.q")).Blocked()
	if sends != 1 || waited <= 0 {
		t.Errorf("%d sends waited for %v", sends, waited)
	}
}

// TestPages gets every page as HTML and as JSON.
func TestPages(t *testing.T) {
	t.Parallel()
	s := start(t).as("op", token)
	s.send(queueAt("q"), "m")
	for _, path := range []string{
		"", "queues", "queues?filter=q&sort=messages", "queue?name=q", "browse?name=q", "topics", "subscribers", "connections", "scheduled", "deadletters", "send", "send?to=q",
	} {
		a := s.do("GET", "/console/"+path, "", "")
		csp := a.header.Get("Content-Security-Policy")
		if a.status != 200 || !strings.Contains(a.body, "</html>") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") ||
			a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("X-Frame-Options") != "DENY" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
		if strings.Contains(a.body, "<script>") || strings.Contains(a.body, "style=") || strings.Contains(a.body, "onclick") {
			t.Errorf("%s has something inline", path)
		}
		var v map[string]any
		s.data(path, &v)
	}
	for name, kind := range map[string]string{"style.css": "text/css", "refresh.js": "text/javascript"} {
		if a := s.do("GET", "/console/"+name, "", ""); a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), kind) {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if text := s.get("queue?name=q"); !strings.Contains(text, "/api/v1/queues/q") {
		t.Error("no command")
	}
	if a := s.do("GET", "/console/none", "", ""); a.status != 404 {
		t.Errorf("%d", a.status)
	}
	if a := s.do("GET", "/", "", ""); a.status != 303 || a.header.Get("Location") != "/console/" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

// TestManyQueues lists 10,000 queues a page at a time.
func TestManyQueues(t *testing.T) {
	t.Parallel()
	s := start(t).as("op", token)
	for i := range 10_000 {
		if err := s.Core().Create(t.Context(), queueAt(fmt.Sprintf("q.%05d", i))); err != nil {
			t.Fatal(err)
		}
	}
	s.send(queueAt("q.07777"), "m")
	var list struct {
		Total, Pages int
		Queues       []struct{ Name string }
	}
	s.data("queues?page=100", &list)
	if list.Total != 10_000 || list.Pages != 100 || len(list.Queues) != 100 || list.Queues[99].Name != "q.09999" {
		t.Errorf("%d, %d, %+v", list.Total, list.Pages, list.Queues)
	}
	if s.data("queues?sort=messages", &list); list.Queues[0].Name != "q.07777" {
		t.Errorf("%+v", list.Queues[0])
	}
	if s.data("queues?filter=Q.0123", &list); list.Total != 10 {
		t.Errorf("%d match", list.Total)
	}
	if text := s.get("queues"); len(text) > 100<<10 {
		t.Errorf("the page has %d bytes", len(text))
	}
}

func TestBrowsePages(t *testing.T) {
	t.Parallel()
	s := start(t).as("op", token)
	texts := make([]string, 120)
	for i := range texts {
		texts[i] = fmt.Sprint(i)
	}
	s.send(queueAt("q"), texts...)
	var got []string
	for from := 0; ; {
		var list messages
		s.data(fmt.Sprintf("browse?name=q&from=%d", from), &list)
		for _, m := range list.Messages {
			got = append(got, m.Preview)
		}
		if from = list.Next; from == 0 {
			break
		}
	}
	if strings.Join(got, " ") != strings.Join(texts, " ") {
		t.Errorf("%v", got)
	}
}

func TestStandby(t *testing.T) {
	t.Parallel()
	s := start(t).as("op", token)
	if err := s.Core().Deactivate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if text := s.get(""); !strings.Contains(text, broker.Standby.String()) {
		t.Errorf("%s", text)
	}
	if a := s.do("GET", "/console/queues", "", ""); a.status != 503 {
		t.Errorf("%d", a.status)
	}
}

// TestSlowConsumerIsAProblem lets a subscriber of a topic fall behind.
func TestSlowConsumerIsAProblem(t *testing.T) {
	t.Parallel()
	s := start(t).as("op", token)
	c := s.Dial("stomp")
	if _, err := c.Write([]byte("CONNECT\naccept-version:1.2\nhost:x\nclient-id:slow\n\n\x00SUBSCRIBE\nid:1\nack:client\nactivemq.prefetchSize:1\ndestination:/topic/news\nreceipt:r\n\n\x00")); err != nil {
		t.Fatal(err)
	}
	awaitReceipt(t, c)
	s.must("send", "to", "topic://news", "persistent", "yes", "body", "x", "copies", "1500")
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(s.get(""), "The consumer slow of topic://news does not keep up"); {
		if time.Now().After(deadline) {
			t.Fatal("the overview does not tell of it")
		}
	}
}

// awaitReceipt reads what a broker answers by STOMP, up to a receipt.
func awaitReceipt(t *testing.T, c io.Reader) {
	t.Helper()
	buf := make([]byte, 4096)
	for text := ""; !strings.Contains(text, "RECEIPT"); {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		text += string(buf[:n])
	}
}
