package stomptest

import (
	"strconv"
	"strings"
	"testing"
)

func destinationScenarios() []Scenario {
	return []Scenario{
		{
			Name: "destination/queue", Versions: every(),
			Ref: "/queue/N is a queue: a message waits for a consumer and goes to one",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Put(e.Queue(""), "one")
				c.Subscribe("1", e.Queue(""))
				e.Header(c.Message(), "destination", e.Queue(""))
				other := e.Connect()
				other.Subscribe("1", e.Queue(""))
				other.Quiet()
			},
		},
		{
			Name: "destination/queue-and-topic-apart",
			Ref:  "queues and topics are separate name spaces, and names are case-sensitive",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("t", e.Topic("x"))
				c.Subscribe("q", e.Queue("x"))
				c.Subscribe("Q", e.Queue("X"))
				c.Put(e.Topic("x"), "topic")
				c.Put(e.Queue("x"), "queue")
				c.Put(e.Queue("X"), "capital")
				for _, want := range []string{"topic t", "queue q", "capital Q"} {
					f := c.Message()
					e.Equal("message", f.Body+" "+f.Get("subscription"), want)
				}
				c.Quiet()
			},
		},
		{
			Name: "destination/bare-name", Versions: every(),
			Ref: "a name without a known prefix, with or without a slash in front, is a queue of exactly that name",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Name("bare"))
				c.Put(e.Name("bare"), "bare")
				c.Put("/queue/"+e.Name("bare"), "full")
				for _, f := range c.WantBodies("bare full") {
					e.Header(f, "destination", "/queue/"+e.Name("bare"))
				}
				c.Subscribe("2", "/foo/"+e.Name("odd"))
				c.Put("/foo/"+e.Name("odd"), "odd")
				e.Header(c.Message(), "destination", "/queue//foo/"+e.Name("odd"))
			},
		},
		{
			Name: "destination/spaces-around", Versions: every(),
			Ref: "spaces around a destination are dropped in every version",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", " "+e.Queue("")+" ")
				c.Put(" "+e.Queue("")+" ", "one")
				e.Header(c.Message(), "destination", e.Queue(""))
			},
		},
		{
			Name: "destination/non-ascii", Versions: every(),
			Ref: "names may hold any UTF-8, code points beyond the basic plane too",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				name := e.Queue("Grüße-€-😀-日本")
				c.Subscribe("1", name)
				c.Put(name, "one")
				e.Header(c.Message(), "destination", name)
			},
		},
		{
			Name: "destination/composite-send", Versions: every(),
			Ref: "a comma list sends a copy to each member with the same message id; original-destination names the list",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				a, b, topic := e.Queue("a"), e.Queue("b"), e.Topic("c")
				c.Subscribe("1", a)
				c.Subscribe("2", b)
				c.Subscribe("3", topic)
				c.Put(a+","+b+","+topic, "one")
				seen := map[string]string{}
				var id string
				for _, f := range c.WantBodies("one one one") {
					seen[f.Get("subscription")] = f.Get("destination")
					if id == "" {
						id = f.Get("message-id")
					}
					e.Header(f, "message-id", id)
					e.Header(f, "original-destination", a+",queue://"+strings.TrimPrefix(b, "/queue/")+",topic://"+strings.TrimPrefix(topic, "/topic/"))
				}
				if seen["1"] != a || seen["2"] != b || seen["3"] != topic {
					t.Errorf("destinations by subscription: %v", seen)
				}
			},
		},
		{
			Name: "destination/composite-subscribe", Versions: every(),
			Ref: "a comma list subscribes to each member; MESSAGE names the member",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				for i, members := range [][]string{{e.Queue("a"), e.Queue("b")}, {e.Topic("a"), e.Topic("b"), e.Topic("c")}} {
					id := strconv.Itoa(i)
					c.Subscribe(id, strings.Join(members, ","))
					for _, member := range members {
						c.Put(member, "one")
						f := c.Message()
						e.Header(f, "destination", member)
						e.Header(f, "subscription", id)
					}
					c.Unsubscribe(id)
					c.Put(members[0], "later")
					c.Quiet()
				}
			},
		},
		{
			Name:     "destination/composite-mixed-subscribe",
			Ref:      "a comma list of queues and topics subscribes to all of them",
			ActiveMQ: "gives nothing from members of another kind than the first",
			Why:      "a list that is accepted should mean each of its members",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue("a")+","+e.Topic("b"))
				c.Put(e.Topic("b"), "topic")
				c.Put(e.Queue("a"), "queue")
				if e.Differs() {
					c.WantBodies("queue")
					c.Quiet()
					return
				}
				c.WantBodies("topic queue")
			},
		},
		{
			Name: "destination/composite-bare-member",
			Ref:  "a member of a comma list without prefix is a queue",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue("a"))
				c.Subscribe("2", e.Name("b"))
				c.Put(e.Queue("a")+","+e.Name("b"), "one")
				c.WantBodies("one one")
			},
		},
		{
			Name: "destination/options-stripped",
			Ref:  "options after ? aren't part of the name",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue("")+"?consumer.dispatchAsync=true")
				c.Put(e.Queue("")+"?producer.x=y", "one")
				e.Header(c.Message(), "destination", e.Queue(""))
			},
		},
		{
			Name:     "destination/consumer-options",
			Ref:      "consumer.* options of a SUBSCRIBE destination are heeded as the activemq.* headers are",
			ActiveMQ: "strips and ignores them on STOMP (OpenWire clients interpret them)",
			Why:      "the same address should mean the same on each protocol; configuration is often shared between them",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue("")+"?consumer.prefetchSize=1", "ack", "client")
				c.PutAll(e.Queue(""), "one two")
				first := c.WantBodies("one")[0]
				if e.Differs() {
					c.WantBodies("two")
					return
				}
				c.Quiet()
				c.Ack(first)
				c.WantBodies("two")
			},
		},
	}
}

func wildcardScenarios() []Scenario {
	return []Scenario{
		{
			Name: "wildcard/topic-star", Versions: every(),
			Ref: "* stands for exactly one level",
			Run: func(_ *testing.T, e *Env) {
				c, base := e.Connect(), "/topic/"+e.Name("")
				c.Subscribe("1", base+".*.x")
				c.PutAll(base+".a.b.x", "two-levels")
				c.PutAll(base+".x", "none")
				c.PutAll(base+".a.x", "one")
				e.Header(c.WantBodies("one")[0], "destination", base+".a.x")
				c.Quiet()
			},
		},
		{
			Name: "wildcard/topic-rest", Versions: every(),
			Ref: "> stands for this level and all below it",
			Run: func(_ *testing.T, e *Env) {
				c, base := e.Connect(), "/topic/"+e.Name("")
				c.Subscribe("1", base+".>")
				c.PutAll(base+"x", "other")
				for _, name := range []string{base, base + ".a", base + ".a.b.c"} {
					c.Put(name, "one")
					e.Header(c.Message(), "destination", name)
				}
				c.Quiet()
			},
		},
		{
			Name: "wildcard/queue",
			Ref:  "a wildcard consumer gets existing and later queues, and MESSAGE names the queue",
			Run: func(t *testing.T, e *Env) {
				c, base := e.Connect(), "/queue/"+e.Name("")
				c.Put(base+".early", "early")
				// without a receipt: ActiveMQ then sometimes forgets what waits for a wildcard consumer
				c.Write(F("SUBSCRIBE", "id", "1", "destination", base+".>", "ack", "client-individual"))
				early := c.Message()
				e.Header(early, "destination", base+".early")
				c.Put(base+".late", "late")
				late := c.Message()
				e.Header(late, "destination", base+".late")
				c.Ack(late)
				c.Ack(early)
				c.Unsubscribe("1")
				other := e.Connect()
				other.Subscribe("1", base+".>")
				other.Quiet()
			},
		},
		{
			Name: "wildcard/overlapping-subscriptions",
			Ref:  "overlapping topic subscriptions of one connection get a copy each",
			Run: func(t *testing.T, e *Env) {
				c, base := e.Connect(), "/topic/"+e.Name("")
				c.Subscribe("1", base+".>")
				c.Subscribe("2", base+".*")
				c.Subscribe("3", base+".a")
				c.Put(base+".a", "one")
				seen := map[string]int{}
				for _, f := range c.WantBodies("one one one") {
					seen[f.Get("subscription")]++
				}
				if len(seen) != 3 {
					t.Errorf("copies by subscription: %v", seen)
				}
				c.Quiet()
			},
		},
		{
			Name: "wildcard/send-is-literal",
			Ref:  "a SEND to a name with a wildcard isn't expanded: it goes to the queue with that very name",
			Run: func(_ *testing.T, e *Env) {
				c, base := e.Connect(), "/queue/"+e.Name("")
				c.Subscribe("1", base+".a")
				c.Put(base+".*", "star")
				c.Put(base+".a", "plain")
				c.WantBodies("plain")
				c.Quiet()
				c.Subscribe("2", base+".*")
				e.Header(c.WantBodies("star")[0], "destination", base+".*")
			},
		},
	}
}
