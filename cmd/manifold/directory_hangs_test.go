package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/manifoldmq/manifold/broker/security/ldap/ldaptest"
)

// TestDirectoryHangs has a directory that accepts logins and never answers, while a crowd wants in:
// who is a local user, or has logged in already, does not notice.
func TestDirectoryHangs(t *testing.T) {
	t.Parallel()
	d := ldaptest.Start(t)
	text := strings.Replace(directoryBroker(d, ""), "cache: 0s", "cache: 1m\n    timeout: 300ms\n    connections: 2", 1)
	s := serve(t, withFiles(t, strings.Replace(text, "refresh_interval: 20ms", "refresh_interval: 0s", 1)))
	if got := s.attempt(t, "USERS.a", "bob", ldaptest.BobPassword); got != "sent" {
		t.Fatal(got)
	}
	d.Pause()
	defer d.Resume()
	var crowd sync.WaitGroup
	for i := range 50 {
		crowd.Go(func() {
			user := fmt.Sprint("user", i%25)
			if got := s.attempt(t, "USERS.a", user, "x"); got != "refused" {
				t.Errorf("%s: %s", user, got)
			}
		})
	}
	for range 5 {
		if got := s.attempt(t, "LOCAL.a", "local", "here"); got != "sent" {
			t.Errorf("a local user: %s", got)
		}
		if got := s.attempt(t, "USERS.a", "bob", ldaptest.BobPassword); got != "sent" {
			t.Errorf("who has logged in a moment ago: %s", got)
		}
	}
	crowd.Wait()
	if n := strings.Count(s.log.String(), "the directory could not tell"); n < 1 || n > 3 {
		t.Errorf("the log says so %d times", n)
	}
}

// TestDirectoryOverHTTP looks at the broker as users of the directory.
func TestDirectoryOverHTTP(t *testing.T) {
	t.Parallel()
	d := ldaptest.Start(t)
	s := serve(t, withFiles(t, strings.Replace(directoryBroker(d, ""), `http: {address: ""}`, `http: {address: "127.0.0.1:0"}`, 1)))
	look := func(user, password string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.at["http"]+"/api/jolokia/version", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth(user, password)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode
	}
	for _, c := range []struct {
		user, password string
		code           int
	}{
		{"bob", ldaptest.BobPassword, http.StatusForbidden},
		{"bob", "wrong", http.StatusUnauthorized},
		{"mallory", "x", http.StatusUnauthorized},
		{"*", ldaptest.BobPassword, http.StatusUnauthorized},
		{"alice", ldaptest.AlicePassword, http.StatusUnauthorized}, // the name is a local user's
		{`o'neil(*)\,ü`, "neil's secret", http.StatusForbidden},
	} {
		if code := look(c.user, c.password); code != c.code {
			t.Errorf("%s: %d, want %d", c.user, code, c.code)
		}
	}
	d.Change("dn: cn=admins," + ldaptest.RoleBase + "\nchangetype: modify\nadd: member\nmember: uid=carol," + ldaptest.UserBase + "\n\n")
	if code := look("carol", ldaptest.CarolPassword); code != http.StatusOK {
		t.Errorf("an admin of the directory: %d", code)
	}
}
