package stomptest_test

import (
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/stomp"
	"github.com/manifoldmq/manifold/protocols/stomp/frame"
	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// TestOptions shows what each option of the protocol changes.
func TestOptions(t *testing.T) {
	t.Parallel()
	const unknown = "Invalid transaction id: t"
	wrong := stomptest.F("COMMIT", "transaction", "t")
	for name, test := range map[string]struct {
		options stomp.Options
		run     func(*testing.T, *stomptest.Client)
	}{
		"close on error": {stomp.Options{CloseOnError: true}, func(t *testing.T, c *stomptest.Client) {
			if got := c.Fails(wrong).Get("message"); got != unknown {
				t.Errorf("got %q", got)
			}
			c.Closed()
		}},
		"strict escapes": {stomp.Options{StrictEscapes: true}, func(t *testing.T, c *stomptest.Client) {
			c.WriteRaw("SEND\ndestination:/queue/strict\na:\\t\n\nx\x00")
			refusedWith(t, c, "")
		}},
		"nack redelivers": {stomp.Options{NackRedelivers: true}, func(t *testing.T, c *stomptest.Client) {
			c.Subscribe("1", "/queue/nack", "ack", "client-individual")
			c.Put("/queue/nack", "again")
			c.Nack(c.WantBodies("again")[0])
			if f := c.Message(); f.Body != "again" || f.Get("redelivered") != "true" {
				t.Errorf("got %v", f)
			}
		}},
		"server": {stomp.Options{Server: "Something/1"}, func(t *testing.T, c *stomptest.Client) {
			if got := c.Connected.Get("server"); got != "Something/1" {
				t.Errorf("got %q", got)
			}
		}},
		"body": {stomp.Options{MaxBody: 100}, func(t *testing.T, c *stomptest.Client) {
			c.Put("/queue/body", strings.Repeat("x", 100))
			c.Write(stomptest.F("SEND", "destination", "/queue/body", strings.Repeat("x", 101)))
			refusedWith(t, c, "The maximum data length was exceeded")
		}},
		"frame": {stomp.Options{MaxFrame: 200}, func(t *testing.T, c *stomptest.Client) {
			c.Write(stomptest.F("SEND", "destination", "/queue/frame", strings.Repeat("x", 200)))
			refusedWith(t, c, "The maximum frame size was exceeded")
		}},
		"command line": {stomp.Options{CommandLine: 20}, func(t *testing.T, c *stomptest.Client) {
			c.WriteRaw(strings.Repeat("A", 22))
			refusedWith(t, c, "")
		}},
		"header line": {stomp.Options{HeaderLine: 60}, func(t *testing.T, c *stomptest.Client) {
			c.Put("/queue/header", "x")
			c.Write(stomptest.F("SEND", "destination", "/queue/"+strings.Repeat("x", 60)))
			refusedWith(t, c, headerLimit)
		}},
		"headers": {stomp.Options{Headers: 5}, func(t *testing.T, c *stomptest.Client) {
			c.Put("/queue/headers", "x", "a", "1", "b", "2", "c", "3")
			c.Write(stomptest.F("SEND", "destination", "/queue/headers", "a", "1", "b", "2", "c", "3", "d", "4", "e", "5"))
			refusedWith(t, c, headerCount)
		}},
		"heart-beat": {stomp.Options{HeartBeat: frame.HeartBeat{Send: 7000, Receive: 9000}}, func(t *testing.T, c *stomptest.Client) {
			if got := c.Connected.Get("heart-beat"); got != "9000,7000" {
				t.Errorf("got %q", got)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := stomptest.Target{Address: brokertest.Start(t, brokertest.WithSTOMP(test.options)).Addr("stomp")}
			c := session(t, target)
			test.run(t, c)
			if strings.Contains(name, "beat") {
				return
			}
			session(t, target).Quiet()
		})
	}
}
