package stomptest

import (
	"slices"
	"strings"
	"testing"
)

// Scenario proves one behaviour of a STOMP listener.
type Scenario struct {
	Name     string   // path-like, unique: area/behaviour
	Ref      string   // the behaviour, as a sentence
	Versions []string // protocol versions to run it with; empty means 1.2
	Login    bool     // needs a target with a user and a password; is skipped on others

	// ActiveMQ says what ActiveMQ does where it differs from us, and Why we don't do the same. Both or neither are set.
	ActiveMQ string
	Why      string

	// Later says what this broker lacks for it so far. The scenario is skipped on it, and runs on ActiveMQ.
	Later string

	Run func(t *testing.T, e *Env)
}

// every lists all protocol versions.
func every() []string { return []string{"1.0", "1.1", "1.2"} }

// since11 lists the versions with subscription ids, NACK and heart-beats.
func since11() []string { return []string{"1.1", "1.2"} }

// All returns the whole table in the order of the documentation.
func All() []Scenario {
	return slices.Concat(
		connectScenarios(), loginScenarios(), heartbeatScenarios(), streamScenarios(), errorScenarios(), fatalScenarios(),
		destinationScenarios(), wildcardScenarios(), temporaryScenarios(),
		sendScenarios(), bodyScenarios(), transformScenarios(), escapeScenarios(),
		ackScenarios(), nackScenarios(), receiptScenarios(), transactionScenarios(),
		redeliveryScenarios(), prefetchScenarios(), expiryScenarios(),
		topicScenarios(), durableScenarios(), browserScenarios(), selectorScenarios(),
		dispatchScenarios(), groupScenarios(),
	)
}

// Run puts the target through every scenario, each as a parallel subtest per protocol version.
func Run(t *testing.T, target Target) {
	for _, s := range All() {
		versions := s.Versions
		if len(versions) == 0 {
			versions = []string{"1.2"}
		}
		for _, version := range versions {
			t.Run(s.Name+"/"+version, func(t *testing.T) {
				if s.Login && target.User == "" {
					t.Skip("the target asks for no password")
				}
				if s.Later != "" && target.Peer != ActiveMQ {
					t.Skip(s.Later)
				}
				t.Parallel()
				s.Run(t, newEnv(t, target, s, version))
			})
		}
	}
}

// Differences returns the documented differences from ActiveMQ, and what is not there yet, as two Markdown tables.
func Differences() string {
	var b strings.Builder
	b.WriteString("| Behaviour | ActiveMQ | Why Manifold differs | Scenario |\n|---|---|---|---|\n")
	for _, s := range All() {
		if s.ActiveMQ == "" {
			continue
		}
		b.WriteString("| " + cell(s.Ref) + " | " + cell(s.ActiveMQ) + " | " + cell(s.Why) + " | `" + s.Name + "` |\n")
	}
	b.WriteString("\n### Not there yet\n\n| Behaviour of ActiveMQ | Missing | Scenario |\n|---|---|---|\n")
	for _, s := range All() {
		if s.Later != "" {
			b.WriteString("| " + cell(s.Ref) + " | " + cell(s.Later) + " | `" + s.Name + "` |\n")
		}
	}
	return b.String()
}

// cell makes text safe for a table cell.
func cell(text string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text) }
