package security

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
)

func queue(name string) address.Address { return address.Address{Kind: address.Queue, Name: name} }

// TestReloadChangesWhatIsAllowed walks one connection of each kind of principal through reloads.
func TestReloadChangesWhatIsAllowed(t *testing.T) {
	t.Parallel()
	cert := Credentials{Certificates: append(Credentials{}.Certificates, certificate(t, "CN=c"))}
	readers := []Permission{{Match: "queue://a", Read: []string{"readers"}}}
	full := Options{
		Anonymous: true, AnonymousGroup: "readers", Permissions: readers,
		Users:            []User{{Name: "u", Password: "p", Groups: []string{"readers"}}},
		GroupsFile:       file(t, "g", "readers=c"),
		CertificateUsers: map[string]string{"CN=c": "c"},
		Sources:          []Source{fakeSource{user: "s", password: "p", groups: []string{"readers"}}},
	}
	shown := map[string]Credentials{"password": password("u", "p"), "guest": {}, "certificate": cert, "source": password("s", "p")}
	for _, c := range []struct {
		about  string
		change func(*Options)
		keep   string // whose access outlives the reload
		valid  string // who would still be let in
	}{
		{"nothing", func(*Options) {}, "password guest certificate source", "password guest certificate source"},
		{"security is turned off", func(o *Options) { *o = Options{Open: true} }, "password guest certificate source", "password guest certificate source"},
		{"no permissions", func(o *Options) { o.Permissions = nil }, "password guest certificate source", "password guest certificate source"},
		{"other permissions", func(o *Options) { o.Permissions = []Permission{{Match: "queue://b", Read: []string{"readers"}}} }, "", "password guest certificate source"},
		{"user removed", func(o *Options) { o.Users = nil }, "guest certificate source", "guest certificate source"},
		{"user leaves the group", func(o *Options) { o.Users = []User{{Name: "u", Password: "p"}} }, "guest certificate source", "password guest certificate source"},
		{"no guests", func(o *Options) { o.Anonymous = false }, "password certificate source", "password certificate source"},
		{"other group of guests", func(o *Options) { o.AnonymousGroup = "x" }, "password certificate source", "password guest certificate source"},
		{"certificate removed", func(o *Options) { o.CertificateUsers = nil }, "password guest source", "password guest source"},
		{"certificate of another", func(o *Options) { o.CertificateUsers = map[string]string{"CN=c": "d"} }, "password guest source", "password guest source"},
		{"no groups file", func(o *Options) { o.GroupsFile = "" }, "password guest source", "password guest certificate source"},
		{"no source", func(o *Options) { o.Sources = nil }, "password guest certificate", "password guest certificate"},
	} {
		a := mustAuthority(t, full)
		access := make(map[string]*Access)
		for who, credentials := range shown {
			access[who] = a.Access(mustLogin(t, a, credentials))
			if err := access[who].Check(Read, queue("a")); err != nil {
				t.Fatal(err)
			}
		}
		o := full
		c.change(&o)
		generation := a.Generation()
		must(t, a.Reload(o))
		if a.Generation() <= generation {
			t.Errorf("%s: the generation did not grow", c.about)
		}
		for who, x := range access {
			if err, want := x.Check(Read, queue("a")), strings.Contains(c.keep, who); (err == nil) != want {
				t.Errorf("%s: %s got %v, want access: %t", c.about, who, err, want)
			}
			if got, want := a.Valid(x.Principal()), strings.Contains(c.valid, who); got != want {
				t.Errorf("%s: %s is valid: %t", c.about, who, got)
			}
		}
	}
}

func TestSecurityTurnedOn(t *testing.T) {
	t.Parallel()
	a := mustAuthority(t, Options{Open: true})
	x := a.Access(mustLogin(t, a, password("u", "p")))
	if err := x.Check(Admin, queue(">")); err != nil || !a.Open() || !a.Admits() {
		t.Error("not open", err)
	}
	must(t, a.Reload(Options{Users: []User{{Name: "u", Password: "p"}}}))
	if err := x.Check(Read, queue("a")); !fault.Is(err, fault.Forbidden) {
		t.Errorf("who never proved a name got %v", err)
	}
	if a.Open() || a.Admits() {
		t.Error("still open")
	}
}

func TestFailedReloadKeepsEverything(t *testing.T) {
	t.Parallel()
	path := file(t, "u", "u=p")
	o := Options{UsersFile: path, Permissions: []Permission{{Match: "queue://a", Read: []string{"*"}}}}
	a := mustAuthority(t, o)
	for _, wrong := range []Options{
		{UsersFile: path + "x"},
		{UsersFile: file(t, "u", "u=p\nv")},
		{UsersFile: path, Permissions: []Permission{{Match: "a"}}},
		{UsersFile: path, GroupsFile: path + "x"},
		{UsersFile: path, CertificatesFile: path},
	} {
		if a.Reload(wrong) == nil {
			t.Errorf("%v was accepted", wrong)
		}
		p := mustLogin(t, a, password("u", "p"))
		if a.Generation() != 1 || !a.Allowed(p, Read, queue("a")) || a.Allowed(p, Write, queue("a")) {
			t.Error("something changed")
		}
	}
}

func TestAccessIsBounded(t *testing.T) {
	t.Parallel()
	a := mustAuthority(t, Options{Permissions: []Permission{{Match: "queue://a.>", Read: []string{"*"}}}})
	x := a.Access(&Principal{Name: "u"})
	for i := range 3 * accessEntries {
		if err := x.Check(Read, queue("a."+strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
		if x.Check(Write, queue("a."+strconv.Itoa(i))) == nil {
			t.Fatal("allowed")
		}
	}
	long := queue("a." + strings.Repeat("x", accessName))
	if err := x.Check(Read, long); err != nil {
		t.Error(err)
	}
	if _, ok := x.known[question{Read, long}]; ok || len(x.known) > accessEntries {
		t.Errorf("remembers %d answers, the long one: %t", len(x.known), ok)
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	h := hash(t, "p")
	options := func(group string) Options {
		return Options{Users: []User{{Name: "u", Hash: h, Groups: []string{group}}}, Permissions: []Permission{{Match: "queue://>", Read: []string{"r"}}}}
	}
	a := mustAuthority(t, options("r"))
	x := a.Access(mustLogin(t, a, password("u", "p")))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 50 {
				switch i {
				case 0:
					if err := a.Reload(options([]string{"r", "w"}[j%2])); err != nil {
						t.Error(err)
					}
				case 1:
					if _, err := a.Authenticate(t.Context(), password("u", "p")); err != nil {
						t.Error(err)
					}
				default:
					_ = x.Check(Read, queue(strconv.Itoa(j%7)))
					a.Valid(x.Principal())
				}
			}
		})
	}
	wg.Wait()
	if err := x.Check(Read, queue("1")); !fault.Is(err, fault.Forbidden) {
		t.Errorf("after the last reload: %v", err)
	}
}

func TestCachedCheckDoesNotAllocate(t *testing.T) {
	a := mustAuthority(t, Options{Permissions: stock()})
	x, dest := a.Access(&Principal{Name: "u", Groups: []string{"users"}}), queue("USERS.a")
	if n := testing.AllocsPerRun(100, func() {
		if x.Check(Write, dest) != nil {
			t.Fail()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAccessCheck(b *testing.B) {
	a := mustAuthority(b, Options{Permissions: stock()})
	p := &Principal{Name: "u", Groups: []string{"users"}}
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		x := a.Access(p)
		for b.Loop() {
			if x.Check(Write, queue("USERS.a")) != nil {
				b.Fatal("refused")
			}
		}
	})
	b.Run("decided", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !a.Allowed(p, Write, queue("USERS.a")) {
				b.Fatal("refused")
			}
		}
	})
}
