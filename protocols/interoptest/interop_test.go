package interoptest

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt"
)

var write = flag.Bool("write", false, "write docs/interop.md anew")

const (
	document = "../../docs/interop.md"
	command  = "go test ./protocols/interoptest -write"
)

func protocolList() []protocol {
	return []protocol{{"STOMP 1.2", openSTOMP}, {"AMQP 1.0", openAMQP}, {"MQTT 5", openMQTT}}
}

// row is one message on its way.
type row struct {
	about string
	topic bool
	m     message
	mqtt  bool // MQTT has something for it, also as the sender
}

func rows() []row {
	answers, news := destination{name: "answers.a"}, destination{topic: true, name: "news.a"}
	return []row{
		{"text, to a queue", false, message{text: "Grüße 😀"}, true},
		{"text, to a topic", true, message{text: "Grüße 😀"}, true},
		{"bytes, to a queue", false, message{bytes: []byte{0, 1, 0xff}}, true},
		{"bytes, to a topic", true, message{bytes: []byte{0, 1, 0xff}}, true},
		{"map", false, message{table: []pair{{"name", "v"}, {"n", int32(5)}}}, false},
		{"persistence", false, message{text: "x", durable: true}, true},
		{"priority", false, message{text: "x", priority: 7}, false},
		{"expiry", false, message{text: "x", ttl: time.Minute}, true},
		{"correlation id", false, message{text: "x", correlation: "c-1"}, true},
		{"reply to a queue", false, message{text: "x", replyTo: &answers}, true},
		{"reply to a topic", true, message{text: "x", replyTo: &news}, true},
		{"type", false, message{text: "x", kind: "order"}, false},
		{"group", false, message{text: "x", group: "g"}, false},
		{"properties", false, message{text: "x", properties: []pair{
			{"s", "v"}, {"b", true}, {"i", int32(-5)}, {"l", int64(1) << 40}, {"d", 2.5},
		}}, true},
	}
}

// TestTable sends every message by every protocol and receives it by every one, and compares what arrives with the
// documented table.
func TestTable(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithMQTT(mqtt.Options{QueuePrefix: queuePrefix, SysInterval: -1}))
	var doc strings.Builder
	fmt.Fprintf(&doc, "# From one protocol to another: every pair\n\nWhat arrives where a message is sent by one protocol and received by another. A test writes this page, and fails when it\n"+
		"is no longer true: `%s`. What the sender's protocol has no word for is left out\nthere. Message ids, time stamps and destinations are not shown. STOMP consumers ask for `transformation:jms-map-json`; queues\n"+
		"have the prefix `%s` in MQTT, as `mqtt.queue_prefix` says here.\n", command, queuePrefix)
	for i, from := range protocolList() {
		for j, to := range protocolList() {
			fmt.Fprintf(&doc, "\n## %s to %s\n\n| | sent | received |\n|---|---|---|\n", from.name, to.name)
			for k, r := range rows() {
				if from.name == "MQTT 5" && !r.mqtt {
					continue
				}
				d := destination{topic: r.topic, name: fmt.Sprintf("interop.%d.%d.%d", i, j, k)}
				receiver, sender := to.open(t, b), from.open(t, b)
				receiver.subscribe(d)
				sender.send(d, r.m)
				fmt.Fprintf(&doc, "| %s | %s | %s |\n", r.about, cell(r.m.String()), cell(receiver.receive().String()))
			}
		}
	}
	if *write {
		if err := os.WriteFile(document, []byte(doc.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(doc.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		have := ""
		if i < len(got) {
			have = got[i]
		}
		if have != line {
			t.Errorf("line %d:\n got %s\nwant %s\n(%s)", i+1, have, line, command)
		}
	}
}

// cell makes text safe for a table cell.
func cell(text string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text) }
