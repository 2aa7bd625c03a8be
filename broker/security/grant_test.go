package security

import (
	"fmt"
	"strings"
	"testing"
)

func TestGrant(t *testing.T) {
	t.Parallel()
	o := Options{
		Users:       []User{{Name: "u", Password: "p", Groups: []string{"g"}}},
		Permissions: []Permission{{Match: "queue://own", Read: []string{"g"}}},
		Granted:     true,
	}
	a := mustAuthority(t, o)
	x := a.Access(mustLogin(t, a, password("u", "p")))
	expect := func(about, want string) {
		t.Helper()
		var got []string
		for _, name := range []string{"own", "far", "named"} {
			if x.Check(Read, queue(name)) == nil {
				got = append(got, name)
			}
		}
		if fmt.Sprint(got) != "["+want+"]" {
			t.Errorf("%s: may read %v, want %s", about, got, want)
		}
	}
	grant := func(want bool, list ...Permission) {
		t.Helper()
		generation := a.Generation()
		changed, err := a.Grant(list)
		if err != nil || changed != want || (a.Generation() != generation) != want {
			t.Errorf("changed %t, %v", changed, err)
		}
	}
	far := Permission{Match: "queue://far", Read: []string{"g"}}
	named := Permission{Match: "queue://named", ReadUsers: []string{"u"}, WriteUsers: []string{"v"}}
	expect("before the first", "own")
	grant(true, far)
	expect("granted", "own far")
	grant(false, far)
	grant(true, named)
	expect("by name", "own named")
	if x.Check(Write, queue("named")) == nil {
		t.Error("may write, as another")
	}
	must(t, a.Reload(o))
	expect("after a reload", "own named")
	if _, err := a.Grant([]Permission{{Match: "nonsense"}}); err == nil {
		t.Error("nonsense was granted")
	}
	expect("after nonsense", "own named")
	grant(true)
	grant(false)
	expect("nothing granted", "own")

	o.Permissions = nil
	must(t, a.Reload(o))
	expect("no permissions at all", "")
	o.Granted = false
	must(t, a.Reload(o))
	expect("no restriction", "own far named")
	grant(false, far)
	expect("not announced", "own far named")

	if _, err := New(Options{Open: true, Granted: true}); err == nil || !strings.Contains(err.Error(), "security is off") {
		t.Errorf("open: %v", err)
	}
}
