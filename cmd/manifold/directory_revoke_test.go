package main

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/manifoldmq/manifold/broker/security/ldap/ldaptest"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// TestPermissionIsTakenAway takes the right to read from a user of the directory who consumes, by
// each protocol.
func TestPermissionIsTakenAway(t *testing.T) {
	t.Parallel()
	d := ldaptest.Start(t)
	s := serve(t, withFiles(t, strings.Replace(directoryBroker(d, ""), "protocols: [stomp]}", `protocols: [stomp]}, {name: auto, address: "127.0.0.1:0"}`, 1)))
	c := &bob{t, s, []string{"--user", "bob", "--password-file", file(t, "bob", ldaptest.BobPassword)}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var told, silent sync.WaitGroup
	for _, url := range []string{"stomp://AT/topic/USERS.s", "amqp://AT/topic/USERS.a", "tcp://AT/topic/USERS.o"} {
		c.consume(ctx, &told, url, func(code sysexit.Code, out, log string) {
			if code == sysexit.OK {
				t.Errorf("%s: ended well; %s", url, log)
			}
		})
	}
	// MQTT has no words for the end of a subscription.
	c.consume(ctx, &silent, "mqtt://AT/USERS/m", func(_ sysexit.Code, out, _ string) {
		if strings.Contains(out, "later") {
			t.Errorf("MQTT: %s came after the right was taken", out)
		}
	})
	read := "dn: cn=read,cn=USERS.$,ou=Topic," + ldaptest.Destinations + "\nchangetype: modify\nreplace: member\nmember: cn="
	d.Change(read + "admins," + ldaptest.RoleBase + "\n\n")
	told.Wait()
	c.send("mqtt://AT/USERS/m", "later")

	// Who may again, subscribes again.
	d.Change(read + "users," + ldaptest.RoleBase + "\n\n")
	awaitRead := func() bool {
		return manifold(t, "", nil, append([]string{"receive", s.atAuto("mqtt://AT/USERS/m"), "--timeout", "20ms"}, c.login...)...).code == sysexit.OK
	}
	for !awaitRead() {
	}
	again, stop := context.WithCancel(t.Context())
	var third sync.WaitGroup
	c.consume(again, &third, "mqtt://AT/USERS/m", func(sysexit.Code, string, string) {})
	c.send("mqtt://AT/USERS/m", "later still")
	stop()
	third.Wait()
	cancel()
	silent.Wait()
}

// bob is a user of the directory at a broker.
type bob struct {
	t     *testing.T
	s     *runningServe
	login []string
}

// at2 puts the address of the listener for all protocols into a URL.
func (s *runningServe) atAuto(url string) string { return strings.Replace(url, "AT", s.at["auto"], 1) }

func (c *bob) send(url, body string) {
	c.t.Helper()
	if r := manifold(c.t, "", nil, append([]string{"send", c.s.atAuto(url), body}, c.login...)...); r.code != sysexit.OK {
		c.t.Errorf("%s: code %d, %s", url, r.code, r.err)
	}
}

// consume begins to receive, and returns when the first message has come. At the end it calls a
// function with what was written.
func (c *bob) consume(ctx context.Context, all *sync.WaitGroup, url string, end func(code sysexit.Code, out, log string)) {
	c.t.Helper()
	c.send(url, "x") // which makes the topic
	out := &firstLine{first: make(chan struct{})}
	all.Go(func() {
		log := &buffer{}
		a := &app{out: out, err: log, newBroker: newBroker}
		code := a.run(ctx, append([]string{"receive", c.s.atAuto(url)}, c.login...))
		end(code, out.String(), log.String())
	})
	for {
		c.send(url, "x")
		select {
		case <-out.first:
			return
		default:
		}
	}
}

// firstLine keeps what is written and tells when it begins.
type firstLine struct {
	buffer
	once  sync.Once
	first chan struct{}
}

func (w *firstLine) Write(b []byte) (int, error) {
	w.once.Do(func() { close(w.first) })
	return w.buffer.Write(b)
}
