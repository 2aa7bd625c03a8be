package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/openwire/jmstest"
	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// observation is something that clients see of what an activemq.xml says.
type observation struct {
	name string
	see  func(t *testing.T, target stomptest.Target) string
	want string
}

// observations are what clients of testdata/peer.xml see. ActiveMQ shows the same. stealing is the
// address of the connector of that name.
func observations(stealing string) []observation {
	return []observation{
		{"a password of a property file", login("boss", "secret"), "CONNECTED"},
		{"a password", login("app", "application"), "CONNECTED"},
		{"a wrong password", login("app", "wrong"), "ERROR User name [app] or password is invalid."},
		{"no user name", login("", ""), "ERROR User name [null] or password is invalid."},
		{"a right to make and write", try("app", "/queue/apps.new"), "RECEIPT"},
		{"no right", try("app", "/queue/other"), "ERROR User app is not authorized to write to: queue://other"},
		{"no right to make", try("app", "/queue/boxes.new"), "ERROR User app is not authorized to create: queue://boxes.new"},
		{"a right to write what is there", func(t *testing.T, target stomptest.Target) string {
			boss(t, target).Put("/queue/boxes.there", "x")
			return try("app", "/queue/boxes.there")(t, target)
		}, "RECEIPT"},
		{"a dead letter", deadLetter("/queue/sorted", "/queue/DLQ.sorted"), "x"},
		{"a dead letter of a queue whose own policy does not name its queue", deadLetter("/queue/plain.x", "/queue/ActiveMQ.DLQ"), "x"},
		{"a dead letter with a suffix", deadLetter("/queue/suffixed", "/queue/D.suffixed.L"), "x"},
		{"who has sent it", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			session(t, target, "app", "application").Put("/queue/apps.user", "x", "JMSXUserID", "forged")
			c.Subscribe("1", "/queue/apps.user")
			return c.Message().Get("JMSXUserID")
		}, "app"},
		{"too many repeats", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			c.Write(stomptest.F("SEND", "destination", "/queue/repeated", "receipt", "r", "AMQ_SCHEDULED_DELAY", "1000000", "AMQ_SCHEDULED_REPEAT", "6"))
			message := answer(c.Next())
			return message[:min(len(message), 45)]
		}, "ERROR The scheduled repeat value is too large"},
		{"a virtual topic with a postfix", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			c.Subscribe("1", "/queue/P.one.Post.t.in")
			c.Subscribe("2", "/queue/P.one.Post.t")
			c.Put("/topic/Post.t", "x")
			return c.Message().Get("subscription")
		}, "1"},
		{"a dead letter that is discarded", func(t *testing.T, target stomptest.Target) string {
			deadLetter("/queue/gone", "")(t, target)
			return browse(t, target, "/queue/DLQ.gone") + browse(t, target, "/queue/ActiveMQ.DLQ")
		}, "x"}, // of the line before
		{"a virtual topic", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			c.Subscribe("1", "/queue/C.one.VT.t")
			c.Subscribe("2", "/queue/Consumer.one.VirtualTopic.t")
			c.Put("/topic/VirtualTopic.t", "not here")
			c.Put("/topic/VT.t", "here")
			m := c.Message()
			return m.Get("subscription") + " " + m.Body
		}, "1 here"},
		{"a virtual topic that knows selectors", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			c.Subscribe("1", "/queue/A.one.Aware.t", "selector", "n = 2")
			c.Put("/topic/Aware.t", "one", "n", "1")
			c.Put("/topic/Aware.t", "two", "n", "2")
			text := c.Message().Body
			c.Unsubscribe("1")
			return text + ", " + browse(t, target, "/queue/A.one.Aware.t")
		}, "two, "},
		{"a composite queue", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			c.Put("/queue/split", "small")
			c.Put("/queue/split", "large", "kind", "big")
			return browse(t, target, "/queue/split") + ", " + browse(t, target, "/queue/split.all") + ", " + browse(t, target, "/queue/split.big")
		}, "small large, small large, large"},
		{"a composite queue that keeps what no filter matches", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			c.Put("/queue/sieve", "small")
			c.Put("/queue/sieve", "large", "kind", "big")
			return browse(t, target, "/queue/sieve") + ", " + browse(t, target, "/queue/sieve.big")
		}, "small, large"},
		{"a composite topic that only forwards", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			c.Subscribe("1", "/topic/news")
			c.Put("/topic/news", "n")
			c.Quiet()
			return browse(t, target, "/queue/news.kept")
		}, "n"},
		{"priorities", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			for _, p := range []string{"1", "9", "4"} {
				c.Put("/queue/plain.prio", p, "priority", p, "persistent", "true")
			}
			return browse(t, target, "/queue/plain.prio")
		}, "9 4 1"},
		{"a redelivery policy", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			c.Subscribe("d", "/queue/DLQ.retried")
			c.Subscribe("1", "/queue/retried", "ack", "client-individual")
			c.Put("/queue/retried", "again", "persistent", "true")
			for deliveries := 0; ; deliveries++ {
				m := c.Message()
				if m.Get("subscription") == "d" {
					return strconv.Itoa(deliveries)
				}
				c.Nack(m)
			}
		}, "3"},
		{"no redelivery policy", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			c.Subscribe("d", "/queue/DLQ.unretried")
			c.Subscribe("1", "/queue/unretried", "ack", "client-individual")
			c.Put("/queue/unretried", "once", "persistent", "true")
			c.Nack(c.Message())
			return c.Message().Get("subscription")
		}, "d"},
		{"a limit of memory, and messages that are not persistent", limited("/queue/limited.a", "false"), "all"},
		{"a limit of memory, and persistent messages", limited("/queue/limited.b", "true"), "all"},
		{"a limit of memory, and a cursor that has no store", limited("/queue/held.a", "false"), "fails"},
		{"a limit of memory, a cursor that has no store, and persistent messages", limited("/queue/held.b", "true"), "fails"},
		{"a limit of what waits for a slow subscriber", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			c.Subscribe("1", "/topic/slow.t", "ack", "client-individual", "activemq.prefetchSize", "2")
			for i := range 20 {
				c.Put("/topic/slow.t", strconv.Itoa(i))
			}
			var got []string
			for range 7 {
				m := c.Message()
				got = append(got, m.Body)
				c.Ack(m)
			}
			return strings.Join(got, " ")
		}, "0 1 15 16 17 18 19"},
		{"what a topic remembers", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			c.PutAll("/topic/recent", "a b c")
			c.Subscribe("1", "/topic/recent", "activemq.retroactive", "true")
			return c.Bodies(2)
		}, "b c"},
		{"a time to live for all", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			c.Put("/queue/timed", "x")
			c.Subscribe("1", "/queue/timed")
			m := c.Message()
			expires, _ := strconv.ParseInt(m.Get("expires"), 10, 64)
			stamp, _ := strconv.ParseInt(m.Get("timestamp"), 10, 64)
			return strconv.FormatInt(expires-stamp, 10)
		}, "1800000"},
		{"a client identifier that is in use", twice(""), "ERROR Broker: localhost - Client: twice alread"},
		{"a client identifier that is in use, where links may be stolen", twice(stealing), "CONNECTED, and the first is closed"},
		{"a delay", func(t *testing.T, target stomptest.Target) string {
			c := boss(t, target)
			c.Subscribe("1", "/queue/delayed")
			c.Put("/queue/delayed", "late", "AMQ_SCHEDULED_DELAY", "300")
			c.Put("/queue/delayed", "soon")
			return c.Bodies(2)
		}, "soon late"},
	}
}

// twice connects two clients with one identifier.
func twice(address string) func(*testing.T, stomptest.Target) string {
	return func(t *testing.T, target stomptest.Target) string {
		if address != "" {
			target.Address = address
		}
		target.User, target.Pass = "boss", "secret"
		first := stomptest.Open(t, target)
		first.Login("1.2", "client-id", "twice")
		second := stomptest.Open(t, target)
		second.Write(stomptest.F("CONNECT", "accept-version", "1.2", "host", "localhost", "login", "boss", "passcode", "secret", "client-id", "twice"))
		got := answer(second.Next())
		if got != "CONNECTED" {
			first.Sync()
			return got[:min(len(got), 46)]
		}
		first.Ends()
		return got + ", and the first is closed"
	}
}

// boss opens a session of the user who may do everything.
func boss(t *testing.T, target stomptest.Target) *stomptest.Client {
	return session(t, target, "boss", "secret")
}

func session(t *testing.T, target stomptest.Target, user, password string) *stomptest.Client {
	t.Helper()
	target.User, target.Pass = user, password
	c := stomptest.Open(t, target)
	c.Login("1.2")
	return c
}

func login(user, password string) func(*testing.T, stomptest.Target) string {
	return func(t *testing.T, target stomptest.Target) string {
		c := stomptest.Open(t, target)
		f := stomptest.F("CONNECT", "accept-version", "1.2", "host", "localhost")
		if user != "" {
			f = f.With("login", user, "passcode", password)
		}
		c.Write(f)
		return answer(c.Next())
	}
}

// answer is a frame's command, and for an ERROR its message.
func answer(f stomptest.Frame) string {
	return strings.TrimSpace(f.Command + " " + f.Get("message"))
}

// try sends one message and returns the answer.
func try(user, destination string) func(*testing.T, stomptest.Target) string {
	return func(t *testing.T, target stomptest.Target) string {
		c := session(t, target, user, map[string]string{"app": "application", "boss": "secret"}[user])
		c.Write(stomptest.F("SEND", "destination", destination, "receipt", "r"))
		return answer(c.Next())
	}
}

// deadLetter lets a message be refused, and returns what is in a queue then.
func deadLetter(from, to string) func(*testing.T, stomptest.Target) string {
	return func(t *testing.T, target stomptest.Target) string {
		c := boss(t, target)
		c.Put(from, "x", "persistent", "true")
		c.Subscribe("1", from, "ack", "client-individual")
		c.Nack(c.Message())
		c.Sync()
		if to == "" {
			return ""
		}
		return browse(t, target, to)
	}
}

// browse returns the bodies of what waits in a queue.
func browse(t *testing.T, target stomptest.Target, queue string) string {
	t.Helper()
	c := boss(t, target)
	c.Subscribe("b", queue, "browser", "true")
	var list []string
	for {
		m := c.Message()
		if m.Get("browser") == "end" {
			return strings.Join(list, " ")
		}
		list = append(list, m.Body)
	}
}

// limited returns whether a queue takes 200 messages.
func limited(queue, persistent string) func(*testing.T, stomptest.Target) string {
	return func(t *testing.T, target stomptest.Target) string {
		c := boss(t, target)
		body := strings.Repeat("x", 1000)
		for i := range 200 {
			f := stomptest.F("SEND", "destination", queue, "persistent", persistent, "receipt", strconv.Itoa(i))
			f.Body = body
			c.Write(f)
			if got := c.Next(); got.Command != "RECEIPT" {
				return "fails"
			}
		}
		return "all"
	}
}

// peerProperties is the property file of testdata/peer.xml.
const peerProperties = "boss.password=secret\n"

// peerFile returns testdata/peer.xml in a conf folder of its own, with its property file.
func peerFile(t *testing.T) (dir, file string) {
	t.Helper()
	text, err := os.ReadFile("testdata/peer.xml")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	conf := filepath.Join(dir, "conf")
	if err := os.MkdirAll(conf, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"passwords.properties": peerProperties, "activemq.xml": string(text)} {
		if err := os.WriteFile(filepath.Join(conf, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, filepath.Join(conf, "activemq.xml")
}

func observe(t *testing.T, target stomptest.Target, stealing string) {
	for _, o := range observations(stealing) {
		t.Run(o.name, func(t *testing.T) {
			if got := o.see(t, target); got != o.want {
				t.Errorf("%s, want %s", got, o.want)
			}
		})
	}
}

// TestActiveMQXML gives an activemq.xml to serve, and looks at what clients see of what it says.
func TestActiveMQXML(t *testing.T) {
	t.Parallel()
	_, name := peerFile(t)
	s := serveFile(t, name, "ACTIVEMQ_OPTS=-Dopenwire.port=0 -Dstomp.port=0 -Dstealing.port=0", "MANIFOLD_HTTP_ADDRESS=127.0.0.1:0", "MANIFOLD_BROKER_DRAIN_TIMEOUT=100ms")
	observe(t, stomptest.Target{Address: s.at["stomp"]}, s.at["stealing"])
}

// TestActiveMQXMLThere gives the same file to ActiveMQ: its clients see the same.
func TestActiveMQXMLThere(t *testing.T) {
	t.Parallel()
	if !jmstest.ActiveMQInstalled() {
		if os.Getenv("MANIFOLD_FOREIGN_CLIENTS") == "required" {
			t.Fatal("Debian's activemq is not installed")
		}
		t.Skip("Debian's activemq is not installed")
	}
	dir, name := peerFile(t)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	// It does not mind that Manifold's store is below its own.
	ours := filepath.Join(dir, "data/kahadb/manifold/pebble")
	if err := os.MkdirAll(ours, 0o755); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := os.Stat(ours); err != nil {
			t.Error(err)
		}
	}()
	port, stomp, stealing := jmstest.FreePort(t), jmstest.FreePort(t), jmstest.FreePort(t)
	jmstest.RunActiveMQ(t, dir, string(text), port, fmt.Sprintf("-Dopenwire.port=%d", port), fmt.Sprintf("-Dstomp.port=%d", stomp), fmt.Sprintf("-Dstealing.port=%d", stealing))
	jmstest.AwaitPort(t, stomp, nil)
	jmstest.AwaitPort(t, stealing, nil)
	observe(t, stomptest.Target{Address: fmt.Sprintf("127.0.0.1:%d", stomp), Peer: stomptest.ActiveMQ}, fmt.Sprintf("127.0.0.1:%d", stealing))
}
