package stomptest

import (
	"testing"
)

// end receives the marker that ends a browse.
func (e *Env) end(c *Client, queue, id string) {
	e.t.Helper()
	got := c.Message()
	e.Header(got, "browser", "end")
	e.Header(got, "message-id", "0")
	e.Header(got, "destination", queue)
	e.Header(got, "subscription", id)
	e.Equal("body", got.Body, "")
}

func browserScenarios() []Scenario {
	return []Scenario{
		{
			Name: "browser/keeps-messages", Versions: since11(),
			Ref: "browser:true shows all messages in order, takes none, and ends with a MESSAGE with browser:end, message-id:0 and an empty body",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.PutAll(e.Queue(""), "one two three")
				for _, id := range []string{"b1", "b2"} {
					c.Subscribe(id, e.Queue(""), "browser", "true")
					for _, f := range c.WantBodies("one two three") {
						e.NoHeader(f, "browser", "redelivered")
					}
					e.end(c, e.Queue(""), id)
					c.Unsubscribe(id)
				}
				c.Subscribe("1", e.Queue(""))
				for _, f := range c.WantBodies("one two three") {
					e.NoHeader(f, "redelivered")
				}
			},
		},
		{
			Name: "browser/empty", Versions: since11(),
			Ref: "browsing an empty queue gives the end marker at once",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("b", e.Queue(""), "browser", "true")
				e.end(c, e.Queue(""), "b")
				c.Unsubscribe("b")
			},
		},
		{
			Name: "browser/selector", Versions: since11(),
			Ref: "a browser's selector leaves out what doesn't match",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Put(e.Queue(""), "red", "color", "red")
				c.Put(e.Queue(""), "blue", "color", "blue")
				c.Put(e.Queue(""), "red-2", "color", "red")
				c.Subscribe("b", e.Queue(""), "browser", "true", "selector", "color = 'red'")
				c.WantBodies("red red-2")
				e.end(c, e.Queue(""), "b")
			},
		},
		{
			Name: "browser/sees-dispatched", Versions: since11(),
			Ref: "a browser also sees messages that a consumer holds unacknowledged",
			Run: func(_ *testing.T, e *Env) {
				c, browser := e.Connect(), e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client")
				c.PutAll(e.Queue(""), "one two")
				c.WantBodies("one two")
				browser.Subscribe("b", e.Queue(""), "browser", "true")
				browser.WantBodies("one two")
				e.end(browser, e.Queue(""), "b")
			},
		},
		{
			Name: "browser/beside-consumer",
			Ref:  "a browser that is left open doesn't keep consumers from the messages",
			Run: func(_ *testing.T, e *Env) {
				c, browser := e.Connect(), e.Connect()
				c.PutAll(e.Queue(""), "one two")
				browser.Subscribe("b", e.Queue(""), "browser", "true")
				browser.WantBodies("one two")
				e.end(browser, e.Queue(""), "b")
				c.Subscribe("1", e.Queue(""))
				c.WantBodies("one two")
			},
		},
		{
			Name: "browser/1.0", Versions: []string{"1.0"},
			Ref: "1.0 has no browsers: ERROR, the connection stays open",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				e.checkError(c.Fails(F("SUBSCRIBE", "id", "1", "destination", e.Queue(""), "browser", "true")),
					"Queue Browser feature only valid for Stomp v1.1+ clients!")
				c.Quiet()
			},
		},
	}
}
