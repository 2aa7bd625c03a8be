package mqtttest

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"
)

// Scenario proves one behaviour of an MQTT listener.
type Scenario struct {
	Name     string // path-like, unique: area/behaviour
	Ref      string // the behaviour, as a sentence
	Clauses  string // of the standards that it shows, separated by spaces
	Versions []byte // protocol levels to run it with; nil means 3, 4 and 5
	Login    bool   // needs a target with a user and a password; is skipped on others

	// Others says what other brokers do where they differ, and Why we don't do the same.
	Others map[Peer]string
	Why    string

	// Skip names brokers that can't be put through it at all, with the reason.
	Skip map[Peer]string

	Run func(t *testing.T, e *Env)
}

// Env is what a scenario runs with: the target, the protocol version and names that nobody else
// uses.
type Env struct {
	t        *testing.T
	target   Target
	scenario Scenario
	unique   string

	Version byte
}

// Topic returns a topic of the scenario's own, with levels below it.
func (e *Env) Topic(below string) string { return "mqtttest/" + e.unique + below }

// ClientID returns a client identifier of the scenario's own.
func (e *Env) ClientID(suffix string) string { return e.unique + suffix }

// Differs reports whether the target is expected to show another broker's documented difference.
// Only a scenario that declares one may ask.
func (e *Env) Differs() bool {
	e.t.Helper()
	if len(e.scenario.Others) == 0 {
		e.t.Fatal("the scenario declares no difference")
	}
	return e.scenario.Others[e.target.peer()] != ""
}

// Is reports whether the target is a broker, for texts that name a product and not a behaviour.
func (e *Env) Is(p Peer) bool { return e.target.peer() == p }

// Dial opens a connection that has not said CONNECT yet.
func (e *Env) Dial() *Client {
	e.t.Helper()
	return Open(e.t, e.target, e.Version)
}

// Connect opens a session that ends with its connection. Its client identifier is unique.
func (e *Env) Connect() *Client {
	e.t.Helper()
	return e.ConnectWith(Connect{ClientID: e.ClientID("-" + unique())})
}

// ConnectWith opens a session.
func (e *Env) ConnectWith(o Connect) *Client {
	e.t.Helper()
	c := e.Dial()
	c.Login(o)
	return c
}

// Kept describes the CONNECT of a session that outlives its connection.
func (e *Env) Kept(suffix string) Connect {
	o := Connect{ClientID: e.ClientID(suffix), Keep: true}
	if e.Version == 5 {
		o.Properties = []Property{{ID: 0x11, Number: 600}}
	}
	return o
}

func unique() string { return rand.Text()[:8] }

// All returns the whole table in the order of the documentation.
func All() []Scenario {
	return slices.Concat(
		connectScenarios(), publishScenarios(), subscribeScenarios(), filterScenarios(), retainScenarios(),
		willScenarios(), sessionScenarios(), propertyScenarios(), limitScenarios(), sharedScenarios(), historyScenarios(),
	)
}

// Run puts the target through every scenario, each as a parallel subtest per protocol version.
func Run(t *testing.T, target Target) {
	for _, s := range All() {
		versions := s.Versions
		if len(versions) == 0 {
			versions = []byte{3, 4, 5}
		}
		for _, version := range versions {
			t.Run(s.Name+"/"+name(version), func(t *testing.T) {
				switch {
				case s.Login && target.User == "":
					t.Skip("the target asks for no password")
				case version == 5 && target.Peer == ActiveMQ:
					t.Skip("ActiveMQ knows no MQTT 5")
				case s.Skip[target.peer()] != "":
					t.Skip(s.Skip[target.peer()])
				}
				t.Parallel()
				label := strings.NewReplacer("/", "-", ".", "").Replace(s.Name)
				s.Run(t, &Env{t: t, target: target, scenario: s, Version: version, unique: label + "-" + unique()})
			})
		}
	}
}

// name returns a version as people write it.
func name(version byte) string {
	return map[byte]string{3: "3.1", 4: "3.1.1", 5: "5"}[version]
}

// Differences returns the documented differences as a Markdown table.
func Differences() string {
	var b strings.Builder
	b.WriteString("| Behaviour | ActiveMQ | Mosquitto | Why Manifold does it so | Scenario |\n|---|---|---|---|---|\n")
	for _, s := range All() {
		if len(s.Others) > 0 {
			b.WriteString("| " + cell(s.Ref) + " | " + cell(s.Others[ActiveMQ]) + " | " + cell(s.Others[Mosquitto]) + " | " + cell(s.Why) + " | `" + s.Name + "` |\n")
		}
	}
	return b.String()
}

// cell makes text safe for a table cell.
func cell(text string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text) }

// Pass lets time pass for the broker, in milliseconds, where that is what a scenario is about.
func (e *Env) Pass(milliseconds int) { <-time.After(time.Duration(milliseconds) * time.Millisecond) }

// Case runs a part of a scenario under a name of its own.
func (e *Env) Case(t *testing.T, name string, run func(t *testing.T, e *Env)) {
	t.Run(name, func(t *testing.T) {
		own := *e
		own.t = t
		run(t, &own)
	})
}
