package stomptest

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func expiryScenarios() []Scenario {
	return []Scenario{
		{
			Name: "expiry/expired-on-arrival", Versions: every(),
			Ref: "a message that has expired is never delivered; a persistent one goes to the dead-letter queue with the cause and its originalExpiration",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				dlq := e.deadLetters()
				c.Subscribe("1", e.Queue(""))
				expires := strconv.FormatInt(time.Now().Add(-time.Minute).UnixMilli(), 10)
				c.Put(e.Queue(""), "late", "expires", expires, "persistent", "true", "run", e.Name(""))
				c.Put(e.Queue(""), "fresh")
				c.WantBodies("fresh")
				dead := dlq.Message()
				e.Equal("body", dead.Body, "late")
				e.Header(dead, "originalExpiration", expires)
				e.Header(dead, "expires", "0")
				e.Header(dead, "original-destination", e.Queue(""))
				if cause := dead.Get("dlqDeliveryFailureCause"); !strings.HasPrefix(cause, "java.lang.Throwable: Message Expired. Expiration:"+expires) {
					t.Errorf("cause %q", cause)
				}
				c.Quiet()
			},
		},
		{
			Name: "expiry/waiting", Versions: every(),
			Ref: "expiry is judged again at dispatch: a message that expired while it waited isn't delivered",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				expires := time.Now().Add(300 * time.Millisecond)
				c.Put(e.Queue(""), "short", "expires", strconv.FormatInt(expires.UnixMilli(), 10))
				c.Put(e.Queue(""), "long", "expires", "9999999999999")
				clock := e.Connect("heart-beat", "0,100")
				for !time.Now().After(expires.Add(50 * time.Millisecond)) {
					clock.awaitBeats(1)
				}
				c.Subscribe("1", e.Queue(""))
				c.WantBodies("long")
				c.Quiet()
			},
		},
		{
			Name: "expiry/not-yet", Versions: every(),
			Ref: "expires is absolute, in milliseconds, and 0 means never",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				expires := strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10)
				c.Put(e.Queue(""), "one", "expires", expires)
				e.Header(c.Message(), "expires", expires)
				c.Put(e.Queue(""), "two", "expires", "0")
				e.Header(c.Message(), "expires", "0")
			},
		},
		{
			Name: "expiry/non-persistent", Versions: every(),
			Ref: "an expired non-persistent message vanishes",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				dlq := e.deadLetters()
				c.Put(e.Queue(""), "late", "expires", "1000", "run", e.Name(""))
				c.Put(e.Queue(""), "kept", "expires", "1000", "run", e.Name(""), "persistent", "true")
				c.Subscribe("1", e.Queue(""))
				c.Quiet()
				dlq.WantBodies("kept")
				dlq.Quiet()
			},
		},
	}
}
