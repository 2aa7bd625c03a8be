package stomptest

import (
	"strings"
	"testing"
)

// selection is a selector with the bodies it must pick from the messages of selectorMessages.
type selection struct{ selector, want string }

// selectorMessages lists the messages that every selection is tried on: body, then headers.
func selectorMessages() [][]string {
	return [][]string{
		{"a", "n", "7", "color", "red", "flag", "true", "type", "order", "correlation-id", "c1", "priority", "9"},
		{"b", "n", "3", "color", "blue", "flag", "false", "persistent", "true"},
		{"c", "n", "12", "color", "dark red", "JMSXGroupID", "g"},
		{"d", "n", "text", "color", "it's", "reply-to", "/queue/back"},
		{"e"},
	}
}

func selections() []selection {
	return []selection{
		{"n > 5", "a c"},
		{"n = 7", "a"},
		{"n = 7.0", "a"},
		{"n <= 7", "a b"},
		{"n BETWEEN 3 AND 7", "a b"},
		{"n NOT BETWEEN 3 AND 7", "c"},
		{"7 < n", "c"},
		{"JMSPriority + 1 = 10", "a"},
		{"JMSPriority / 2 = 4.5", "a"},
		{"JMSPriority * 2 - 1 = 7", "b c d e"},
		{"JMSPriority % 2 = 1", "a"},
		{"-JMSPriority = -9", "a"},
		{"n = 0x7", "a"},
		{"n = 07", "a"},
		{"n = '7'", "a"},
		{"color = 'red'", "a"},
		{"color <> 'red'", "b c d"},
		{"color = 'it''s'", "d"},
		{"color LIKE '%red'", "a c"},
		{"color LIKE 'r_d'", "a"},
		{"color NOT LIKE '%red'", "b d"},
		{"color LIKE 'dark!_red' ESCAPE '!'", ""},
		{"color IN ('red', 'blue')", "a b"},
		{"color NOT IN ('red', 'blue')", "c d"},
		{"color IS NULL", "e"},
		{"color IS NOT NULL", "a b c d"},
		{"flag = TRUE", "a"},
		{"NOT (color = 'red')", "b c d"},
		{"color = 'red' AND n > 5", "a"},
		{"color = 'blue' OR n > 10", "b c"},
		{"JMSPriority > 4", "a"},
		{"JMSType = 'order'", "a"},
		{"JMSCorrelationID = 'c1'", "a"},
		{"JMSDeliveryMode = 'PERSISTENT'", "b"},
		{"JMSXGroupID = 'g'", "c"},
		{"JMSTimestamp > 0", "a b c d e"},
		{"JMSReplyTo = 'queue://back'", "d"},
		{"JMSMessageID LIKE 'ID:%'", "a b c d e"},
		{"missing = 1", ""},
		{"missing <> 1", ""},
		{"TRUE", "a b c d e"},
		{"1 = 1", "a b c d e"},
		{"Color = 'red'", ""},
		{"REGEX('^r', color)", "a"},
		{"/* note */ n = 3", "b"},
	}
}

func selectorScenarios() []Scenario {
	return []Scenario{
		{
			Name: "selector/expressions",
			Ref:  "selectors follow JMS 1.1, with headers that look like numbers or booleans compared as such",
			Run: func(t *testing.T, e *Env) {
				producer := e.Connect()
				for _, s := range selections() {
					c := e.Connect()
					c.Subscribe("1", e.Topic(""), "selector", s.selector)
					for _, m := range selectorMessages() {
						producer.Put(e.Topic(""), m[0], append([]string{"from", "test"}, m[1:]...)...)
					}
					want := strings.Fields(s.want + " end")
					c.Unsubscribe("1")
					c.Send(e.Queue("end"), "end")
					c.Subscribe("2", e.Queue("end"))
					var got []string
					for f := c.Message(); ; f = c.Message() {
						got = append(got, f.Body)
						if f.Body == "end" {
							break
						}
					}
					if strings.Join(got, " ") != strings.Join(want, " ") {
						t.Errorf("selector %s picks %v, want %v", s.selector, got, want)
					}
					c.Disconnect()
				}
			},
		},
		{
			Name: "selector/decimal-text",
			Ref:  "a header's text is converted to the kind of the number it is compared with: 10.5 is more than 5.0, and can't be compared with 5",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Topic(""), "selector", "n > 5.0")
				c.Subscribe("2", e.Topic(""), "selector", "n > 5")
				c.Put(e.Topic(""), "one", "n", "10.5")
				e.Header(c.Message(), "subscription", "1")
				c.Quiet()
			},
		},
		{
			Name:     "selector/cannot-evaluate",
			Ref:      "a selector that can't be evaluated for a message, such as arithmetic on a text, doesn't match, and its sender isn't told",
			ActiveMQ: "answers the SEND with an ERROR: one consumer's selector keeps a producer from publishing",
			Why:      "a producer must not suffer from a consumer's mistake",
			Run: func(_ *testing.T, e *Env) {
				c, producer := e.Connect(), e.Connect()
				c.Subscribe("1", e.Topic(""), "selector", "color / 2 = 1")
				f := F("SEND", "destination", e.Topic(""), "color", "red")
				if e.Differs() {
					e.checkError(producer.Fails(f), "Cannot call divide operation on: red and: 2")
					return
				}
				producer.Do(f)
				c.Quiet()
			},
		},
		{
			Name: "selector/malformed", Versions: every(),
			Ref: "a selector that doesn't parse is an ERROR with the selector as message; the connection stays open",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				for _, text := range []string{"n =", "n == 1", "n != 1", `n = "x"`, "n = NULL", "a.b = 1", "n IN (1, 2)", "lower(n) = 1", "color > 'a'", "("} {
					e.checkError(c.Fails(F("SUBSCRIBE", "id", "1", "destination", e.Queue(""), "selector", text)), text)
				}
				c.Quiet()
			},
		},
		{
			Name: "selector/queue-skips", Versions: every(),
			Ref: "on a queue, messages that don't match wait for others and don't hold up those behind",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Put(e.Queue(""), "blue", "color", "blue")
				c.Put(e.Queue(""), "red", "color", "red")
				c.Subscribe("red", e.Queue(""), "selector", "color = 'red'")
				c.WantBodies("red")
				c.Quiet()
				c.Subscribe("any", e.Queue(""))
				e.Header(c.WantBodies("blue")[0], "subscription", "any")
			},
		},
		{
			Name:     "selector/deep-queue",
			Ref:      "a matching message is found behind any number of others",
			ActiveMQ: "looks at the first 200 messages only",
			Why:      "a consumer must not starve on what others left",
			Run: func(_ *testing.T, e *Env) {
				c, consumer := e.Connect(), e.Connect()
				for range 1000 {
					c.Send(e.Queue(""), "blue", "color", "blue")
				}
				c.Put(e.Queue(""), "red", "color", "red")
				consumer.Subscribe("1", e.Queue(""), "selector", "color = 'red'")
				if e.Differs() {
					consumer.Quiet()
					return
				}
				consumer.WantBodies("red")
			},
		},
		{
			Name: "selector/empty", Versions: every(),
			Ref:      "an empty selector means none",
			ActiveMQ: "refuses it as malformed, with an empty message",
			Why:      "JMS says that an empty selector is none",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				if e.Differs() {
					e.checkError(c.Fails(F("SUBSCRIBE", "id", "1", "destination", e.Queue(""), "selector", "")), "")
					return
				}
				c.Subscribe("1", e.Queue(""), "selector", "")
				c.Put(e.Queue(""), "one")
				c.WantBodies("one")
			},
		},
		{
			Name: "selector/escaped-header", Versions: since11(),
			Ref: "a selector with a colon is escaped as any header and seen decoded",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "selector", "url = 'http://x:1/\\'")
				c.Put(e.Queue(""), "one", "url", `http://x:1/\`)
				c.WantBodies("one")
			},
		},
	}
}
