package interoptest

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt"
	"github.com/manifoldmq/manifold/protocols/openwire/jmstest"
	"github.com/manifoldmq/manifold/protocols/server"
)

// scenario is one promise of delivery.
type scenario struct {
	name     string // path-like and unique
	about    string // the promise, as a sentence
	needs    []feature
	run      func(e *env)
	only     string // expression of protocol names, where it means something to some only
	activeMQ string // what ActiveMQ does, where it differs
	why      string // we don't do the same
	ours     bool   // there is no way to have a real ActiveMQ do it here
}

// scenarios returns all of them.
func scenarios() []scenario {
	return slices.Concat(queueScenarios(), dispatchScenarios(), redeliveryScenarios(), transactionScenarios(), topicScenarios(), timeScenarios(), policyScenarios())
}

// env is what a scenario runs with: a protocol, a broker, and names that nobody else uses.
type env struct {
	*testing.T
	p      protocol
	b      target
	broker *brokertest.Broker // nil if it is a real ActiveMQ
	unique string
}

// open connects.
func (e *env) open() client { e.Helper(); return e.p.open(e.T, e.b, "") }

// openAs connects with an identifier, so that there are durable subscriptions.
func (e *env) openAs(suffix string) client { e.Helper(); return e.p.open(e.T, e.b, e.unique+suffix) }

// queue and topic return destinations of the scenario's own.
func (e *env) queue(suffix ...string) destination { return queue(e.unique + strings.Join(suffix, "")) }
func (e *env) topic(suffix ...string) destination { return topic(e.unique + strings.Join(suffix, "")) }

// isMQTT reports whether the protocol is one without ways to settle other than to acknowledge.
func (e *env) isMQTT() bool { return strings.HasPrefix(e.p.name, "MQTT") }

// send sends texts.
func (e *env) send(c client, to destination, texts ...string) {
	e.Helper()
	for _, t := range texts {
		c.send(to, message{text: t, durable: true})
	}
}

// numbers are the texts from one number to another.
func numbers(from, to int) []string {
	var list []string
	for i := from; i <= to; i++ {
		list = append(list, fmt.Sprint(i))
	}
	return list
}

// elapse waits for time to pass where that is what is asked about.
func (e *env) elapse(d time.Duration) { <-time.After(d) }

// equal compares lists.
func (e *env) equal(what string, got, want []string) {
	e.Helper()
	if !slices.Equal(got, want) {
		e.Errorf("%s: %q, want %q", what, got, want)
	}
}

// dead returns a consumer of the dead letters of this scenario's messages, which have its name as a property.
func (e *env) dead() consumer {
	e.Helper()
	return e.open().consume(queue("ActiveMQ.DLQ"), consuming{selector: "run = '" + e.unique + "'"})
}

// mark returns a message with the property that dead looks for.
func (e *env) mark(m message) message {
	m.properties = append(m.properties, pair{"run", e.unique})
	return m
}

// runSuite puts a broker through all scenarios by every protocol that it speaks.
func runSuite(t *testing.T, b target, own *brokertest.Broker) {
	only := regexp.MustCompile(os.Getenv("MANIFOLD_TEST_DELIVERY"))
	for _, p := range protocolList() {
		if b.activeMQ && (p.name == "AMQP 1.0" || p.name == "MQTT 5") {
			continue // Debian's ActiveMQ speaks neither
		}
		t.Run(strings.ReplaceAll(p.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			for _, s := range scenarios() {
				if !only.MatchString(s.name) || s.only != "" && !regexp.MustCompile(s.only).MatchString(p.name) {
					continue
				}
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					for _, f := range s.needs {
						if !p.can(f) || f == queues && b.activeMQ && strings.HasPrefix(p.name, "MQTT") {
							t.Skipf("%s by this client: no %s", p.name, f)
						}
					}
					if s.ours && b.activeMQ {
						t.Skip("not to be had of ActiveMQ here")
					}
					s.run(&env{t, p, b, own, strings.ReplaceAll(unique("suite."+strings.ReplaceAll(s.name, "/", ".")), "-", "")})
				})
			}
		})
	}
}

// policies are what the suite's brokers are configured with.
func policies(o *server.Options) {
	set := func(match string, fn func(*policy.Policy)) {
		o.Policies = append(o.Policies, policy.Entry{Match: match, Values: []policy.Value{{Name: "suite", Set: fn}}})
	}
	set("queue://prioritized.>", func(p *policy.Policy) { p.Prioritized = true })
	set("queue://individual.>", func(p *policy.Policy) { p.DeadLetter.Individual, p.DeadLetter.Prefix = true, "DLQ." })
	set("topic://remembering.>", func(p *policy.Policy) { p.Recovery.Count = 2 })
	set("topic://limited.>", func(p *policy.Policy) { p.Limits.Pending = 5 })
	set("topic://lowest.>", func(p *policy.Policy) { p.Limits.Pending, p.Limits.Eviction = 3, policy.EvictLowestPriority })
	set("topic://unique.>", func(p *policy.Policy) {
		p.Limits.Pending, p.Limits.Eviction, p.Limits.EvictionProperty = 3, policy.EvictSameProperty, "symbol"
	})
	set("queue://once.>", func(p *policy.Policy) { p.Duplicates.Window = 100 })
	set("queue://dropping.>", func(p *policy.Policy) { p.Limits.Messages, p.Limits.Overflow = 3, policy.DiscardOldest })
	set("queue://refusing.>", func(p *policy.Policy) { p.Limits.Messages, p.Limits.Overflow = 3, policy.DiscardNew })
	set("queue://full.>", func(p *policy.Policy) { p.Limits.Messages = 3 })
}

// activeMQPolicies are the same in ActiveMQ's words.
const activeMQPolicies = `<destinationPolicy><policyMap><policyEntries>
<policyEntry queue="prioritized.>" prioritizedMessages="true"/>
<policyEntry queue="individual.>"><deadLetterStrategy><individualDeadLetterStrategy queuePrefix="DLQ."/></deadLetterStrategy></policyEntry>
<policyEntry topic="remembering.>"><subscriptionRecoveryPolicy><fixedCountSubscriptionRecoveryPolicy maximumSize="2"/></subscriptionRecoveryPolicy></policyEntry>
<policyEntry topic="limited.>"><pendingMessageLimitStrategy><constantPendingMessageLimitStrategy limit="5"/></pendingMessageLimitStrategy></policyEntry>
<policyEntry topic="lowest.>"><messageEvictionStrategy><oldestMessageWithLowestPriorityEvictionStrategy/></messageEvictionStrategy>
  <pendingMessageLimitStrategy><constantPendingMessageLimitStrategy limit="3"/></pendingMessageLimitStrategy></policyEntry>
<policyEntry topic="unique.>"><messageEvictionStrategy><uniquePropertyMessageEvictionStrategy propertyName="symbol"/></messageEvictionStrategy>
  <pendingMessageLimitStrategy><constantPendingMessageLimitStrategy limit="3"/></pendingMessageLimitStrategy></policyEntry>
</policyEntries></policyMap></destinationPolicy>`

// TestDelivery runs the suite against Manifold.
func TestDelivery(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithMQTT(mqtt.Options{QueuePrefix: queuePrefix, SysInterval: -1}), policies)
	runSuite(t, listeners(b), b)
}

// TestDeliveryActiveMQ runs it against Debian's ActiveMQ, which proves that the suite tells the truth about it. It is asked for
// with MANIFOLD_PEER_ACTIVEMQ=start.
func TestDeliveryActiveMQ(t *testing.T) {
	runSuite(t, activeMQ(t), nil)
}

// activeMQ starts one that speaks OpenWire, STOMP and MQTT, or skips where it is not asked for.
func activeMQ(t *testing.T) target {
	t.Helper()
	if os.Getenv("MANIFOLD_PEER_ACTIVEMQ") != "start" {
		t.Skip("MANIFOLD_PEER_ACTIVEMQ does not say start")
	}
	if !jmstest.ActiveMQInstalled() {
		t.Fatal("ActiveMQ is not installed")
	}
	dir := t.TempDir()
	// Debian's package comes without what its MQTT connector needs.
	if err := os.MkdirAll(filepath.Join(dir, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, jar := range []string{"mqtt-client.jar", "hawtdispatch.jar"} {
		if err := os.Symlink(filepath.Join("/usr/share/java", jar), filepath.Join(dir, "lib", jar)); err != nil {
			t.Fatal(err)
		}
	}
	at := func(port int) string { return net.JoinHostPort("127.0.0.1", fmt.Sprint(port)) }
	open, stomp, mqtt := jmstest.FreePort(t), jmstest.FreePort(t), jmstest.FreePort(t)
	jmstest.StartActiveMQ(t, dir, jmstest.Config{
		Port: open,
		Connectors: fmt.Sprintf(`<transportConnector name="stomp" uri="stomp://127.0.0.1:%d"/><transportConnector name="mqtt" uri="mqtt://127.0.0.1:%d"/>`,
			stomp, mqtt),
		More: activeMQPolicies,
	})
	jmstest.AwaitPort(t, mqtt, nil)
	return target{openWire: at(open), stomp: at(stomp), mqtt: at(mqtt), activeMQ: true}
}

// TestScenarios checks the table itself.
func TestScenarios(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, s := range scenarios() {
		if seen[s.name] || s.name != strings.ToLower(s.name) || strings.Contains(s.name, " ") || !strings.Contains(s.name, "/") {
			t.Errorf("%q is no name, or is there twice", s.name)
		}
		seen[s.name] = true
		if s.about == "" || (s.activeMQ == "") != (s.why == "") {
			t.Errorf("%s does not say what it proves, or what ActiveMQ does and why we differ", s.name)
		}
	}
}

// TestDifferences keeps the documented table of differences equal to what the scenarios declare.
func TestDifferences(t *testing.T) {
	t.Parallel()
	const path, marker, end = "../../docs/activemq-differences.md", "<!-- generated by go test ./protocols/interoptest -run TestDifferences -write -->\n", "<!-- end -->\n"
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(kept), marker)
	table, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("no markers in %s", path)
	}
	var b strings.Builder
	b.WriteString("| Behaviour | ActiveMQ | Why Manifold differs | Scenario |\n|---|---|---|---|\n")
	for _, s := range scenarios() {
		if s.activeMQ != "" {
			fmt.Fprintf(&b, "| %s | %s | %s | `%s` |\n", cell(s.about), cell(s.activeMQ), cell(s.why), s.name)
		}
	}
	b.WriteString("\n| What arrives | Why it is not what ActiveMQ gives |\n|---|---|\n")
	cells := unlike()
	for _, at := range slices.Sorted(maps.Keys(cells)) {
		fmt.Fprintf(&b, "| %s | %s |\n", cell(at), cell(cells[at]))
	}
	if *write {
		if err := os.WriteFile(path, []byte(before+marker+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != b.String() {
		t.Errorf("%s is out of date: %s", path, command)
	}
}

// pause stops a queue's dispatch, and returns what lets it go on.
func (e *env) pause(q destination) (resume func()) {
	e.Helper()
	a := address.Address{Kind: address.Queue, Name: q.name}
	if err := e.broker.Core().Pause(a); err != nil {
		e.Fatal(err)
	}
	return func() {
		if err := e.broker.Core().Resume(a); err != nil {
			e.Error(err)
		}
	}
}
