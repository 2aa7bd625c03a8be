package security

import (
	"slices"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
)

// stock is the example of ActiveMQ's documentation.
func stock() []Permission {
	return []Permission{
		{Match: "queue://>", Read: []string{"admins"}, Write: []string{"admins"}, Admin: []string{"admins"}},
		{Match: "queue://USERS.>", Read: []string{"users"}, Write: []string{"users"}, Admin: []string{"users"}},
		{Match: "queue://GUEST.>", Read: []string{"guests"}, Write: []string{"guests", "users"}, Admin: []string{"users"}},
		{Match: "queue://GUEST.*.IN", Write: []string{"feeders"}},
		{Match: "topic://>", Read: []string{"admins"}, Write: []string{"admins"}, Admin: []string{"admins"}},
		{Match: "topic://news", Read: []string{"*"}, Write: []string{"users"}},
	}
}

func TestPermissionsByOperationSpellingAndRole(t *testing.T) {
	t.Parallel()
	a := mustAuthority(t, Options{Permissions: stock()})
	const all = "admins users guests feeders nobody"
	// Who may read, write and administer each spelling.
	for _, c := range []struct{ dest, read, write, admin string }{
		{"queue://USERS.a", "admins users", "admins users", "admins users"},
		{"queue://USERS", "admins users", "admins users", "admins users"},
		{"queue://USERS.", "admins users", "admins users", "admins users"},
		{"queue://USERS.a.b.c", "admins users", "admins users", "admins users"},
		{"queue://USERS.>", "admins users", "admins users", "admins users"},
		{"queue://USERS.*", "admins users", "admins users", "admins users"},
		{"queue://USERS.*.x", "admins users", "admins users", "admins users"},
		{"queue://USERS.a.>", "admins users", "admins users", "admins users"},
		{"queue://users.a", "admins", "admins", "admins"},
		{"queue://USERSa", "admins", "admins", "admins"},
		{"queue://USER", "admins", "admins", "admins"},
		{"queue:// USERS.a", "admins", "admins", "admins"},
		{"queue://.USERS.a", "admins", "admins", "admins"},
		{"queue://>", "admins", "admins", "admins"},
		{"queue://*", "admins", "admins", "admins"},
		{"queue://*.>", "admins", "admins", "admins"},
		{"queue://*.a", "admins", "admins", "admins"},
		{"queue://>.USERS", "admins", "admins", "admins"},
		{"queue://U*.a", "admins", "admins", "admins"},
		{"queue://USERS.a,GUEST.b", "admins users", "admins users", "admins users"}, // one name: composites are split before
		{"queue://USERS/a", "admins", "admins", "admins"},
		{"queue://USERS.#", "admins users", "admins users", "admins users"},
		{"queue://GUEST.x", "admins guests", "admins guests users", "admins users"},
		{"queue://GUEST.x.IN", "admins guests", "admins guests users feeders", "admins users"},
		{"queue://GUEST.*.IN", "admins guests", "admins guests users feeders", "admins users"},
		{"queue://GUEST.>", "admins guests", "admins guests users", "admins users"},
		{"queue://GUEST.x.y.IN", "admins guests", "admins guests users", "admins users"},
		{"queue://", "admins", "admins", "admins"},
		{"topic://USERS.a", "admins", "admins", "admins"},
		{"topic://news", all, "admins users", "admins"},
		{"topic://news.eu", "admins", "admins", "admins"},
		{"topic://news.>", "admins", "admins", "admins"},
		{"topic://*", "admins", "admins", "admins"},
		{"temp-queue://ID:1:1", all, all, all},
		{"temp-topic://ID:1:1", all, all, all},
		{"USERS.a", "", "", ""}, // of no kind
	} {
		dest := address.Parse(c.dest, address.None)
		for op, allowed := range map[Operation]string{Read: c.read, Write: c.write, Admin: c.admin, Remove: c.admin, operations: ""} {
			for _, role := range []string{"admins", "users", "guests", "feeders", "nobody"} {
				p := &Principal{Name: "u", Groups: []string{role}}
				want := slices.Contains(strings.Fields(allowed), role)
				if got := a.Allowed(p, op, dest); got != want {
					t.Errorf("%s may %s %s: %t, want %t", role, op, c.dest, got, want)
				}
			}
			if a.Allowed(nil, op, dest) {
				t.Errorf("nobody at all may %s %s", op, c.dest)
			}
		}
	}
}

func TestEntriesForTemporaryDestinations(t *testing.T) {
	t.Parallel()
	a := mustAuthority(t, Options{Permissions: []Permission{
		{Match: "temp-queue://>", Read: []string{"users"}, Write: []string{"*"}, Admin: []string{"users"}},
	}})
	user, other := &Principal{Name: "u", Groups: []string{"users"}}, &Principal{Name: "o"}
	queue, topic := address.Address{Kind: address.TempQueue, Name: "ID:1"}, address.Address{Kind: address.TempTopic, Name: "ID:1"}
	for _, c := range []struct {
		p    *Principal
		op   Operation
		dest address.Address
		want bool
	}{
		{user, Admin, queue, true}, {user, Read, queue, true}, {other, Admin, queue, false}, {other, Read, queue, false},
		{other, Write, queue, true}, {other, Admin, topic, true}, {other, Remove, queue, false},
		{user, Write, address.Address{Kind: address.Queue, Name: "ID:1"}, false},
	} {
		if got := a.Allowed(c.p, c.op, c.dest); got != c.want {
			t.Errorf("%s may %s %s: %t, want %t", c.p.Name, c.op, c.dest, got, c.want)
		}
	}
}

func TestWithoutPermissionsEverybodyWhoIsInMayDoAll(t *testing.T) {
	t.Parallel()
	a := mustAuthority(t, Options{Users: []User{{Name: "u", Password: "p"}}})
	p := mustLogin(t, a, Credentials{User: "u", Password: "p", HasUser: true})
	if !a.Allowed(p, Admin, address.Address{Kind: address.Queue, Name: ">"}) {
		t.Error("refused without any permission configured")
	}
	if a.Allowed(nil, Read, address.Address{Kind: address.Queue, Name: "a"}) {
		t.Error("somebody who never logged in is allowed")
	}
}

func TestRefusalHasActiveMQsWords(t *testing.T) {
	t.Parallel()
	a := mustAuthority(t, Options{Permissions: []Permission{{Match: "queue://A"}}})
	x := a.Access(&Principal{Name: "u"})
	for _, c := range []struct {
		op   Operation
		dest address.Address
		want string
	}{
		{Write, address.Address{Kind: address.Queue, Name: "X"}, "User u is not authorized to write to: queue://X"},
		{Read, address.Address{Kind: address.Topic, Name: "X.>"}, "User u is not authorized to read from: topic://X.>"},
		{Admin, address.Address{Kind: address.Queue, Name: "A"}, "User u is not authorized to create: queue://A"},
		{Remove, address.Address{Kind: address.Queue, Name: "100%d"}, "User u is not authorized to remove: queue://100%d"},
	} {
		err := x.Check(c.op, c.dest)
		if err == nil || err.Error() != c.want || !fault.Is(err, fault.Forbidden) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestWrongPermissions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, want string }{
		{"orders", `permission 1, "orders": does not start with queue://, topic://, temp-queue:// or temp-topic://`},
		{"queue://", `permission 1, "queue://": names no destination`},
		{"queue://a.>.b", `permission 1, "queue://a.>.b": has levels after >, which stands for all the rest`},
	} {
		if _, err := New(Options{Permissions: []Permission{{Match: c.name}}}); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	for _, group := range []string{"", " a", "a,b"} {
		if _, err := New(Options{Permissions: []Permission{{Match: "queue://a", Write: []string{group}}}}); err == nil {
			t.Errorf("group %q was accepted", group)
		}
	}
}

// FuzzCovers compares covers with the definition: whatever a name made from the pattern is, an
// entry that covers the pattern covers the name.
func FuzzCovers(f *testing.F) {
	f.Add("a.>", "a.*", "b")
	f.Add("*.b", "a.b", "x")
	f.Add(">", "", "")
	f.Add("a.*.>", "a.b", "c.d")
	f.Add("*", "*", ">")
	f.Fuzz(func(t *testing.T, entry, name, filler string) {
		p, err := newPattern(entry)
		if err != nil || !p.covers(name) {
			return
		}
		for _, sample := range instances(name, filler) {
			if !p.covers(sample) {
				t.Errorf("%q covers %q, but not %q", entry, name, sample)
			}
		}
	})
}
