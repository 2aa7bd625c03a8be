package console_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/http/access"
	"github.com/manifoldmq/manifold/protocols/http/client"
	"github.com/manifoldmq/manifold/protocols/server"
)

const token = "a-token-that-is-long-enough"

// users are an administrator, one who may look, one who may not get in, and permissions under which
// the administrator has no right on queues named half.
func users() security.Options {
	everybody, halves := []string{"*"}, []string{"halves"}
	return security.Options{
		Users: []security.User{
			{Name: "admin", Password: "secret", Groups: []string{"admins"}},
			{Name: "eve", Password: "secret", Groups: []string{"monitors"}},
			{Name: "app", Password: "secret", Groups: []string{"apps"}},
		},
		Permissions: []security.Permission{
			{Match: "queue://half.>", Read: halves, Write: halves, Admin: halves},
			{Match: "queue://all.>", Read: everybody, Write: everybody, Admin: everybody},
			{Match: "topic://all.>", Read: everybody, Write: everybody, Admin: everybody},
		},
	}
}

// site is a running broker and a browser.
type site struct {
	*brokertest.Broker
	t       testing.TB
	browser *http.Client
	auth    [2]string // sent with each request, if it is set
}

func start(t testing.TB, options ...brokertest.Option) *site {
	t.Helper()
	options = append([]brokertest.Option{brokertest.With(func(o *server.Options) {
		o.HTTP = server.HTTP{Token: token, JolokiaExec: true, Admins: []string{"admins"}, Monitors: []string{"monitors"}}
	})}, options...)
	s := &site{Broker: brokertest.Start(t, options...), t: t}
	s.browser = s.newBrowser()
	return s
}

func (s *site) newBrowser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// as returns the site with another browser, in which a user is logged in.
func (s *site) as(user, password string) *site {
	s.t.Helper()
	b := *s
	b.browser = s.newBrowser()
	if a := b.post("login", url.Values{"name": {user}, "password": {password}}); a.status != http.StatusSeeOther {
		s.t.Fatalf("login of %s: %d %s", user, a.status, a.body)
	}
	return &b
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (s *site) do(method, path, kind, body string, header ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.Addr("auto")+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if s.auth[0] != "" {
		r.SetBasicAuth(s.auth[0], s.auth[1])
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w, err := s.browser.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = w.Body.Close() }()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{w.StatusCode, w.Header, string(text)}
}

// get returns a page of the console, which has to work.
func (s *site) get(path string) string {
	s.t.Helper()
	a := s.do("GET", "/console/"+path, "", "")
	if a.status != http.StatusOK {
		s.t.Fatalf("%s: %d %s", path, a.status, a.body)
	}
	return a.body
}

// data reads the JSON of a page.
func (s *site) data(path string, into any) {
	s.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	if err := json.Unmarshal([]byte(s.get(path+sep+"format=json")), into); err != nil {
		s.t.Fatal(path, err)
	}
}

func (s *site) post(path string, form url.Values, header ...string) answer {
	s.t.Helper()
	return s.do("POST", "/console/"+path, "application/x-www-form-urlencoded", form.Encode(), header...)
}

// csrf returns the token of the user's pages.
func (s *site) csrf() string {
	s.t.Helper()
	m := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(s.get(""))
	if m == nil {
		s.t.Fatal("the page has no token")
	}
	return m[1]
}

// act sends a form with the token, given as names and values in turns.
func (s *site) act(path string, fields ...string) answer {
	s.t.Helper()
	form := url.Values{"csrf": {s.csrf()}}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return s.post(path, form)
}

// must is act for what has to work; it returns how many it was done to.
func (s *site) must(path string, fields ...string) (count int) {
	s.t.Helper()
	a := s.act(path+"?format=json", fields...)
	var done struct {
		Done  string
		Count int
	}
	if err := json.Unmarshal([]byte(a.body), &done); err != nil || a.status != http.StatusOK || done.Done == "" {
		s.t.Fatalf("%s %v: %d %s", path, fields, a.status, a.body)
	}
	return done.Count
}

// connect opens a connection to the broker, past everything.
func (s *site) connect() *client.Client {
	s.t.Helper()
	gate, err := access.New(access.Options{Token: func(string) bool { return true }})
	if err != nil {
		s.t.Fatal(err)
	}
	who, err := gate.Login(s.t.Context(), "test", "x")
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := client.Open(s.t.Context(), s.Core(), who)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// send puts texts on a destination.
func (s *site) send(to address.Address, texts ...string) {
	s.t.Helper()
	var d client.Draft
	list := make([]*message.Message, len(texts))
	for i, text := range texts {
		list[i] = d.Message(to, text)
	}
	if _, err := s.connect().Send(s.t.Context(), list...); err != nil {
		s.t.Fatal(err)
	}
}

// messages returns how many messages a queue holds; -1 if there is none.
func (s *site) messages(name string) int64 {
	d := s.Core().Lookup(queueAt(name))
	if d == nil {
		return -1
	}
	return d.Queue().Counters().Entries.Load()
}

func queueAt(name string) address.Address { return address.Address{Kind: address.Queue, Name: name} }
func topicAt(name string) address.Address { return address.Address{Kind: address.Topic, Name: name} }
