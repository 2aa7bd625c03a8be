package stomptest_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// TestAliases shows that headers of other brokers' clients mean what they mean there.
func TestAliases(t *testing.T) {
	t.Parallel()
	target := stomptest.Target{Address: brokertest.Start(t).Addr("stomp")}
	for name, run := range map[string]func(*testing.T, *stomptest.Client){
		"prefetch-count": func(_ *testing.T, c *stomptest.Client) {
			c.Subscribe("1", "/queue/window", "ack", "client-individual", "prefetch-count", "2")
			for _, body := range []string{"a", "b", "c"} {
				c.Put("/queue/window", body)
			}
			first := c.WantBodies("a b")[0]
			c.Quiet()
			c.Ack(first)
			c.WantBodies("c")
		},
		"durable-subscription-name": func(_ *testing.T, c *stomptest.Client) {
			c.Subscribe("1", "/topic/kept", "durable-subscription-name", "s")
			c.Unsubscribe("1")
			c.Put("/topic/kept", "kept", "persistent", "true")
			c.Subscribe("1", "/topic/kept", "durable-subscription-name", "s")
			c.WantBodies("kept")
			c.Unsubscribe("1")
			c.Do(stomptest.F("UNSUBSCRIBE", "id", "1", "durable-subscription-name", "s"))
			c.Fails(stomptest.F("UNSUBSCRIBE", "id", "1", "durable-subscription-name", "s"))
		},
		"no-local": func(_ *testing.T, c *stomptest.Client) {
			c.Subscribe("1", "/topic/local", "no-local", "true")
			c.Put("/topic/local", "own")
			c.Quiet()
		},
		"expiration": func(t *testing.T, c *stomptest.Client) {
			c.Put("/queue/expiring", "soon", "expiration", "3600000")
			c.Put("/queue/expiring", "later", "expiration", "1", "expires", "4102444800000")
			c.Subscribe("1", "/queue/expiring")
			got := c.WantBodies("soon later")
			at, err := strconv.ParseInt(got[0].Get("expires"), 10, 64)
			if left := time.Until(time.UnixMilli(at)); err != nil || left < 50*time.Minute || left > 70*time.Minute {
				t.Errorf("expires in %v, %v", left, err)
			}
			if got[1].Get("expires") != "4102444800000" {
				t.Errorf("expires %s, which the message says itself", got[1].Get("expires"))
			}
		},
		"destination-type": func(t *testing.T, c *stomptest.Client) {
			c.Subscribe("topic", "bare", "destination-type", "MULTICAST")
			c.Subscribe("too", "bare", "subscription-type", "MULTICAST")
			c.Subscribe("queue", "bare", "destination-type", "ANYCAST")
			c.Put("bare", "to all", "destination-type", "MULTICAST")
			for range 2 {
				if f := c.Message(); f.Get("destination") != "/topic/bare" {
					t.Errorf("got %v", f)
				}
			}
			c.Put("bare", "to one")
			c.Put("bare", "to one", "destination-type", "ANYCAST")
			c.Put("/queue/bare", "to one", "destination-type", "MULTICAST")
			for _, f := range c.Messages(3) {
				if f.Get("subscription") != "queue" || f.Get("destination") != "/queue/bare" {
					t.Errorf("got %v", f)
				}
			}
			c.Quiet()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := stomptest.Open(t, target)
			c.Login("1.2", "client-id", name)
			run(t, c)
		})
	}
}
