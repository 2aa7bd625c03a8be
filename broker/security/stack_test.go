package security

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
)

// TestStackAsJava holds what Java's LoginContext makes of modules that succeed (+), fail (-) or
// have no opinion (0), for each flag.
func TestStackAsJava(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	flags := map[byte]Flag{'R': Required, 'Q': Requisite, 'S': Sufficient, 'O': Optional}
	for _, c := range []struct{ modules, want string }{
		{"R+", "[0]"},
		{"R-", "refused"},
		{"R0", "no user"},
		{"R?", "no user"},
		{"R!", "down"},
		{"R+ R+", "[0 1]"},
		{"R+ R-", "refused"},
		{"R- R+", "refused"},
		{"R- S+", "refused"},
		{"R0 R+", "[1]"},
		{"R? R-", "refused"},
		{"Q+ R+", "[0 1]"},
		{"Q- R+", "refused"},
		{"Q? O!", "no user"}, // the second is not asked
		{"S+ R-", "[0]"},
		{"S- R+", "[1]"},
		{"S- S-", "refused"},
		{"S? S!", "down"},
		{"S- S+", "[1]"},
		{"S0 S0", "no user"},
		{"S0 R+", "[1]"},
		{"O+ O+", "[0 1]"},
		{"O- O+", "[1]"},
		{"O- O-", "refused"},
		{"O+ S+", "[0 1]"},
		{"O+ R-", "refused"},
		{"R+ O-", "[0]"},
		{"R+ S- O+", "[0 2]"},
		{"R+ S+ O+", "[0 1]"},
		{"", "no user"},
	} {
		var s Stack
		for i := 0; i+1 < len(c.modules); i += 3 {
			src := map[byte]Source{
				'+': fakeSource{user: "u", password: "p", groups: []string{fmt.Sprint(i / 3)}},
				'-': fakeSource{user: "u", password: "other"},
				'?': fakeSource{user: "nobody"},
				'!': fakeSource{user: "u", err: down},
				'0': Guest{CredentialsInvalidate: true},
			}[c.modules[i+1]]
			s = append(s, Module{flags[c.modules[i]], src})
		}
		groups, err := s.Verify(t.Context(), "u", "p")
		got := fmt.Sprint(groups)
		switch {
		case errors.Is(err, ErrNoUser):
			got = "no user"
		case fault.Is(err, fault.Unauthenticated):
			got = "refused"
		case err != nil:
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.modules, got, c.want)
		}
	}
}

func TestStackAdmitsGuestsOnly(t *testing.T) {
	t.Parallel()
	users := fakeSource{user: "u", password: ""}
	guests := Guest{User: "guest", Group: "guests", CredentialsInvalidate: true}
	for _, c := range []struct {
		stack Stack
		want  string
	}{
		{Stack{{Sufficient, users}, {Sufficient, guests}}, "guest [guests]"},
		{Stack{{Required, users}, {Optional, guests}}, "no such user"},
		{Stack{{Sufficient, users}}, "no such user"},
		{Stack{{Optional, Guest{User: "a", Group: "b"}}, {Optional, guests}}, "a [b guests]"},
		{nil, "no such user"},
	} {
		user, groups, err := c.stack.Admit(t.Context(), "")
		got := fmt.Sprint(user, " ", groups)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v: got %s, want %s", c.stack, got, c.want)
		}
		if admits := mustAuthority(t, Options{Sources: []Source{c.stack}}).Admits(); admits != (err == nil) {
			t.Errorf("%v: Admits is %t", c.stack, admits)
		}
	}
}

// TestGuestsPassForNobody holds that who gives the name of a user and a wrong password, or none, has
// the rights of guests alone: groups and permissions are given to names too.
func TestGuestsPassForNobody(t *testing.T) {
	t.Parallel()
	groups := filepath.Join(t.TempDir(), "groups.properties")
	if err := os.WriteFile(groups, []byte("admins=alice\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	users := fakeSource{user: "alice", password: "right", groups: []string{"staff"}}
	guests := Guest{User: "guest", Group: "guests"}
	a := mustAuthority(t, Options{
		GroupsFile: groups,
		Users:      []User{{Name: "local", Password: "secret", Groups: []string{"admins"}}},
		Sources:    []Source{Stack{{Optional, guests}, {Sufficient, users}, {Sufficient, guests}}},
		Permissions: []Permission{
			{Match: "queue://A", Read: []string{"admins"}}, {Match: "queue://B", ReadUsers: []string{"alice"}}, {Match: "queue://G", Read: []string{"guests"}},
		},
	})
	for _, c := range []struct{ user, password, want string }{
		{"alice", "right", "alice [admins guests staff] true true true"},
		{"alice", "wrong", "guest [guests] false false true"},
		{"alice", "", "guest [guests] false false true"},
		{"nobody", "x", "guest [guests] false false true"},
		{"", "", "guest [guests] false false true"},
	} {
		p, err := a.Authenticate(t.Context(), Credentials{User: c.user, Password: c.password, HasUser: c.user != ""})
		if err != nil {
			t.Errorf("%s/%s: %v", c.user, c.password, err)
			continue
		}
		got := fmt.Sprint(p.Name, " ", p.Groups)
		for _, name := range []string{"A", "B", "G"} {
			got += fmt.Sprint(" ", a.Allowed(p, Read, address.Address{Kind: address.Queue, Name: name}))
		}
		if got != c.want {
			t.Errorf("%s/%s: got %s, want %s", c.user, c.password, got, c.want)
		}
	}
	guests.User = "local"
	a = mustAuthority(t, Options{Users: []User{{Name: "local", Password: "secret"}}, Sources: []Source{Stack{{Sufficient, guests}}}})
	for _, password := range []string{"", "wrong"} {
		if p, err := a.Authenticate(t.Context(), Credentials{User: "x", Password: password, HasUser: true}); err == nil {
			t.Errorf("a guest passes for the user %s", p.Name)
		}
	}
}
