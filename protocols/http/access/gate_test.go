package access_test

import (
	"net/http/httptest"
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/http/access"
)

func users(permissions bool, names ...string) security.Options {
	var o security.Options
	groups := map[string][]string{"root": {"admins"}, "eve": {"monitors"}, "app": {"apps"}}
	for _, name := range names {
		o.Users = append(o.Users, security.User{Name: name, Password: "p-" + name, Groups: groups[name]})
	}
	if permissions {
		o.Permissions = []security.Permission{{Match: "queue://a.>", Read: []string{"*"}, Write: []string{"*"}, Admin: []string{"*"}}}
	}
	return o
}

func gate(t *testing.T, o security.Options) (*access.Gate, *security.Authority) {
	t.Helper()
	a, err := security.New(o)
	if err != nil {
		t.Fatal(err)
	}
	g, err := access.New(access.Options{
		Authority: a, Token: func(s string) bool { return s == "token" }, Admins: []string{"admins"}, Monitors: []string{"monitors"},
		Administrator: &security.User{Name: "web", Password: "p-web"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g, a
}

func TestWhoGetsIn(t *testing.T) {
	t.Parallel()
	limited, _ := gate(t, users(true, "root", "eve", "app"))
	plain, _ := gate(t, users(false, "app"))
	open, _ := gate(t, security.Options{Open: true})
	guests := users(true, "root")
	guests.Anonymous = true
	guest, _ := gate(t, guests)
	stack, _ := gate(t, security.Options{Sources: []security.Source{security.Guest{User: "guest", Group: "guests"}}})
	for _, c := range []struct {
		about          string
		g              *access.Gate
		name, password string
		kind           fault.Kind // of the refusal; 0: let in
		refused, admin bool
	}{
		{"administrator", limited, "root", "p-root", 0, false, true},
		{"monitor", limited, "eve", "p-eve", 0, false, false},
		{"neither", limited, "app", "p-app", fault.Forbidden, true, false},
		{"wrong password", limited, "root", "p-eve", fault.Unauthenticated, true, false},
		{"no password", limited, "root", "", fault.Unauthenticated, true, false},
		{"token", limited, "whoever", "token", 0, false, true},
		{"no permissions are configured", plain, "app", "p-app", 0, false, true},
		{"no security", open, "root", "p-root", fault.Unauthenticated, true, false},
		{"administrator of the management", limited, "web", "p-web", 0, false, true},
		{"its wrong password", limited, "web", "p-root", fault.Unauthenticated, true, false},
		{"no security, administrator", open, "web", "p-web", 0, false, true},
		{"no security, token", open, "", "token", 0, false, true},
		{"guest", guest, "", "", fault.Unauthenticated, true, false},
		{"wrong password makes a guest", stack, "root", "p-eve", fault.Forbidden, true, false},
		{"guest with a name", guest, "anonymous", "anonymous", fault.Unauthenticated, true, false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth(c.name, c.password)
		who, err := c.g.Request(r)
		if c.refused != (err != nil) || c.refused && !fault.Is(err, c.kind) || !c.refused && (who.Admin() == nil) != c.admin {
			t.Errorf("%s: %v, %v", c.about, who, err)
		}
	}
	for header, ok := range map[string]bool{"Bearer token": true, "bearer  token": true, "Bearer tokens": false, "Basic token": false, "": false} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", header)
		if _, err := limited.Request(r); (err == nil) != ok {
			t.Errorf("%q: %v", header, err)
		}
	}
}

func TestRightsOnDestinations(t *testing.T) {
	t.Parallel()
	g, _ := gate(t, users(true, "root", "eve"))
	queue := func(name string) address.Address { return address.Address{Kind: address.Queue, Name: name} }
	for _, c := range []struct {
		name, password string
		op             security.Operation
		queue          string
		allowed        bool
	}{
		{"root", "p-root", security.Admin, "a.b", true},
		{"root", "p-root", security.Admin, "b", false},
		{"root", "p-root", security.Read, "b", false},
		{"eve", "p-eve", security.Read, "a.b", true},
		{"eve", "p-eve", security.Write, "a.b", false},
		{"eve", "p-eve", security.Remove, "a.b", false},
		{"x", "token", security.Remove, "b", true},
	} {
		who, err := g.Login(t.Context(), c.name, c.password)
		if err != nil {
			t.Fatal(err)
		}
		if err := who.Check(c.op, queue(c.queue)); (err == nil) != c.allowed || err != nil && !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s %s %s: %v", c.name, c.op, c.queue, err)
		}
	}
}

// TestAgain shows that who was let in is let in no longer than the configuration says.
func TestAgain(t *testing.T) {
	t.Parallel()
	g, authority := gate(t, users(true, "root", "eve"))
	root, err := g.Login(t.Context(), "root", "p-root")
	if err != nil {
		t.Fatal(err)
	}
	if now := g.Again(root); now == nil || now.Admin() != nil {
		t.Error("nothing has changed", now)
	}
	demoted := users(true, "root")
	demoted.Users[0].Groups = []string{"monitors"}
	if err := authority.Reload(demoted); err != nil {
		t.Fatal(err)
	}
	if now := g.Again(root); now == nil || now.Admin() == nil {
		t.Error("may only look", now)
	}
	for _, o := range []security.Options{users(true, "eve"), {Open: true}} {
		if err := authority.Reload(o); err != nil {
			t.Fatal(err)
		}
		if now := g.Again(root); now != nil {
			t.Error("is gone", now)
		}
	}
}
