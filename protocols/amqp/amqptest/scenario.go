package amqptest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Scenario proves one behaviour of an AMQP listener.
type Scenario struct {
	Name  string // path-like, unique: area/behaviour
	Ref   string // the behaviour, as a sentence
	Login bool   // needs a target with a user and a password; is skipped on others
	Plain bool   // needs a target without one; is skipped on others
	Bare  bool   // needs a client without a certificate, which would be its login
	// Certified scenarios need a client with a certificate; they are skipped on others.
	Certified bool

	// RabbitMQ says what RabbitMQ 3.10 does instead. The scenario must fail on it.
	RabbitMQ string
	// ActiveMQ says what ActiveMQ does where it differs from us, and Why we don't do the same. Both or neither are set.
	ActiveMQ string
	Why      string

	// Later says what Manifold lacks for it still: the scenario is skipped there.
	Later string

	Run func(e *Env)
}

// All returns the whole table in the order of the documentation.
func All() []Scenario {
	return slices.Concat(
		headerScenarios(), saslScenarios(), openScenarios(), sessionScenarios(), attachScenarios(), creditScenarios(),
		transferScenarios(), settleScenarios(), outcomeScenarios(), messageScenarios(), nodeScenarios(), filterScenarios(),
		browseScenarios(), subscriptionScenarios(), jmsScenarios(), transactionScenarios(), errorScenarios(),
	)
}

// Run puts the target through every scenario, each as a parallel subtest.
func Run(t *testing.T, target Target) { run(t, target, All()) }

// RunLogin puts the target through the scenarios of how connections begin.
func RunLogin(t *testing.T, target Target) {
	run(t, target, slices.Concat(headerScenarios(), saslScenarios()))
}

func run(t *testing.T, target Target, scenarios []Scenario) {
	for _, s := range scenarios {
		t.Run(s.Name, func(t *testing.T) {
			switch {
			case s.Login && target.User == "":
				t.Skip("the target asks for no password")
			case s.Later != "" && target.Peer != RabbitMQ:
				t.Skip(s.Later)
			case s.Bare && target.TLS != nil && target.TLS.Cert != "":
				t.Skip("the client has a certificate")
			case s.Certified && (target.TLS == nil || target.TLS.Cert == ""):
				t.Skip("the client has no certificate")
			case s.Plain && target.User != "":
				t.Skip("the target asks for a password")
			}
			t.Parallel()
			if target.Peer == RabbitMQ && s.RabbitMQ != "" {
				impatient := target
				impatient.Patience = 2 * time.Second
				if said := fails(impatient, s); said == "" {
					t.Errorf("it passes, although RabbitMQ is said to differ: %s", s.RabbitMQ)
				} else {
					t.Logf("as documented (%s): %s", s.RabbitMQ, said)
				}
				return
			}
			s.Run(newEnv(t, target, s))
		})
	}
}

// fails runs a scenario that should fail, and returns what it said; "" if it passed.
func fails(target Target, s Scenario) string {
	r := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer r.clean()
		s.Run(newEnv(r, target, s))
	}()
	<-done
	return strings.Join(r.said, "; ")
}

// recorder notes the failures of a scenario that is not a test's.
type recorder struct {
	mu       sync.Mutex
	said     []string
	cleanups []func()
}

func (*recorder) Helper()             {}
func (*recorder) Logf(string, ...any) {}

// Errorf notes a failure.
func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

// Fatalf notes a failure and ends the scenario.
func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// Cleanup keeps what is to be done at the end.
func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

func (r *recorder) clean() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}

// Differences returns what is documented of other brokers, as Markdown tables.
func Differences() string {
	var b strings.Builder
	b.WriteString("## Differences from ActiveMQ\n\n| Behaviour | ActiveMQ | Why Manifold differs | Scenario |\n|---|---|---|---|\n")
	for _, s := range All() {
		if s.ActiveMQ != "" {
			b.WriteString("| " + cell(s.Ref) + " | " + cell(s.ActiveMQ) + " | " + cell(s.Why) + " | `" + s.Name + "` |\n")
		}
	}
	b.WriteString("\n## Where RabbitMQ 3.10 fails the suite\n\n| Behaviour | RabbitMQ 3.10 | Scenario |\n|---|---|---|\n")
	for _, s := range All() {
		if s.RabbitMQ != "" {
			b.WriteString("| " + cell(s.Ref) + " | " + cell(s.RabbitMQ) + " | `" + s.Name + "` |\n")
		}
	}
	return b.String()
}

// cell makes text safe for a table cell.
func cell(text string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text) }
