package interoptest

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt"
)

var write = flag.Bool("write", false, "write the generated documents anew")

const (
	document = "../../docs/interop.md"
	command  = "go test ./protocols/interoptest -write"
)

// row is one message on its way.
type row struct {
	about string
	to    destination // its name is completed per row
	m     message
	needs []feature // what the sender must be able to express
	late  bool      // the receiver comes after the message
}

func rows() []row {
	answers, news := queue("answers.a"), topic("news.a")
	every := []pair{
		{"s", "v"}, {"b", true}, {"y", int8(-8)}, {"h", int16(-16)}, {"i", int32(-5)}, {"l", int64(1) << 40}, {"f", float32(1.5)}, {"d", 2.5},
	}
	list, to := func(f ...feature) []feature { return f }, queue("")
	return []row{
		{about: "text, to a queue", to: to, m: text("Grüße 😀")},
		{about: "text, to a topic", to: topic(""), m: text("Grüße 😀")},
		{about: "bytes, to a queue", to: to, m: message{kind: bytesKind, bytes: []byte{0, 1, 0xff}}},
		{about: "bytes, to a topic", to: topic(""), m: message{kind: bytesKind, bytes: []byte{0, 1, 0xff}}},
		{about: "map", to: to, m: message{kind: mapKind, entries: []pair{{"name", "v"}}}, needs: list(mapBodies)},
		{about: "map of a number", to: to, m: message{kind: mapKind, entries: []pair{{"n", int32(5)}}}, needs: list(mapBodies)},
		{about: "map of a truth", to: to, m: message{kind: mapKind, entries: []pair{{"b", true}}}, needs: list(mapBodies)},
		{about: "map of octets", to: to, m: message{kind: mapKind, entries: []pair{{"o", []byte{1, 0xfe}}}}, needs: list(mapBodies, streams)},
		{about: "stream", to: to, m: message{kind: streamKind, entries: []pair{{"", "v"}, {"", int32(5)}, {"", true}, {"", 2.5}}}, needs: list(streams)},
		{about: "object", to: to, m: message{kind: objectKind, text: "obj"}, needs: list(objects)},
		{about: "no body", to: to, m: message{kind: noKind}, needs: list(empties)},
		{about: "persistent", to: to, m: message{text: "x", durable: true}},
		{about: "exactly once", to: to, m: message{text: "x", durable: true, twice: true}, needs: list(exactlyOnce)},
		{about: "priority", to: to, m: message{text: "x", priority: 7}, needs: list(priorities)},
		{about: "expiry", to: to, m: message{text: "x", ttl: time.Minute}, needs: list(expiry)},
		{about: "correlation id", to: to, m: message{text: "x", correlation: "c-1"}, needs: list(correlation)},
		{about: "correlation id of octets", to: to, m: message{text: "x", correlation: "\x01\xfe", octets: true}, needs: list(correlation, octets)},
		{about: "reply to a queue", to: to, m: message{text: "x", replyTo: &answers}, needs: list(replies)},
		{about: "reply to a topic", to: to, m: message{text: "x", replyTo: &news}, needs: list(replies)},
		{about: "reply to a temporary queue", to: to, m: message{text: "x", replyTo: &destination{name: "of the sender's own"}}, needs: list(replies, temporaries)},
		{about: "type", to: to, m: message{text: "x", jmsType: "order"}, needs: list(types)},
		{about: "group", to: to, m: message{text: "x", group: "g", seq: 2}, needs: list(types)},
		{about: "user id", to: to, m: message{text: "x", user: "u"}, needs: list(users)},
		{about: "time stamp", to: to, m: message{text: "x", timestamp: time.Unix(1e9, 0)}, needs: list(timestamps)},
		{about: "content type", to: to, m: message{text: "{}", contentType: "application/json"}, needs: list(contentTypes)},
		{about: "properties", to: to, m: message{text: "x", properties: every}, needs: list(properties)},
		{about: "retained, when it is sent", to: topic(""), m: message{text: "x", retain: true, durable: true}},
		{about: "retained, for who comes later", to: topic(""), m: message{text: "x", retain: true, durable: true}, late: true},
		{about: "scheduled", to: to, m: message{text: "x", delay: 50 * time.Millisecond, durable: true}, needs: list(delays)},
		{about: "to a virtual topic, from its queue", to: topic("VirtualTopic."), m: message{text: "x"}},
	}
}

// has reports whether a protocol can express all of some features.
func (p protocol) has(list []feature) bool {
	return !slices.ContainsFunc(list, func(f feature) bool { return !p.can(f) })
}

// manifold starts a broker for all of a test's cases.
func manifold(t *testing.T, more ...brokertest.Option) target {
	t.Helper()
	b := brokertest.Start(t, append([]brokertest.Option{brokertest.WithMQTT(mqtt.Options{QueuePrefix: queuePrefix, SysInterval: -1})}, more...)...)
	return listeners(b)
}

func listeners(b *brokertest.Broker) target {
	return target{openWire: b.Addr("auto"), amqp: b.Addr("amqp"), mqtt: b.Addr("mqtt"), stomp: b.Addr("stomp")}
}

// section is what goes from one protocol to another.
type section struct {
	from, to protocol
	about    []string
	sent     []string
	received []*received
}

// TestTable sends every message by every protocol and receives it by every one, and compares what arrives with the documented
// table. Where there is no Java, it compares what is left.
func TestTable(t *testing.T) {
	t.Parallel()
	b := manifold(t)
	if *write && !hasJava() {
		t.Fatal("the document is written where all clients are")
	}
	var list []*section
	for i, from := range protocolList() {
		for j, to := range protocolList() {
			s := &section{from: from, to: to}
			list = append(list, s)
			t.Run(strings.ReplaceAll(from.name+" to "+to.name, " ", "-"), func(t *testing.T) {
				s.fill(t, b, fmt.Sprintf("interop.%d.%d", i, j), false)
			})
		}
	}
	var doc strings.Builder
	doc.WriteString(introduction)
	for _, s := range list {
		s.write(&doc)
	}
	doc.WriteString(requests(t, b))
	compare(t, document, doc.String())
}

const introduction = `# From one protocol to another: every pair

What arrives where a message is sent by one protocol and received by another. A test writes this page, and fails when it is no
longer true: ` + "`" + command + "`" + `. Its clients are ActiveMQ's own Java client for OpenWire, go-amqp, Paho's for
MQTT 3.1.1 and 5, and go-stomp.

What a sender's protocol has no word for is not sent by it. Message ids and destinations are not shown, nor are a priority of 4 and
the time of sending where they are the default; ` + "`ID:…`" + ` stands for an identifier. STOMP consumers ask for
` + "`transformation:jms-map-json`" + `. Subscribers of a topic for whom a message was retained are retroactive where their protocol
tells them apart. What is scheduled has a delay of 50 ms.

Names: a level ends with ` + "`/`" + ` in MQTT and with ` + "`.`" + ` elsewhere, and the wildcards ` + "`+`" + ` and ` + "`#`" + ` are ` + "`*`" + ` and ` + "`>`" + `
there; the characters are swapped one by one, so that every name comes back as it was. Names with ` + "`$queue/`" + ` in front are
queues where ` + "`mqtt.queue_prefix`" + ` is set to that, as it is here; to reply, MQTT clients can always publish to what a response
topic says.
`

// fill sends and receives every row that both sides can express. With common it keeps to what can be done with Debian's ActiveMQ:
// clients of MQTT have no queues there, and it lacks the library that makes JSON of maps for STOMP.
func (s *section) fill(t *testing.T, b target, name string, common bool) {
	sender := s.from.open(t, b, "")
	for i, r := range rows() {
		if !s.from.has(r.needs) || common && s.from.name == stomp12().name && r.m.kind == mapKind {
			continue
		}
		if common {
			r.m.text = strings.ReplaceAll(r.m.text, " 😀", "") // which ActiveMQ breaks
		}
		to := r.to
		to.topic = to.topic || common && (strings.HasPrefix(s.from.name, "MQTT") || strings.HasPrefix(s.to.name, "MQTT"))
		to.name += fmt.Sprintf("%s.%d", name, i)
		from := to
		if strings.HasPrefix(to.name, "VirtualTopic.") {
			if common && strings.HasPrefix(s.to.name, "MQTT") {
				continue
			}
			from = queue("Consumer.A." + to.name)
		}
		shown := r.m.String()
		if r.m.replyTo != nil && strings.Contains(r.m.replyTo.name, " ") {
			d := sender.temporary(false)
			r.m.replyTo = &d
			shown = "text `x`, reply to a temporary queue"
		}
		if r.late {
			sender.send(to, r.m)
		}
		receiver := s.to.open(t, b, "")
		c := receiver.consume(from, consuming{retroactive: r.late, maps: !common})
		if !r.late {
			sender.send(to, r.m)
		}
		got := take(t, c)
		receiver.close()
		slices.Sort(got.facts)
		s.about, s.sent, s.received = append(s.about, r.about), append(s.sent, shown), append(s.received, got)
	}
	sender.close()
}

// write writes the section. What most rows show is told once.
func (s *section) write(doc *strings.Builder) {
	fmt.Fprintf(doc, "\n## %s to %s\n", s.from.name, s.to.name)
	if len(s.received) == 0 {
		return
	}
	usual := s.usual()
	if len(usual) > 0 {
		fmt.Fprintf(doc, "\nWhat has no other mark also has: %s.\n", cell(strings.Join(usual, ", ")))
	}
	doc.WriteString("\n| | sent | received |\n|---|---|---|\n")
	for i, r := range s.received {
		words := []string{r.body}
		names := make(map[string]bool)
		for _, f := range r.facts {
			names[nameOf(f)] = true
			if !slices.Contains(usual, f) {
				words = append(words, f)
			}
		}
		for _, f := range usual {
			if !names[nameOf(f)] {
				words = append(words, "no "+nameOf(f))
			}
		}
		fmt.Fprintf(doc, "| %s | %s | %s |\n", s.about[i], cell(s.sent[i]), cell(strings.Join(words, ", ")))
	}
}

// unlike are the cells in which ActiveMQ shows something else, by section and row, with the reason.
func unlike() map[string]string {
	groups := "STOMP clients are told of groups, as those of other protocols are"
	return map[string]string{
		"OpenWire to STOMP 1.2: group":          groups,
		"STOMP 1.2 to STOMP 1.2: group":         groups,
		"OpenWire to MQTT 3.1.1: map of octets": "octets in a map are written as hexadecimal digits, where Java writes a number that says nothing of them",
	}
}

// TestTableActiveMQ sends and receives by the protocols of Debian's ActiveMQ, there and here: what arrives is the same, or the
// difference is known. It is asked for with MANIFOLD_PEER_ACTIVEMQ=start.
func TestTableActiveMQ(t *testing.T) {
	peer := activeMQ(t)
	// Its quality of service for messages of other protocols is on request here.
	b := manifold(t, brokertest.WithMQTT(mqtt.Options{QueuePrefix: queuePrefix, SysInterval: -1, ActiveMQQoS: true}))
	known := unlike()
	for i, from := range []protocol{openWire(), mqtt311(), stomp12()} {
		for j, to := range []protocol{openWire(), mqtt311(), stomp12()} {
			title := from.name + " to " + to.name
			t.Run(strings.ReplaceAll(title, " ", "-"), func(t *testing.T) {
				theirs, ours := &section{from: from, to: to}, &section{from: from, to: to}
				name := fmt.Sprintf("interop.%d.%d", i, j)
				theirs.fill(t, peer, name, true)
				ours.fill(t, b, name, true)
				for k, r := range ours.received {
					at := ours.about[k]
					if theirs.about[k] != at {
						t.Fatalf("%s is not %s", theirs.about[k], at)
					}
					got, want := r.body+", "+strings.Join(r.facts, ", "), theirs.received[k].body+", "+strings.Join(theirs.received[k].facts, ", ")
					if _, ok := known[title+": "+at]; (got != want) != ok {
						t.Errorf("%s (known as different: %t):\n    here %s\nActiveMQ %s", at, ok, got, want)
					}
				}
				if len(ours.received) < 5 {
					t.Errorf("only %d messages", len(ours.received))
				}
			})
		}
	}
}

// usual returns what more than half of the messages show beside their bodies.
func (s *section) usual() []string {
	count := make(map[string]int)
	for _, r := range s.received {
		for _, f := range r.facts {
			count[f]++
		}
	}
	var list []string
	for f, n := range count {
		if n > len(s.received)/2 {
			list = append(list, f)
		}
	}
	slices.Sort(list)
	return list
}

// nameOf returns what a fact is about, without its value.
func nameOf(fact string) string {
	if name, _, ok := strings.Cut(fact, "`="); ok {
		return name + "`"
	}
	if strings.HasPrefix(fact, "`") {
		name, _, _ := strings.Cut(strings.Trim(fact, "`"), ":")
		name, _, _ = strings.Cut(name, "` ")
		return "`" + name + "`"
	}
	name, _, _ := strings.Cut(fact, " ")
	return name
}

// cell makes text safe for a table cell.
func cell(text string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text) }

// compare holds a generated document against the one that is kept, or writes it. Sections of protocols without a client here
// have no rows, and are left out.
func compare(t *testing.T, path, doc string) {
	t.Helper()
	if t.Failed() {
		return
	}
	if *write {
		if err := os.WriteFile(path, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) == doc {
		return
	}
	got := sections(doc)
	for title, lines := range sections(string(kept)) {
		have, ok := got[title]
		delete(got, title)
		if !hasJava() {
			if len(have) < 3 {
				continue
			}
			lines = slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(l, "| "+openWire().name+" |") })
		}
		if !ok {
			t.Errorf("%s: there is no such section any more", title)
			continue
		}
		for i := range max(len(lines), len(have)) {
			if line(lines, i) != line(have, i) {
				t.Errorf("%s:\n got %s\nwant %s\n(%s)", title, line(have, i), line(lines, i), command)
			}
		}
	}
	for title := range got {
		t.Errorf("%s: a section that %s does not have", title, path)
	}
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// sections returns a document's lines by title.
func sections(doc string) map[string][]string {
	m := make(map[string][]string)
	title := ""
	for l := range strings.Lines(doc) {
		if strings.HasPrefix(l, "## ") {
			title = strings.TrimSpace(l)
		}
		m[title] = append(m[title], strings.TrimSuffix(l, "\n"))
	}
	return m
}

// requests asks and answers between all protocols, each to a destination of its own, and returns the section that tells of it.
func requests(t *testing.T, b target) string {
	var doc strings.Builder
	doc.WriteString("\n## Requests and replies\n\nA request names a destination of the requester's own and a correlation id; who serves it replies to what its own protocol makes of " +
		"that, and the requester\ngets the reply with the correlation id. MQTT has no temporary destinations: its clients make up a topic. MQTT 3.1.1 knows neither.\n\n" +
		"| Requester | Server | Reply to | Reply |\n|---|---|---|---|\n")
	var mu sync.Mutex
	lines := make(map[string]string)
	t.Run("requests", func(t *testing.T) {
		for i, from := range protocolList() {
			for j, to := range protocolList() {
				for _, kind := range []bool{false, true} {
					if !from.can(replies) || !to.can(replies) || kind && !from.can(temporaries) {
						continue
					}
					t.Run(strings.ReplaceAll(fmt.Sprint(from.name, " to ", to.name, " ", kind), " ", "-"), func(t *testing.T) {
						t.Parallel()
						l := request(t, b, from, to, kind)
						mu.Lock()
						defer mu.Unlock()
						lines[fmt.Sprint(i, j, kind)] = l
					})
				}
			}
		}
	})
	for i := range protocolList() {
		for j := range protocolList() {
			doc.WriteString(lines[fmt.Sprint(i, j, false)] + lines[fmt.Sprint(i, j, true)])
		}
	}
	return doc.String()
}

// request asks and answers once, and returns the row that tells of it.
func request(t *testing.T, b target, from, to protocol, topical bool) string {
	service := queue(unique("service"))
	server, requester := to.open(t, b, ""), from.open(t, b, "")
	serving := server.consume(service, consuming{})
	own := requester.temporary(topical)
	answers := requester.consume(own, consuming{})
	requester.send(service, message{text: "question", replyTo: &own, correlation: "c-1"})
	question := take(t, serving)
	if question.text != "question" || question.correlation != "c-1" || question.replyTo == "" {
		t.Fatalf("the question came as %+v", question)
	}
	server.send(destination{topic: topical, native: question.replyTo}, message{text: "answer", correlation: question.correlation})
	answer := take(t, answers)
	if answer.text != "answer" || answer.correlation != "c-1" {
		t.Fatalf("the answer came as %+v", answer)
	}
	shown := mask(question.replyTo)
	if strings.Contains(shown, "replies") {
		shown = shown[:strings.Index(shown, "replies")] + "…"
	}
	return fmt.Sprintf("| %s | %s | `%s` | %s |\n", from.name, to.name, shown, cell(answer.body))
}

// TestOffline leaves messages of every protocol for subscribers of every protocol who are away, over a restart of the broker.
func TestOffline(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := brokertest.Start(t, brokertest.WithStore(dir), brokertest.WithMQTT(mqtt.Options{QueuePrefix: queuePrefix, SysInterval: -1}))
	var list []protocol
	for _, p := range protocolList() {
		if p.name != openWire().name || hasJava() {
			list = append(list, p)
		}
	}
	where := topic("offline.>")
	for _, p := range list {
		c := p.open(t, listeners(b), "offline-"+p.name)
		c.consume(where, consuming{durable: "d"})
		c.close()
	}
	for _, p := range list {
		c := p.open(t, listeners(b), "")
		c.send(topic("offline."+strings.ReplaceAll(p.name, ".", "")), message{text: "from " + p.name, durable: true})
		c.close()
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = brokertest.Start(t, brokertest.WithStore(dir), brokertest.WithMQTT(mqtt.Options{QueuePrefix: queuePrefix, SysInterval: -1}))
	for _, p := range list {
		c := p.open(t, listeners(b), "offline-"+p.name)
		k := c.consume(where, consuming{durable: "d"})
		for _, from := range list {
			if r := take(t, k); r.text != "from "+from.name {
				t.Errorf("%s got %q, want what came from %s", p.name, r.text, from.name)
			}
		}
		c.close()
	}
}
