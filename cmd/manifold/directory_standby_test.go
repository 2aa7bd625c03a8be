package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/security/ldap/ldaptest"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// TestStandbyWithoutDirectory lets a standby take over after the directory went away: the
// permissions that it read before hold.
func TestStandbyWithoutDirectory(t *testing.T) {
	t.Parallel()
	d := ldaptest.Start(t)
	text := strings.Replace(withFiles(t, directoryBroker(d, "")), "engine: memory", "engine: pebble", 1)
	text = strings.ReplaceAll(text, "STORE", filepath.Join(t.TempDir(), "data"))
	name := file(t, "c.yaml", text)
	d.Change("dn: cn=LEFT.$,ou=Queue," + ldaptest.Destinations + "\nchangetype: add\nobjectClass: applicationProcess\ncn: LEFT.$\n\n" +
		"dn: cn=write,cn=LEFT.$,ou=Queue," + ldaptest.Destinations + "\nchangetype: add\nobjectClass: groupOfNames\ncn: write\nmember: cn=locals\n\n" +
		"dn: cn=admin,cn=LEFT.$,ou=Queue," + ldaptest.Destinations + "\nchangetype: add\nobjectClass: groupOfNames\ncn: admin\nmember: cn=locals\n\n")

	begin := func(args ...string) (*runningServe, lines) {
		s := &runningServe{make(chan os.Signal), make(chan sysexit.Code, 1), &buffer{}, map[string]string{}}
		out := make(lines, 1)
		a := &app{out: out, err: s.log, signals: s.signals, env: []string{"GOMEMLIMIT=off", "GOGC=100"}, newBroker: newBroker}
		go func() {
			s.done <- a.run(t.Context(), append([]string{"serve", "--config", name, "--log-format=json"}, args...))
		}()
		return s, out
	}
	end := func(s *runningServe) {
		t.Helper()
		s.signals <- syscall.SIGTERM
		if code := <-s.done; code != sysexit.OK {
			t.Errorf("ended with %d; log: %s", code, s.log)
		}
	}
	first, ready := begin()
	<-ready
	second, ready := begin("--standby")
	awaitLog(t, second, "standing by")
	awaitLog(t, second, "permissions were read")
	d.Stop()
	end(first)
	var line struct {
		Listeners []struct{ Name, Address string }
	}
	if err := json.Unmarshal([]byte(<-ready), &line); err != nil {
		t.Fatal(err)
	}
	for _, l := range line.Listeners {
		second.at[l.Name] = l.Address
	}
	for queue, want := range map[string]string{"LEFT.a": "sent", "USERS.a": "forbidden"} {
		if got := second.attempt(t, queue, "local", "here"); got != want {
			t.Errorf("%s: %s, want %s; %s", queue, got, want, second.log)
		}
	}
	end(second)
}

// awaitLog waits until a broker has logged a text.
func awaitLog(t *testing.T, s *runningServe, text string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !strings.Contains(s.log.String(), text) {
		select {
		case code := <-s.done:
			t.Fatalf("ended with %d; log: %s", code, s.log)
		case <-late:
			t.Fatalf("%q was not logged: %s", text, s.log)
		case <-tick.C:
		}
	}
}
