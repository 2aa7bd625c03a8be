package stomptest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// The rights that a role has on destinations that begin with app. and on temporary ones. On others nobody has any.
const (
	mayRead   = "read from"
	mayWrite  = "write to"
	mayCreate = "create"
)

// roles are the users of the table, and what each may do. The guest comes without a name.
func roles() map[string][]string {
	return map[string][]string{
		"reader":    {mayRead},
		"writer":    {mayWrite},
		"admin":     {mayRead, mayWrite, mayCreate},
		"nobody":    nil,
		"anonymous": nil,
	}
}

// accessOptions give the roles their rights. The topic that clients synchronise over is everybody's.
func accessOptions(t testing.TB) security.Options {
	everybody := []string{"*"}
	app := security.Permission{Read: []string{"readers", "admins"}, Write: []string{"writers", "admins"}, Admin: []string{"admins"}}
	o := security.Options{
		Anonymous: true,
		Users: []security.User{
			{Name: "reader", Hash: hash(t, "reader"), Groups: []string{"readers"}},
			{Name: "writer", Hash: hash(t, "writer"), Groups: []string{"writers"}},
			{Name: "admin", Hash: hash(t, "admin"), Groups: []string{"admins"}},
			{Name: "nobody", Hash: hash(t, "nobody")},
		},
		Permissions: []security.Permission{{Match: "topic://stomptest.sync", Write: everybody, Admin: everybody}},
	}
	for _, match := range []string{"queue://app.>", "topic://app.>", "temp-queue://>", "temp-topic://>"} {
		app.Match = match
		o.Permissions = append(o.Permissions, app)
	}
	return o
}

// as opens a session of a role. Each user's password is its name.
func as(t testing.TB, b *brokertest.Broker, role, version string, pairs ...string) *stomptest.Client {
	t.Helper()
	target := stomptest.Target{Address: b.Addr("stomp")}
	if role != "anonymous" {
		target.User, target.Pass = role, role
	}
	c := stomptest.Open(t, target)
	c.Login(version, pairs...)
	return c
}

// need is a right that an operation needs.
type need struct{ right, object string }

// operation is a row of the table: a frame, and what it needs, in the order in which it is asked for.
type operation struct {
	name  string
	frame stomptest.Frame
	needs []need
}

// refusal returns the text that a role sees, "" if it may.
func (o *operation) refusal(role string) string {
	for _, n := range o.needs {
		ruled := strings.Contains(n.object, "://app.") || strings.HasPrefix(n.object, "temp-") || n.object == "queue://app" // app.> is app too
		if !ruled || !slices.Contains(roles()[role], n.right) {
			return fmt.Sprintf("User %s is not authorized to %s: %s", role, n.right, n.object)
		}
	}
	return ""
}

// spellings are the ways to write a destination that exists already, and the objects that they stand for.
func spellings() map[string][]string {
	return map[string][]string{
		"/queue/app.q":                 {"queue://app.q"},
		"app.q":                        {"queue://app.q"},
		"queue://app.q":                {"queue://app.q"},
		"/queue/app.q?consumer.x=1":    {"queue://app.q"},
		"/queue/app.q?":                {"queue://app.q"},
		" /queue/app.q ":               {"queue://app.q"},
		"/queue/app.q,/queue/app.r":    {"queue://app.q", "queue://app.r"},
		"/queue/app.q, app.r":          {"queue://app.q", "queue://app.r"},
		"/queue/app.q,/queue/secret":   {"queue://app.q", "queue://secret"},
		"/queue/app.q,/topic/secret.t": {"queue://app.q", "topic://secret.t"},
		"/queue/app.q,topic://app.t":   {"queue://app.q", "topic://app.t"},
		"/queue/secret":                {"queue://secret"},
		"secret":                       {"queue://secret"},
		"queue://secret":               {"queue://secret"},
		"queue:///secret":              {"queue:///secret"},
		"/queue//secret":               {"queue:///secret"},
		"/secret":                      {"queue:///secret"},
		"/queue/APP.q":                 {"queue://APP.q"},
		"/queue/app":                   {"queue://app"},
		"/queue/>":                     {"queue://>"},
		"/queue/*.q":                   {"queue://*.q"},
		"/queue/queue://secret":        {"queue://queue://secret"},
		"/topic/app.t":                 {"topic://app.t"},
		"topic://app.t":                {"topic://app.t"},
		"/topic/app.t,/topic/app.u":    {"topic://app.t", "topic://app.u"},
		"/topic/secret.t":              {"topic://secret.t"},
		"/topic/>":                     {"topic://>"},
		"/topic/*.t":                   {"topic://*.t"},
		"/dsub/secret.t":               {"topic://secret.t"},
	}
}

func needs(right string, objects []string) []need {
	list := make([]need, len(objects))
	for i, o := range objects {
		list[i] = need{right, o}
	}
	return list
}

// operations is the table. The temporary queue belongs to another connection.
func operations(temp string) []operation {
	var list []operation
	for destination, objects := range spellings() {
		list = append(list,
			operation{"send", stomptest.F("SEND", "destination", destination, "text"), needs(mayWrite, objects)},
			operation{"subscribe", stomptest.F("SUBSCRIBE", "id", "1", "destination", destination), needs(mayRead, objects)},
		)
		if strings.Contains(destination, "q") && !strings.Contains(destination, "topic") && !strings.ContainsAny(destination, ",>*") {
			list = append(list, operation{"browse", stomptest.F("SUBSCRIBE", "id", "1", "destination", destination, "browser", "true"), needs(mayRead, objects)})
		}
		if len(objects) == 1 && strings.HasPrefix(objects[0], "topic://") {
			list = append(list, operation{"durable", stomptest.F("SUBSCRIBE", "id", "1", "destination", destination, "activemq.subscriptionName", "s"), needs(mayRead, objects)})
		}
	}
	fresh := []need{{mayWrite, "queue://app.fresh"}, {mayCreate, "queue://app.fresh"}}
	return append(list,
		operation{"create", stomptest.F("SEND", "destination", "/queue/app.fresh", "text"), fresh},
		operation{"create", stomptest.F("SEND", "destination", "/topic/app.fresh", "text"), []need{{mayWrite, "topic://app.fresh"}, {mayCreate, "topic://app.fresh"}}},
		operation{"create", stomptest.F("SUBSCRIBE", "id", "1", "destination", "/topic/app.fresh"), []need{{mayRead, "topic://app.fresh"}, {mayCreate, "topic://app.fresh"}}},
		operation{"create", stomptest.F("SEND", "destination", "/queue/app.q,/queue/app.fresh", "text"), append([]need{{mayWrite, "queue://app.q"}}, fresh...)},
		operation{"wildcard", stomptest.F("SUBSCRIBE", "id", "1", "destination", "/queue/app.>"), []need{{mayRead, "queue://app.>"}}},
		operation{"wildcard", stomptest.F("SUBSCRIBE", "id", "1", "destination", "/topic/app.*"), []need{{mayRead, "topic://app.*"}}},
		operation{"temporary", stomptest.F("SEND", "destination", "/remote-temp-queue/"+temp, "text"), []need{{mayWrite, "temp-queue://" + temp}}},
		operation{"temporary", stomptest.F("SEND", "destination", "temp-queue://"+temp, "text"), []need{{mayWrite, "temp-queue://" + temp}}},
		operation{"temporary", stomptest.F("SEND", "destination", "/remote-temp-queue/"+temp+",/queue/secret", "text"), []need{{mayWrite, "temp-queue://" + temp}, {mayWrite, "queue://secret"}}},
	)
}

// TestAccess holds every operation on every spelling of a destination, by every role, against the rights: it is done, or
// the client sees exactly why not, stays connected, and nothing was sent, delivered or created.
func TestAccess(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithSecurity(accessOptions(t)))
	owner, watch := as(t, b, "admin", "1.2"), as(t, b, "admin", "1.2")
	for _, destination := range []string{"/queue/app", "/queue/app.q", "/queue/app.r", "/topic/app.t", "/topic/app.u"} {
		owner.Put(destination, "there")
	}
	watch.Subscribe("topics", "/topic/app.>")
	temp := temporary(owner, watch)
	for role := range roles() {
		t.Run(role, func(t *testing.T) {
			for _, o := range operations(temp) {
				o.fresh(role)
				checkAccess(t, b, role, &o)
			}
		})
	}
	watch.Subscribe("queues", "/queue/app.>")
	watch.Put("/queue/app.zz", "last")
	for f := watch.Message(); f.Body != "last"; f = watch.Message() {
		if f.Body == refused {
			t.Errorf("delivered in spite of the refusal: %v", f)
		}
	}
	for _, d := range b.Core().Destinations() {
		name := d.Address.String()
		if !strings.Contains(name, "://app") && !d.Address.Kind.IsTemp() && name != "topic://stomptest.sync" ||
			strings.Contains(name, "fresh") && !strings.HasSuffix(name, "-admin") {
			t.Errorf("%s was created in spite of the refusal", name)
		}
	}
}

// refused is the body of what must not arrive.
const refused = "refused"

// fresh gives each role missing destinations of its own.
func (o *operation) fresh(role string) {
	for i, f := range o.frame.Header {
		o.frame.Header[i].Value = strings.ReplaceAll(f.Value, "app.fresh", "app.fresh-"+role)
	}
	for i, n := range o.needs {
		o.needs[i].object = strings.ReplaceAll(n.object, "app.fresh", "app.fresh-"+role)
	}
}

// checkAccess tries an operation as a role.
func checkAccess(t *testing.T, b *brokertest.Broker, role string, o *operation) {
	t.Helper()
	c := as(t, b, role, "1.2")
	defer c.Close()
	want := o.refusal(role)
	if want == "" {
		c.Do(o.frame)
		return
	}
	if o.frame.Command == "SEND" {
		o.frame.Body = refused
	}
	got := c.Fails(o.frame)
	if text := got.Get("message"); text != want {
		t.Errorf("%s, %v: got %q, want %q", o.name, o.frame, text, want)
	}
	if got.Body != got.Get("message")+"\n" {
		t.Errorf("%s: the body is %q", o.name, got.Body)
	}
	c.Quiet()
}

// temporary makes a temporary queue of the owner's and returns its name as others see it.
func temporary(owner, other *stomptest.Client) string {
	owner.Subscribe("temp", "/temp-queue/mine")
	other.Subscribe("names", "/queue/app.names")
	owner.Put("/queue/app.names", "name", "reply-to", "/temp-queue/mine")
	name := other.Message().Get("reply-to")
	other.Unsubscribe("names")
	return strings.TrimPrefix(name, "/remote-temp-queue/")
}

// TestAccessTemporary shows that a temporary destination is its connection's, whatever its name is spelled like, and
// that making one needs its right.
func TestAccessTemporary(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithSecurity(accessOptions(t)))
	owner, other := as(t, b, "admin", "1.2"), as(t, b, "admin", "1.2")
	name := temporary(owner, other)
	for i, destination := range []string{"/remote-temp-queue/" + name, "temp-queue://" + name, "/queue/app.q,/remote-temp-queue/" + name} {
		for _, browse := range []string{"false", "true"} {
			f := stomptest.F("SUBSCRIBE", "id", fmt.Sprint(i, browse), "destination", destination, "browser", browse)
			want := "Subscribing to a temporary queue created by another connection is not permitted: temp-queue://" + name
			if got := other.Fails(f).Get("message"); got != want {
				t.Errorf("%s: got %q, want %q", destination, got, want)
			}
		}
	}
	got := other.Fails(stomptest.F("SEND", "destination", "/remote-temp-queue/"+name+"9", "x")).Get("message")
	if want := "The destination temp-queue://" + name + "9 does not exist."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	other.Put("/remote-temp-queue/"+name, "answer")
	if f := owner.Message(); f.Body != "answer" {
		t.Errorf("got %v", f)
	}
	for _, role := range []string{"reader", "writer", "nobody", "anonymous"} {
		c := as(t, b, role, "1.2")
		for _, kind := range []string{"temp-queue", "temp-topic"} {
			for _, f := range []stomptest.Frame{
				stomptest.F("SUBSCRIBE", "id", "1", "destination", "/"+kind+"/mine"), stomptest.F("SEND", "destination", "/"+kind+"/mine", "x"),
			} {
				want := "User " + role + " is not authorized to create: " + kind + "://ID:"
				if got := c.Fails(f).Get("message"); !strings.HasPrefix(got, want) {
					t.Errorf("%s: got %q, want %q…", role, got, want)
				}
			}
		}
		c.Quiet()
	}
}

// TestTemporaryApart shows that temporary topics and others have nothing to do with each other: who may do everything
// with the former, as is everybody's right where no entry says otherwise, hears nothing of the latter, nor the other way
// round.
func TestTemporaryApart(t *testing.T) {
	t.Parallel()
	o := accessOptions(t)
	o.Permissions = slices.DeleteFunc(o.Permissions, func(p security.Permission) bool { return strings.HasPrefix(p.Match, "temp-") })
	b := brokertest.Start(t, brokertest.WithSecurity(o))
	admin, nobody := as(t, b, "admin", "1.2"), as(t, b, "nobody", "1.2")
	admin.Put("/topic/app.t", "there")
	for i, name := range []string{">", "*", "app.>", "app.*", "*.t"} {
		for _, kind := range []string{"queue", "topic"} {
			got := nobody.Fails(stomptest.F("SUBSCRIBE", "id", fmt.Sprint(i), "destination", "/remote-temp-"+kind+"/"+name)).Get("message")
			if want := "the name of a temporary destination can't be a pattern: temp-" + kind + "://" + name; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
	nobody.Fails(stomptest.F("SUBSCRIBE", "id", "1", "destination", "/remote-temp-topic/app.t"))
	nobody.Subscribe("1", "/temp-topic/mine")
	admin.Subscribe("all", "/topic/app.>,/queue/app.q")
	admin.Put("/topic/app.t", "secret")
	admin.WantBodies("secret")
	nobody.Put("/temp-topic/mine", "private")
	nobody.WantBodies("private")
	admin.Quiet()
	nobody.Quiet()

	// Without permissions at all.
	target := stomptest.Target{Address: brokertest.Start(t).Addr("stomp")}
	all, owner := session(t, target), session(t, target)
	all.Subscribe("1", "/topic/>")
	owner.Subscribe("1", "/temp-topic/mine")
	owner.Put("/temp-topic/mine", "private")
	owner.WantBodies("private")
	all.Put("/topic/end", "end")
	if f := all.Message(); f.Body == "private" {
		t.Errorf("a wildcard hears temporary topics: %v", f)
	}
}

// TestAccessDurable shows that deleting a durable subscription needs the right to read its topic, also for a 1.0 client
// that takes the name of somebody else's.
func TestAccessDurable(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithSecurity(accessOptions(t)))
	as(t, b, "admin", "1.2").Put("/topic/app.t", "there")
	owner := as(t, b, "reader", "1.0", "client-id", "news")
	owner.Do(stomptest.F("SUBSCRIBE", "destination", "/topic/app.t", "activemq.subscriptionName", "news"))
	owner.Disconnect()
	remove := stomptest.F("UNSUBSCRIBE", "destination", "/topic/app.t", "activemq.subscriptionName", "news")
	for _, role := range []string{"writer", "nobody", "anonymous"} {
		c := as(t, b, role, "1.0")
		want := "User " + role + " is not authorized to read from: topic://app.t"
		if got := c.Fails(remove).Get("message"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		c.Quiet()
	}
	as(t, b, "admin", "1.2").Put("/topic/app.t", "kept", "persistent", "true")
	owner = as(t, b, "reader", "1.0", "client-id", "news")
	owner.Do(stomptest.F("SUBSCRIBE", "destination", "/topic/app.t", "activemq.subscriptionName", "news"))
	owner.WantBodies("kept")
	owner.Disconnect()
	as(t, b, "reader", "1.0").Do(remove)
}

// TestAccessAfterReload shows that a right which is withdrawn is gone at once: for the next SEND, and for subscriptions,
// which the client is told of, and whose id is free again.
func TestAccessAfterReload(t *testing.T) {
	t.Parallel()
	o := accessOptions(t)
	b := brokertest.Start(t, brokertest.WithSecurity(o))
	admin, reader := as(t, b, "admin", "1.2"), as(t, b, "reader", "1.2")
	admin.Put("/queue/app.q", "one")
	admin.Put("/topic/app.t", "nobody hears it")
	reader.Subscribe("q", "/queue/app.q", "ack", "client")
	reader.WantBodies("one")
	reader.Subscribe("t", "/topic/app.t")
	writer := as(t, b, "writer", "1.2")
	writer.Put("/topic/app.t", "two")
	reader.WantBodies("two")

	withdrawn := o
	withdrawn.Permissions = nil
	for _, p := range o.Permissions {
		if strings.Contains(p.Match, "app.") {
			p.Read, p.Write = []string{"admins"}, []string{"admins"}
		}
		withdrawn.Permissions = append(withdrawn.Permissions, p)
	}
	b.Reload(brokertest.WithSecurity(withdrawn))
	if got, want := writer.Fails(stomptest.F("SEND", "destination", "/topic/app.t", "no")).Get("message"), "User writer is not authorized to write to: topic://app.t"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var told []string
	for range 2 {
		told = append(told, reader.Expect("ERROR").Get("message"))
	}
	slices.Sort(told)
	if want := []string{"User reader is not authorized to read from: queue://app.q", "User reader is not authorized to read from: topic://app.t"}; !slices.Equal(told, want) {
		t.Errorf("got %q, want %q", told, want)
	}
	admin.Put("/queue/app.q", "three")
	admin.Put("/topic/app.t", "four")
	reader.Quiet()
	admin.Subscribe("q", "/queue/app.q")
	admin.WantBodies("one three")

	b.Reload(brokertest.WithSecurity(o))
	reader.Subscribe("t", "/topic/app.t")
	writer.Put("/topic/app.t", "five")
	reader.WantBodies("five")

	without := o
	without.Users = slices.DeleteFunc(slices.Clone(o.Users), func(u security.User) bool { return u.Name == "reader" })
	b.Reload(brokertest.WithSecurity(without))
	if got := reader.Expect("ERROR").Get("message"); got != "User name [reader] or password is invalid." {
		t.Errorf("a user that is gone got %q", got)
	}
	reader.Ends()
}
