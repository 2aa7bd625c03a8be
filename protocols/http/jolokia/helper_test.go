package jolokia_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/http/access"
	"github.com/manifoldmq/manifold/protocols/http/client"
	"github.com/manifoldmq/manifold/protocols/server"
)

const (
	token = "a-token-that-is-long-enough"
	root  = "org.apache.activemq:type=Broker,brokerName=localhost"
)

func queueName(name string) string { return root + ",destinationType=Queue,destinationName=" + name }
func topicName(name string) string { return root + ",destinationType=Topic,destinationName=" + name }

// users are an administrator, one who may look, one of neither kind, and an administrator of some
// queues only.
func users() security.Options {
	everybody := []string{"*"}
	return security.Options{
		Users: []security.User{
			{Name: "admin", Password: "secret", Groups: []string{"admins"}},
			{Name: "eve", Password: "secret", Groups: []string{"monitors"}},
			{Name: "app", Password: "secret", Groups: []string{"apps"}},
			{Name: "half", Password: "secret", Groups: []string{"admins", "halves"}},
		},
		Permissions: []security.Permission{
			{Match: "queue://>", Read: []string{"apps"}, Write: []string{"apps"}, Admin: []string{"apps"}},
			{Match: "queue://half.>", Read: []string{"halves"}, Write: []string{"halves"}, Admin: []string{"halves"}},
			{Match: "queue://all.>", Read: everybody, Write: everybody, Admin: everybody},
			{Match: "topic://all.>", Read: everybody, Write: everybody, Admin: everybody},
		},
	}
}

// agent is a running broker, asked over HTTP.
type agent struct {
	*brokertest.Broker
	t              testing.TB
	user, password string
}

func start(t testing.TB, options ...brokertest.Option) *agent {
	t.Helper()
	options = append([]brokertest.Option{brokertest.With(func(o *server.Options) {
		o.HTTP = server.HTTP{Token: token, JolokiaExec: true, Admins: []string{"admins"}, Monitors: []string{"monitors"}}
	})}, options...)
	return &agent{brokertest.Start(t, options...), t, "any", token}
}

// as returns the agent for another user.
func (a *agent) as(user string) *agent {
	b := *a
	b.user, b.password = user, "secret"
	return &b
}

// reply is a Jolokia answer.
type reply struct {
	Request   map[string]any
	Value     any
	Status    int
	Timestamp int64
	Error     string
	ErrorType string `json:"error_type"`
}

// do sends an HTTP request and returns its status, and the body.
func (a *agent) do(method, path, body string, header ...string) (int, http.Header, string) {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), method, "http://"+a.Addr("auto")+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	r.SetBasicAuth(a.user, a.password)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = w.Body.Close() }()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return w.StatusCode, w.Header, string(text)
}

func (a *agent) decode(status int, body string) (x reply) {
	a.t.Helper()
	if status != http.StatusOK {
		a.t.Fatalf("%d %s", status, body)
	}
	if err := json.Unmarshal([]byte(body), &x); err != nil {
		a.t.Fatalf("%v in %.500q", err, body)
	}
	return x
}

func (a *agent) get(path string) reply {
	a.t.Helper()
	status, _, body := a.do("GET", "/api/jolokia"+path, "")
	return a.decode(status, body)
}

func (a *agent) post(request any) reply {
	a.t.Helper()
	text, err := json.Marshal(request)
	if err != nil {
		a.t.Fatal(err)
	}
	status, _, body := a.do("POST", "/api/jolokia", string(text))
	return a.decode(status, body)
}

// exec carries an operation out.
func (a *agent) exec(object, operation string, arguments ...any) reply {
	a.t.Helper()
	if arguments == nil {
		arguments = []any{}
	}
	return a.post(map[string]any{"type": "exec", "mbean": object, "operation": operation, "arguments": arguments})
}

// must is exec for what has to work; it returns the value.
func (a *agent) must(object, operation string, arguments ...any) any {
	a.t.Helper()
	x := a.exec(object, operation, arguments...)
	if x.Status != http.StatusOK {
		a.t.Fatalf("%s %s: %+v", object, operation, x)
	}
	return x.Value
}

// figure returns an attribute that is a number.
func (a *agent) figure(object, attribute string) float64 {
	a.t.Helper()
	x := a.get("/read/" + object + "/" + attribute)
	n, ok := x.Value.(float64)
	if !ok {
		a.t.Fatalf("%s of %s: %+v", attribute, object, x)
	}
	return n
}

// send puts texts on a destination.
func (a *agent) send(to address.Address, texts ...string) {
	a.t.Helper()
	gate, err := access.New(access.Options{Token: func(string) bool { return true }})
	if err != nil {
		a.t.Fatal(err)
	}
	who, err := gate.Login(a.t.Context(), "test", "x")
	if err != nil {
		a.t.Fatal(err)
	}
	c, err := client.Open(a.t.Context(), a.Core(), who)
	if err != nil {
		a.t.Fatal(err)
	}
	defer c.Close()
	for _, text := range texts {
		var d client.Draft
		if _, err := c.Send(a.t.Context(), d.Message(to, text)); err != nil {
			a.t.Fatal(err)
		}
	}
}

func queueAt(name string) address.Address { return address.Address{Kind: address.Queue, Name: name} }
func topicAt(name string) address.Address { return address.Address{Kind: address.Topic, Name: name} }
