package console_test

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/clienttest"
	"github.com/manifoldmq/manifold/protocols/http/client"
	"github.com/manifoldmq/manifold/protocols/server"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	s := start(t, brokertest.WithSecurity(users()))
	if a := s.do("GET", "/console/queue?name=a", "", ""); a.status != 303 || a.header.Get("Location") != "/console/login?to="+url.QueryEscape("queue?name=a") {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := s.do("GET", "/console/queues?format=json", "", ""); a.status != 401 || a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := s.post("queues", url.Values{"action": {"create"}, "name": {"x"}}); a.status != 303 || a.header.Get("Location") != "/console/login" || s.messages("x") != -1 {
		t.Errorf("an action of nobody: %d %v", a.status, a.header)
	}
	for _, c := range []struct {
		name, password string
		status         int
	}{{"admin", "wrong", 401}, {"admin", "", 401}, {"", "", 401}, {"app", "secret", 403}, {"admin", "secret", 303}, {"eve", "secret", 303}, {"any", token, 303}} {
		b := *s
		b.browser = s.newBrowser()
		a := b.post("login", url.Values{"name": {c.name}, "password": {c.password}, "to": {"queues?sort=messages"}})
		if a.status != c.status {
			t.Errorf("%s/%s: %d", c.name, c.password, a.status)
		}
		if c.status != 303 {
			if a.header.Get("Set-Cookie") != "" {
				t.Error("a cookie for nothing")
			}
			continue
		}
		cookie := a.header.Get("Set-Cookie")
		if a.header.Get("Location") != "/console/queues?sort=messages" || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") {
			t.Errorf("%v", a.header)
		}
		if text := b.get("queues"); strings.Contains(text, "Create queue") != (c.name != "eve") {
			t.Errorf("%s: %s", c.name, text)
		}
	}
	for _, to := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "login", "../livez", "javascript:alert(1)", "%zz"} {
		b := *s
		b.browser = s.newBrowser()
		if a := b.post("login", url.Values{"name": {"admin"}, "password": {"secret"}, "to": {to}}); a.status != 303 || a.header.Get("Location") != "/console/" {
			t.Errorf("%s leads to %s", to, a.header.Get("Location"))
		}
	}
	if a := s.post("login", url.Values{"name": {"admin"}, "password": {"secret"}}, "Sec-Fetch-Site", "cross-site"); a.status != 403 {
		t.Errorf("a login from another site: %d", a.status)
	}
	if a := s.post("login", url.Values{"name": {strings.Repeat("x", 100_000)}, "password": {"secret"}}); a.status != 401 || len(a.body) > 10_000 {
		t.Errorf("a long name: %d, %d bytes", a.status, len(a.body))
	}
	basic := *s
	basic.auth = [2]string{"admin", "secret"}
	if a := basic.do("GET", "/console/queues?format=json", "", ""); a.status != 200 {
		t.Errorf("by a password with the request: %d", a.status)
	}
}

func TestLogoutAndReload(t *testing.T) {
	t.Parallel()
	s := start(t, brokertest.WithSecurity(users()))
	b := s.as("admin", "secret")
	b.get("queues")
	csrf := b.csrf()
	if a := b.act("logout"); a.status != 303 {
		t.Errorf("%d", a.status)
	}
	if a := b.do("GET", "/console/queues", "", ""); a.status != 303 {
		t.Errorf("after the logout: %d", a.status)
	}
	// The token of a session that is over is worth nothing in another one.
	b = s.as("admin", "secret")
	if a := b.post("queues", url.Values{"csrf": {csrf}, "action": {"create"}, "name": {"all.x"}}); a.status != 403 {
		t.Errorf("an old token: %d", a.status)
	}
	demoted := users()
	demoted.Users[0].Groups = []string{"monitors"}
	s.Reload(brokertest.WithSecurity(demoted))
	if a := b.act("queues", "action", "create", "name", "all.x"); a.status != 403 {
		t.Errorf("after the rights are gone: %d", a.status)
	}
	demoted.Users[0].Name = "other"
	s.Reload(brokertest.WithSecurity(demoted))
	if a := b.do("GET", "/console/queues", "", ""); a.status != 303 {
		t.Errorf("after the user is gone: %d", a.status)
	}
}

// TestPasswordChangeEndsSessions holds that who has got in by a password is out when it is another.
func TestPasswordChangeEndsSessions(t *testing.T) {
	t.Parallel()
	s := start(t, brokertest.WithSecurity(users()))
	b, eve := s.as("admin", "secret"), s.as("eve", "secret")
	changed := users()
	changed.Users[0].Password = "another"
	s.Reload(brokertest.WithSecurity(changed))
	if a := b.do("GET", "/console/queues", "", ""); a.status != 303 {
		t.Errorf("after the password has changed: %d", a.status)
	}
	eve.get("queues")
	s.as("admin", "another").get("queues")
}

// TestMovesNeedRights holds that neither a retry sends to where the caller may not, nor a move shows
// him what he may not read.
func TestMovesNeedRights(t *testing.T) {
	t.Parallel()
	o := users()
	o.Permissions = append(o.Permissions, security.Permission{Match: "queue://sealed", Write: []string{"*"}, Admin: []string{"*"}})
	s := start(t, brokertest.WithSecurity(o))
	s.send(queueAt("half.x"), "dead")
	s.send(queueAt("all.y"), "dead too")
	s.send(queueAt("sealed"), "a secret")
	operator, admin := s.as("any", token), s.as("admin", "secret")
	for _, from := range []string{"half.x", "all.y"} {
		operator.must("queue", "action", "move", "name", from, "to", "all.dead")
	}
	if n := admin.must("queue", "action", "retry", "name", "all.dead"); n != 1 || s.messages("half.x") != 0 || s.messages("all.y") != 1 {
		t.Errorf("%d were retried, %d to a queue that he may not write to", n, s.messages("half.x"))
	}
	if n := operator.must("queue", "action", "retry", "name", "all.dead"); n != 1 || s.messages("half.x") != 1 {
		t.Errorf("the operator retried %d", n)
	}
	if a := admin.act("queue", "action", "move", "name", "sealed", "to", "all.y"); a.status != 403 || s.messages("sealed") != 1 {
		t.Errorf("a move off a queue that he may not read: %d", a.status)
	}
}

// TestScheduledMessagesNeedRights holds that nobody deletes what is to come to where he has no right.
func TestScheduledMessagesNeedRights(t *testing.T) {
	t.Parallel()
	s := start(t, brokertest.WithSecurity(users()))
	operator, admin := s.as("any", token), s.as("admin", "secret")
	for _, to := range []string{"half.x", "all.y"} {
		operator.must("send", "to", to, "persistent", "yes", "body", "later", "copies", "2", "AMQ_SCHEDULED_DELAY", "600000")
	}
	var list struct{ Messages []struct{ ID, To string } }
	operator.data("scheduled", &list)
	for _, m := range list.Messages[:1] {
		if a := admin.act("scheduled", "action", "delete", "name", m.ID); a.status != 403 || m.To != "queue://half.x" {
			t.Errorf("one to %s: %d", m.To, a.status)
		}
	}
	if n := admin.must("scheduled", "action", "deleteall"); n != 2 || s.Core().Scheduler().Len() != 2 {
		t.Errorf("%d were deleted, %d are left", n, s.Core().Scheduler().Len())
	}
	admin.must("send", "to", "all.y", "persistent", "yes", "body", "later", "AMQ_SCHEDULED_DELAY", "900000")
	operator.data("scheduled", &list)
	admin.must("scheduled", "action", "delete", "name", list.Messages[2].ID)
	if n := operator.must("scheduled", "action", "deleteall"); n != 2 || s.Core().Scheduler().Len() != 0 {
		t.Errorf("the operator deleted %d", n)
	}
}

// actions are all that the console does, for a queue.
func actions(queue string) [][]string {
	return [][]string{
		{"queues", "action", "create", "name", queue + ".new"},
		{"queue", "action", "pause", "name", queue},
		{"queue", "action", "resume", "name", queue},
		{"queue", "action", "purge", "name", queue},
		{"queue", "action", "delete", "name", queue},
		{"queue", "action", "remove", "name", queue, "selector", "a = 'b'"},
		{"queue", "action", "move", "name", queue, "to", queue + ".to"},
		{"queue", "action", "copy", "name", queue, "to", queue + ".to"},
		{"queue", "action", "retry", "name", queue},
		{"deadletters", "action", "retry", "name", queue},
		{"browse", "action", "delete", "name", queue, "id", "x"},
		{"browse", "action", "copy", "name", queue, "id", "x", "to", queue + ".to"},
		{"message", "action", "move", "name", queue, "id", "x", "to", queue + ".to"},
		{"message", "action", "retry", "name", queue, "id", "x"},
		{"topics", "action", "create", "name", queue + ".t"},
		{"topics", "action", "delete", "name", queue + ".t"},
		{"subscribers", "action", "create", "client", "c", "name", "s", "topic", queue + ".t"},
		{"subscribers", "action", "delete", "client", "c", "name", "s"},
		{"connections", "action", "close", "name", "c"},
		{"scheduled", "action", "delete", "name", "x"},
		{"scheduled", "action", "deleteall"},
		{"send", "to", queue, "body", "x"},
	}
}

// TestRights shows that each action asks for the rights of who is logged in.
func TestRights(t *testing.T) {
	t.Parallel()
	s := start(t, brokertest.WithSecurity(users()))
	s.send(queueAt("all.q"), "m")
	s.send(queueAt("half.q"), "m")
	eve, admin := s.as("eve", "secret"), s.as("admin", "secret")
	for _, form := range actions("all.q") {
		if a := eve.act(form[0], form[1:]...); a.status != 403 && a.status != 404 || a.status == 404 && s.messages("all.q") != 1 {
			t.Errorf("who may look: %v: %d", form, a.status)
		}
	}
	for _, form := range actions("half.q") {
		if form[0] == "connections" || form[0] == "scheduled" || form[0] == "subscribers" && form[2] == "delete" {
			continue // these are about no destination here
		}
		if a := admin.act(form[0], form[1:]...); a.status != 403 {
			t.Errorf("an administrator without the right: %v: %d", form, a.status)
		}
	}
	if s.messages("half.q") != 1 || s.messages("all.q") != 1 {
		t.Error("something was done")
	}
	for path, status := range map[string]int{"browse?name=half.q": 403, "message?name=half.q&id=x": 403, "queue?name=half.q": 200, "browse?name=all.q": 200} {
		for _, who := range []*site{eve, admin} {
			if a := who.do("GET", "/console/"+path, "", ""); a.status != status {
				t.Errorf("%s: %d", path, a.status)
			}
		}
	}
	if n := admin.must("queue", "action", "move", "name", "all.q", "to", "all.other"); n != 1 {
		t.Errorf("moved %d", n)
	}
	if a := admin.act("queue", "action", "move", "name", "all.other", "to", "half.q"); a.status != 403 {
		t.Errorf("a move to where one may not write: %d", a.status)
	}
}

// TestForgery sends every action without the token, with a wrong one, and from other sites.
func TestForgery(t *testing.T) {
	t.Parallel()
	s := start(t).as("op", token)
	s.send(queueAt("q"), "m")
	good := s.csrf()
	basic := *s
	basic.browser, basic.auth = s.newBrowser(), [2]string{"op", token}
	for _, form := range actions("q") {
		fields := url.Values{}
		for i := 1; i < len(form); i += 2 {
			fields.Add(form[i], form[i+1])
		}
		for _, wrong := range []string{"", "x", good[1:] + "A"} {
			fields.Set("csrf", wrong)
			if a := s.post(form[0], fields); a.status != 403 {
				t.Errorf("%v with token %q: %d", form, wrong, a.status)
			}
			if a := basic.post(form[0], fields); a.status != 403 {
				t.Errorf("%v with a password and token %q: %d", form, wrong, a.status)
			}
		}
		fields.Set("csrf", good)
		for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "http://evil.example"}, {"Origin", "null"}} {
			if a := s.post(form[0], fields, header...); a.status != 403 {
				t.Errorf("%v with %v: %d", form, header, a.status)
			}
		}
		if a := basic.post(form[0], fields); a.status != 403 {
			t.Errorf("%v with the token of a session: %d", form, a.status)
		}
		if a := s.do("GET", "/console/"+form[0]+"?"+fields.Encode(), "", ""); a.status >= 500 || s.messages("q") != 1 {
			t.Errorf("%v by GET: %d", form, a.status)
		}
		if a := s.do("POST", "/console/"+form[0], "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n"+good+"\r\n--x--\r\n"); a.status != 403 {
			t.Errorf("%v as another kind of form: %d", form, a.status)
		}
	}
	if s.messages("q") != 1 || s.Core().Lookup(queueAt("q")).Queue().Paused() {
		t.Error("something was done")
	}
	if a := s.act("logout", "csrf", "x"); a.status != 303 { // the first one counts
		t.Errorf("%d", a.status)
	}
}

// TestEscaping puts markup wherever clients can put text, and looks for it in every page.
func TestEscaping(t *testing.T) {
	t.Parallel()
	const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>` + "\r\nX-Evil: 1" + "\u202e"
	s := start(t).as("op", token)
	var d client.Draft
	for _, name := range []string{"JMSType", "JMSCorrelationID", "JMSReplyTo", "JMSXGroupID", evil, "x"} {
		if err := d.Set(name, evil); err != nil {
			t.Fatal(err)
		}
	}
	c := s.connect()
	m := d.Message(queueAt(evil), evil)
	if _, err := c.Send(t.Context(), m, d.Message(topicAt(evil), evil)); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateDurable(t.Context(), evil, evil, evil, "x = '<script>'"); err != nil {
		t.Fatal(err)
	}
	fields := []message.Field{{Name: evil, Value: message.OfString(evil)}}
	for _, p := range []message.Payload{
		{Kind: message.MapPayload, Value: message.OfMap(fields)},
		{Kind: message.StreamPayload, Value: message.OfList([]message.Value{message.OfString(evil)})},
		{Kind: message.BytesPayload, Value: message.OfBytes(evil)},
		{Kind: message.BytesPayload, Value: message.OfBytes("\x00\xff<script>")},
		{Kind: message.TextPayload, Value: message.OfString(strings.Repeat("<script>", 100_000))},
	} {
		m := &message.Message{Content: message.NewNative(fields, p)}
		m.Address = queueAt(evil)
		if _, err := c.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	name := url.QueryEscape(evil)
	pages := []string{
		"", "queues", "queues?filter=" + url.QueryEscape("<script>"), "topics", "subscribers", "subscribers?filter=" + name, "queue?name=" + name, "browse?name=" + name, "browse?name=" + name + "&selector=" + url.QueryEscape("x = '<script>'"),
		"send?to=" + name, "login?to=" + name, "deadletters", "scheduled", "connections?filter=" + name, "queue?name=none" + name, "message?name=" + name + "&id=" + name, "browse?name=" + name + "&selector=" + name,
	}
	var list messages
	s.data("browse?name="+name, &list)
	if len(list.Messages) != 6 {
		t.Fatalf("%d messages", len(list.Messages))
	}
	for _, m := range list.Messages {
		pages = append(pages, "message?name="+name+"&id="+url.QueryEscape(m.ID))
	}
	for _, path := range pages {
		a := s.do("GET", "/console/"+path, "", "")
		if strings.Contains(a.body, "<script>") || strings.Contains(a.body, "<img") || a.header.Get("X-Evil") != "" || len(a.body) > 2<<20 {
			t.Errorf("%s: %d bytes, %.500s", path, len(a.body), a.body[max(0, strings.Index(a.body, "<script>")-100):])
		}
		if a.status >= 500 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for _, form := range [][]string{{"queues", "action", "create", "name", evil}, {"queue", "action", evil, "name", evil}, {"send", "to", evil, "body", "x", "JMSPriority", evil}, {"connections", "action", "close", "name", evil}} {
		if a := s.act(form[0], form[1:]...); strings.Contains(a.body, "<script>") || a.status >= 500 {
			t.Errorf("%v: %d %s", form[0], a.status, a.body)
		}
	}
	if a := s.act("queue", "action", "purge", "name", evil); a.status != 200 || strings.Contains(a.body, "<script>") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestHostile(t *testing.T) {
	t.Parallel()
	s := start(t).as("op", token)
	s.send(queueAt("q"), "m")
	long := strings.Repeat("a", 20<<10)
	for _, path := range []string{
		"/console/" + long, "/console/../livez", "/console//queues", "/console/queues/", "/console/%00", "/console/queue", "/console/queue?name=" + long,
		"/console/browse?name=q&from=-1", "/console/browse?name=q&from=999999999999999999999", "/console/browse?name=q&selector=" + strings.Repeat("(", 10000),
		"/console/queues?page=-1", "/console/queues?page=x", "/console/queues?page=99999999999", "/console/queues?%zz", "/console/message?name=q", "/admin/none.jsp", "/admin/xml/none.jsp",
		"/console/queue?name=topic://q", "/console/queue?name=%ff%fe", "/console/style.css/..", "/console/static/style.css",
	} {
		if a := s.do("GET", path, "", ""); a.status >= 500 {
			t.Errorf("%.80s: %d %s", path, a.status, a.body)
		}
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS"} {
		for _, path := range []string{"/console/", "/console/queues", "/console/login", "/console/style.css", "/console/logout", "/admin/queues.jsp"} {
			if a := s.do(method, path, "", ""); a.status != 405 || a.header.Get("Allow") == "" {
				t.Errorf("%s %s: %d", method, path, a.status)
			}
		}
	}
	if a := s.act("send", "to", "q", "body", strings.Repeat("x", 3<<20)); a.status != 413 {
		t.Errorf("a long form: %d", a.status)
	}
	for _, fields := range [][]string{
		{"to", ""}, {"to", "q", "copies", "0"}, {"to", "q", "copies", "10001"}, {"to", "q", "copies", "x"}, {"to", "q", "copies", "10000", "body", long}, {"to", "q", "properties", "novalue"}, {"to", "q", "properties", "=x"},
		{"to", "q", "JMSPriority", "10"}, {"to", "q", "JMSTimeToLive", "-1"}, {"to", "q", "AMQ_SCHEDULED_DELAY", "x"}, {"to", "temp-queue://none"},
	} {
		if a := s.act("send", fields...); a.status < 400 || a.status >= 500 {
			t.Errorf("%.80v: %d", fields, a.status)
		}
	}
	for _, form := range [][]string{{"queue", "action", "remove", "name", "q"}, {"queue", "action", "move", "name", "q"}, {"queue", "name", "q"}, {"browse", "action", "delete", "name", "q"}, {"queue", "action", "remove", "name", "q", "selector", "((("}, {"topics", "action", "delete", "name", "queue://q"}} {
		if a := s.act(form[0], form[1:]...); a.status < 400 || a.status >= 500 {
			t.Errorf("%v: %d", form, a.status)
		}
	}
	if s.messages("q") != 1 {
		t.Error("something was done")
	}
}

// TestSessionsAreBounded logs in more often than there may be sessions.
func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	s := start(t)
	first := s.as("op", token)
	form := url.Values{"name": {"op"}, "password": {token}}
	for range 1005 {
		b := *s
		b.browser = &http.Client{CheckRedirect: s.browser.CheckRedirect}
		if a := b.post("login", form); a.status != 303 {
			t.Fatal(a.status)
		}
	}
	if a := first.do("GET", "/console/queues", "", ""); a.status != 303 {
		t.Errorf("the oldest session goes on: %d", a.status)
	}
}

// TestAdminPaths shows that what leads to ActiveMQ's console leads here, and that its XML figures
// are answered.
func TestAdminPaths(t *testing.T) {
	t.Parallel()
	s := start(t, brokertest.WithSecurity(users()))
	for path, to := range map[string]string{
		"/admin": "/console/", "/admin/": "/console/", "/admin/queues.jsp": "/console/queues", "/admin/topics.jsp": "/console/topics", "/admin/subscribers.jsp": "/console/subscribers",
		"/admin/connections.jsp": "/console/connections", "/admin/scheduled.jsp": "/console/scheduled", "/admin/browse.jsp?JMSDestination=a%26b": "/console/browse?name=a%26b",
		"/admin/message.jsp?id=ID:1&JMSDestination=q": "/console/message?id=ID%3A1&name=q", "/admin/send.jsp?JMSDestination=q&JMSDestinationType=queue": "/console/send?to=q",
	} {
		if a := s.do("GET", path, "", ""); a.status != 303 || a.header.Get("Location") != to {
			t.Errorf("%s: %d %s", path, a.status, a.header.Get("Location"))
		}
	}
	s.send(queueAt(`all.<q>&"`), "m", "n")
	s.send(topicAt("all.t"), "m")
	if err := s.connect().CreateDurable(t.Context(), "c", "s", "all.t", ""); err != nil {
		t.Fatal(err)
	}
	if a := s.do("GET", "/admin/xml/queues.jsp", "", ""); a.status != 401 || a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("%d", a.status)
	}
	s.auth = [2]string{"eve", "secret"}
	var queues struct {
		Queue []struct {
			Name  string `xml:"name,attr"`
			Stats struct {
				Size          int64 `xml:"size,attr"`
				ConsumerCount int   `xml:"consumerCount,attr"`
				EnqueueCount  int64 `xml:"enqueueCount,attr"`
				DequeueCount  int64 `xml:"dequeueCount,attr"`
			} `xml:"stats"`
		} `xml:"queue"`
	}
	a := s.do("GET", "/admin/xml/queues.jsp", "", "")
	if err := xml.Unmarshal([]byte(a.body), &queues); err != nil || len(queues.Queue) != 1 || queues.Queue[0].Name != `all.<q>&"` ||
		queues.Queue[0].Stats.Size != 2 || queues.Queue[0].Stats.EnqueueCount != 2 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/xml") {
		t.Errorf("%v %s", err, a.body)
	}
	if !strings.Contains(a.body, `<stats size="2" consumerCount="0" enqueueCount="2" dequeueCount="0"/>`) {
		t.Errorf("%s", a.body)
	}
	if a := s.do("GET", "/admin/xml/topics.jsp", "", ""); !strings.Contains(a.body, `<topic name="all.t">`) {
		t.Errorf("%s", a.body)
	}
	if a := s.do("GET", "/admin/xml/subscribers.jsp", "", ""); !strings.Contains(a.body, `<subscriber clientId="c" subscriptionName="s" connectionId="NOTSET" destinationName="all.t" selector="" active="no">`) {
		t.Errorf("%s", a.body)
	}
}

// TestSecureCookie shows that the cookie of a session that began over TLS never goes without.
func TestSecureCookie(t *testing.T) {
	t.Parallel()
	pki, err := clienttest.WritePKI(t.TempDir(), "client")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, brokertest.WithTLS(protocols.TLSOptions{Certificate: pki.ServerCert, Key: pki.ServerKey}))
	settings, err := clienttest.TLSFiles{CA: pki.CA}.Config()
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Transport: &http.Transport{TLSClientConfig: settings}, CheckRedirect: s.browser.CheckRedirect}
	t.Cleanup(browser.CloseIdleConnections)
	w, err := browser.PostForm("https://"+s.Addr("tls")+"/console/login", url.Values{"name": {"op"}, "password": {token}})
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Body.Close()
	if cookie := w.Header.Get("Set-Cookie"); w.StatusCode != 303 || !strings.Contains(cookie, "Secure") {
		t.Errorf("%d %s", w.StatusCode, cookie)
	}
}

func TestWithoutConsole(t *testing.T) {
	t.Parallel()
	s := start(t, brokertest.With(func(o *server.Options) { o.HTTP.NoConsole = true }))
	for _, path := range []string{"/", "/console/", "/admin/queues.jsp", "/console/login"} {
		if a := s.do("GET", path, "", ""); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	open := start(t)
	if a := open.post("login", url.Values{"name": {"admin"}, "password": {"admin"}}); a.status != 401 {
		t.Errorf("without security a wrong password got %d", a.status)
	}
}
