package amqptest

import (
	"crypto/rand"
	"strings"
)

// Env is what a scenario runs with: the target, and names that nobody else uses.
type Env struct {
	t        TB
	target   Target
	scenario Scenario
	unique   string
}

func newEnv(t TB, target Target, s Scenario) *Env {
	name := strings.NewReplacer("/", "-", " ", "-", ".", "").Replace(s.Name)
	return &Env{t: t, target: target, scenario: s, unique: name + "-" + rand.Text()[:8]}
}

// Name returns a name that is unique to this run of the scenario, with a suffix for telling several apart.
func (e *Env) Name(suffix string) string {
	if suffix == "" {
		return e.unique
	}
	return e.unique + "-" + suffix
}

// Queue returns the address of a queue of the scenario's own.
func (e *Env) Queue(suffix string) string {
	if e.target.Peer == RabbitMQ {
		return "/queue/amqptest." + e.Name(suffix)
	}
	return "queue://amqptest." + e.Name(suffix)
}

// Topic returns the address of a topic of the scenario's own.
func (e *Env) Topic(suffix string) string {
	if e.target.Peer == RabbitMQ {
		return "/topic/amqptest." + e.Name(suffix)
	}
	return "topic://amqptest." + e.Name(suffix)
}

// Dial opens a connection on which nothing was sent yet.
func (e *Env) Dial() *Client {
	e.t.Helper()
	return Dial(e.t, e.target)
}

// Connect opens a connection as a container with a random name.
func (e *Env) Connect() *Client {
	e.t.Helper()
	return e.ConnectAs("amqptest-" + rand.Text())
}

// ConnectAs opens a connection as a container. Further fields are those of the open from the hostname on.
func (e *Env) ConnectAs(container string, fields ...any) *Client {
	e.t.Helper()
	c := e.Dial()
	c.Login()
	if len(fields) == 0 {
		fields = []any{e.target.Host(), uint32(largestFrame), uint16(100)}
	}
	c.Open(container, fields...)
	return c
}

// ConnectJMS opens a connection as Qpid JMS does, with a client id.
func (e *Env) ConnectJMS(clientID string) *Client {
	e.t.Helper()
	desired := Array{Symbol("sole-connection-for-container"), Symbol("DELAYED_DELIVERY"), Symbol("ANONYMOUS-RELAY"), Symbol("SHARED-SUBS")}
	return e.ConnectAs(clientID, e.target.Host(), uint32(largestFrame), uint16(32767), uint32(60000), nil, nil, nil, desired,
		Map{Symbol("product"), "QpidJMS", Symbol("version"), "1.11.0", Symbol("platform"), "JVM: 17"})
}

// Session opens a connection with a session.
func (e *Env) Session() *Session {
	e.t.Helper()
	return e.Connect().Session()
}
