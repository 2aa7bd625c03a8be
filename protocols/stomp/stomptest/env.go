package stomptest

import (
	"crypto/rand"
	"strings"
	"testing"
)

// Env is what a scenario runs with: the target, the protocol version and names that nobody else uses.
type Env struct {
	t        *testing.T
	target   Target
	scenario Scenario
	unique   string

	Version string
}

func newEnv(t *testing.T, target Target, s Scenario, version string) *Env {
	name := strings.NewReplacer("/", "-", " ", "-", ".", "").Replace(s.Name + "-" + version)
	return &Env{t: t, target: target, scenario: s, Version: version, unique: name + "-" + rand.Text()[:8]}
}

// Name returns a name that is unique to this run of the scenario, with a suffix for telling several apart. It is one
// level of a destination name.
func (e *Env) Name(suffix string) string {
	if suffix == "" {
		return e.unique
	}
	return e.unique + "-" + suffix
}

// Queue returns a queue destination of the scenario's own.
func (e *Env) Queue(suffix string) string { return "/queue/stomptest." + e.Name(suffix) }

// Topic returns a topic destination of the scenario's own.
func (e *Env) Topic(suffix string) string { return "/topic/stomptest." + e.Name(suffix) }

// Differs reports whether the target is expected to show ActiveMQ's documented difference. Only a scenario that declares
// one may ask.
func (e *Env) Differs() bool {
	e.t.Helper()
	if e.scenario.ActiveMQ == "" {
		e.t.Fatal("the scenario declares no difference")
	}
	return e.target.Peer == ActiveMQ
}

// IsActiveMQ reports whether the target is ActiveMQ, for texts that name a product and not a behaviour.
func (e *Env) IsActiveMQ() bool { return e.target.Peer == ActiveMQ }

// Dial opens a connection that has not said CONNECT yet.
func (e *Env) Dial() *Client {
	e.t.Helper()
	return Open(e.t, e.target)
}

// ConnectFrame returns a CONNECT for the scenario's version with the target's credentials.
func (e *Env) ConnectFrame(pairs ...string) Frame {
	return e.target.connectFrame(e.Version, pairs...)
}

// Connect opens a session of the scenario's version.
func (e *Env) Connect(pairs ...string) *Client {
	e.t.Helper()
	c := e.Dial()
	c.Login(e.Version, pairs...)
	return c
}

// Equal fails if a value isn't the one wanted.
func (e *Env) Equal(what, got, want string) {
	e.t.Helper()
	if got != want {
		e.t.Errorf("%s is %q, want %q", what, got, want)
	}
}

// Header fails if a header of the frame isn't there with the value.
func (e *Env) Header(f Frame, name, want string) {
	e.t.Helper()
	if got, ok := f.Lookup(name); !ok || got != want {
		e.t.Errorf("header %s is %q (present: %t), want %q, in %v", name, got, ok, want, f)
	}
}

// NoHeader fails if any of the headers is there.
func (e *Env) NoHeader(f Frame, names ...string) {
	e.t.Helper()
	for _, name := range names {
		if f.Has(name) {
			e.t.Errorf("header %s is there in %v", name, f)
		}
	}
}
