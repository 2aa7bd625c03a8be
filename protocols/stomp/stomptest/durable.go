package stomptest

import (
	"strings"
	"testing"
)

// owner opens a session with the scenario's client id.
func (e *Env) owner() *Client {
	e.t.Helper()
	return e.Connect("client-id", e.Name("owner"))
}

// durable subscribes durably by the name "keeper".
func (c *Client) durable(id, topic string, pairs ...string) {
	c.t.Helper()
	c.Subscribe(id, topic, append([]string{"activemq.subscriptionName", "keeper"}, pairs...)...)
}

// forget deletes the durable subscription "keeper" of the scenario's client id.
func (e *Env) forget(c *Client) {
	e.t.Helper()
	c.Do(F("UNSUBSCRIBE", "id", "forget", "activemq.subscriptionName", "keeper", "client-id", e.Name("owner")))
}

func durableScenarios() []Scenario {
	return []Scenario{
		{
			Name: "durable/kept-offline", Versions: since11(),
			Ref: "client-id and activemq.subscriptionName make a topic subscription durable: it keeps what comes while the client is away",
			Run: func(_ *testing.T, e *Env) {
				producer := e.Connect()
				producer.Put(e.Topic(""), "before", "persistent", "true")
				c := e.owner()
				c.durable("1", e.Topic(""))
				producer.Put(e.Topic(""), "online", "persistent", "true")
				c.WantBodies("online")
				c.Disconnect()
				producer.PutAll(e.Topic(""), "one two", "persistent", "true")
				c = e.owner()
				c.durable("2", e.Topic(""))
				for _, f := range c.WantBodies("one two") {
					e.Header(f, "subscription", "2")
					e.Header(f, "destination", e.Topic(""))
					e.NoHeader(f, "redelivered")
				}
				c.Unsubscribe("2")
				e.forget(c)
			},
		},
		{
			Name: "durable/plain-unsubscribe-keeps", Versions: since11(),
			Ref: "a plain UNSUBSCRIBE leaves a durable subscription in place, inactive",
			Run: func(_ *testing.T, e *Env) {
				c := e.owner()
				c.durable("1", e.Topic(""))
				c.Unsubscribe("1")
				c.Put(e.Topic(""), "one", "persistent", "true")
				c.Quiet()
				c.durable("1", e.Topic(""))
				c.WantBodies("one")
				c.Unsubscribe("1")
				e.forget(c)
			},
		},
		{
			Name: "durable/delete", Versions: since11(),
			Ref: "UNSUBSCRIBE with activemq.subscriptionName deletes an inactive durable subscription with all it holds; a second time it is an ERROR",
			Run: func(_ *testing.T, e *Env) {
				c := e.owner()
				c.durable("1", e.Topic(""))
				c.Unsubscribe("1")
				c.Put(e.Topic(""), "lost", "persistent", "true")
				e.forget(c)
				c.durable("2", e.Topic(""))
				c.Put(e.Topic(""), "sentinel", "persistent", "true")
				c.WantBodies("sentinel")
				c.Unsubscribe("2")
				e.forget(c)
				got := c.Fails(F("UNSUBSCRIBE", "id", "2", "activemq.subscriptionName", "keeper"))
				e.checkError(got, "No durable subscription exists for clientID: "+e.Name("owner")+" and subscriptionName: keeper")
				c.Quiet()
			},
		},
		{
			Name: "durable/delete-active", Versions: since11(),
			Ref: "an active durable subscription can't be deleted: ERROR, and it goes on",
			Run: func(_ *testing.T, e *Env) {
				c := e.owner()
				c.durable("1", e.Topic(""))
				e.checkError(c.Fails(F("UNSUBSCRIBE", "id", "1", "activemq.subscriptionName", "keeper")), "Durable consumer is in use")
				c.Put(e.Topic(""), "one")
				c.WantBodies("one")
				c.Unsubscribe("1")
				e.forget(c)
			},
		},
		{
			Name: "durable/in-use", Versions: since11(),
			Ref: "a durable subscription has one active consumer; a second is an ERROR and the first goes on",
			Run: func(_ *testing.T, e *Env) {
				c := e.owner()
				c.durable("1", e.Topic(""))
				got := c.Fails(F("SUBSCRIBE", "id", "2", "destination", e.Topic(""), "activemq.subscriptionName", "keeper"))
				e.checkError(got, "Durable consumer is in use for client: "+e.Name("owner")+" and subscriptionName: keeper")
				c.Put(e.Topic(""), "one")
				e.Header(c.WantBodies("one")[0], "subscription", "1")
				c.Quiet()
				c.Unsubscribe("1")
				e.forget(c)
			},
		},
		{
			Name: "durable/unacknowledged", Versions: since11(),
			Ref:      "what the client didn't acknowledge comes again, as redelivered, when it returns",
			ActiveMQ: "sends it again without the redelivered flag",
			Why:      "the flag should be true to what happened",
			Run: func(_ *testing.T, e *Env) {
				c := e.owner()
				c.durable("1", e.Topic(""), "ack", "client-individual")
				c.PutAll(e.Topic(""), "one two three", "persistent", "true")
				got := c.WantBodies("one two three")
				c.Ack(got[1])
				c.Disconnect()
				c = e.owner()
				c.durable("1", e.Topic(""), "ack", "client-individual")
				for _, f := range c.WantBodies("one three") {
					if !e.Differs() {
						e.Header(f, "redelivered", "true")
					}
					c.Ack(f)
				}
				c.Unsubscribe("1")
				e.forget(c)
			},
		},
		{
			Name: "durable/changed-selector", Versions: since11(),
			Ref: "subscribing with another selector starts the durable subscription anew, empty",
			Run: func(_ *testing.T, e *Env) {
				c := e.owner()
				c.durable("1", e.Topic(""), "selector", "color = 'red'")
				c.Unsubscribe("1")
				c.Put(e.Topic(""), "red", "color", "red", "persistent", "true")
				c.Put(e.Topic(""), "blue", "color", "blue", "persistent", "true")
				c.durable("2", e.Topic(""), "selector", "color = 'blue'")
				c.Put(e.Topic(""), "red-2", "color", "red", "persistent", "true")
				c.Put(e.Topic(""), "blue-2", "color", "blue", "persistent", "true")
				c.WantBodies("blue-2")
				c.Quiet()
				c.Unsubscribe("2")
				e.forget(c)
			},
		},
		{
			Name: "durable/selector-offline", Versions: since11(),
			Ref: "an offline durable subscription keeps only what its selector matches",
			Run: func(_ *testing.T, e *Env) {
				c := e.owner()
				c.durable("1", e.Topic(""), "selector", "n > 5")
				c.Unsubscribe("1")
				c.Put(e.Topic(""), "seven", "n", "7", "persistent", "true")
				c.Put(e.Topic(""), "three", "n", "3", "persistent", "true")
				c.Put(e.Topic(""), "nine", "n", "9", "persistent", "true")
				c.durable("1", e.Topic(""), "selector", "n > 5")
				c.WantBodies("seven nine")
				c.Quiet()
				c.Unsubscribe("1")
				e.forget(c)
			},
		},
		{
			Name: "durable/non-persistent-offline",
			Ref:  "non-persistent messages are kept for an offline durable subscription too, while the broker lives",
			Run: func(_ *testing.T, e *Env) {
				c := e.owner()
				c.durable("1", e.Topic(""))
				c.Unsubscribe("1")
				c.Put(e.Topic(""), "one")
				c.durable("1", e.Topic(""))
				c.WantBodies("one")
				c.Unsubscribe("1")
				e.forget(c)
			},
		},
		{
			Name: "durable/wildcard",
			Ref:  "a durable subscription may have wildcards",
			Run: func(_ *testing.T, e *Env) {
				base := "/topic/" + e.Name("w")
				c := e.owner()
				c.durable("1", base+".>")
				c.Unsubscribe("1")
				c.Put(base+".a.b", "one", "persistent", "true")
				c.durable("1", base+".>")
				e.Header(c.WantBodies("one")[0], "destination", base+".a.b")
				c.Unsubscribe("1")
				e.forget(c)
			},
		},
		{
			Name: "durable/queue", Versions: since11(),
			Ref: "a queue can't be subscribed durably: ERROR, the connection stays open",
			Run: func(_ *testing.T, e *Env) {
				c := e.owner()
				got := c.Fails(F("SUBSCRIBE", "id", "1", "destination", e.Queue(""), "activemq.subscriptionName", "keeper"))
				e.checkError(got, "Invalid Subscription: cannot durably subscribe to a Queue destination!")
				c.Quiet()
			},
		},
		{
			Name: "durable/old-spelling", Versions: since11(),
			Ref:      "the old spelling activemq.subcriptionName works too",
			ActiveMQ: "5.17 no longer knows it and makes a plain subscription",
			Why:      "old clients and configurations still use it",
			Run: func(_ *testing.T, e *Env) {
				c := e.owner()
				c.Subscribe("1", e.Topic(""), "activemq.subcriptionName", "keeper")
				c.Unsubscribe("1")
				c.Put(e.Topic(""), "one", "persistent", "true")
				c.durable("1", e.Topic(""))
				if e.Differs() {
					c.Quiet()
				} else {
					c.WantBodies("one")
				}
				c.Unsubscribe("1")
				e.forget(c)
			},
		},
		{
			Name: "durable/1.0-delete", Versions: []string{"1.0"},
			Ref: "in 1.0 the client id of a durable subscription that is to be deleted is taken to be its name",
			Run: func(_ *testing.T, e *Env) {
				name := e.Name("both")
				c := e.Connect("client-id", name)
				c.Do(F("SUBSCRIBE", "destination", e.Topic(""), "activemq.subscriptionName", name))
				c.Put(e.Topic(""), "one", "persistent", "true")
				c.WantBodies("one")
				c.Disconnect()
				c = e.Connect("client-id", name)
				c.Do(F("UNSUBSCRIBE", "destination", e.Topic(""), "activemq.subscriptionName", name))
				got := c.Fails(F("UNSUBSCRIBE", "destination", e.Topic(""), "activemq.subscriptionName", name))
				if m := got.Get("message"); !strings.HasPrefix(m, "No durable subscription exists for clientID: "+name) {
					e.t.Errorf("message %q", m)
				}
			},
		},
		{
			Name: "durable/two-owners", Versions: since11(),
			Ref: "the same name under two client ids means two subscriptions",
			Run: func(_ *testing.T, e *Env) {
				c, other := e.owner(), e.Connect("client-id", e.Name("other"))
				c.durable("1", e.Topic(""))
				other.durable("1", e.Topic(""))
				c.Put(e.Topic(""), "one")
				c.WantBodies("one")
				other.WantBodies("one")
				c.Unsubscribe("1")
				other.Unsubscribe("1")
				e.forget(c)
				other.Do(F("UNSUBSCRIBE", "id", "1", "activemq.subscriptionName", "keeper"))
			},
		},
	}
}
