package stomptest

import (
	"testing"
)

func groupScenarios() []Scenario {
	return []Scenario{
		{
			Name: "group/sticks",
			Ref:  "messages with one JMSXGroupID all go to one consumer and groups are spread",
			Run: func(_ *testing.T, e *Env) {
				c, a, b := e.Connect(), e.Connect(), e.Connect()
				a.Subscribe("1", e.Queue(""))
				b.Subscribe("1", e.Queue(""))
				for _, m := range []string{"x1", "y1", "x2", "x3", "y2", "y3"} {
					c.Put(e.Queue(""), m, "JMSXGroupID", m[:1])
				}
				for reader, want := range map[*Client]string{a: "x1 x2 x3", b: "y1 y2 y3"} {
					reader.WantBodies(want)
				}
			},
		},
		{
			Name: "group/owner-leaves",
			Ref:  "when its owner leaves a group goes to another consumer",
			Run: func(_ *testing.T, e *Env) {
				c, a, b := e.Connect(), e.Connect(), e.Connect()
				a.Subscribe("1", e.Queue(""))
				b.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "x1", "JMSXGroupID", "x")
				a.WantBodies("x1")
				a.Disconnect()
				c.Put(e.Queue(""), "x2", "JMSXGroupID", "x")
				b.WantBodies("x2")
			},
		},
		{
			Name: "group/close",
			Ref:  "JMSXGroupSeq -1 goes to the owner and closes the group; the next message picks a new owner",
			Run: func(_ *testing.T, e *Env) {
				c, a, b := e.Connect(), e.Connect(), e.Connect()
				a.Subscribe("1", e.Queue(""))
				b.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "x1", "JMSXGroupID", "x")
				c.Put(e.Queue(""), "x2", "JMSXGroupID", "x", "JMSXGroupSeq", "-1")
				c.Put(e.Queue(""), "x3", "JMSXGroupID", "x")
				a.WantBodies("x1 x2")
				b.WantBodies("x3")
			},
		},
		{
			Name:     "group/headers",
			Ref:      "MESSAGE shows JMSXGroupID, JMSXGroupSeq and, on a group's first message for its owner, JMSXGroupFirstForConsumer:true",
			ActiveMQ: "leaves all three out on STOMP",
			Why:      "a STOMP consumer may need the group as much as a Java one, which sees both",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "one", "JMSXGroupID", "g", "JMSXGroupSeq", "3")
				got := c.Message()
				c.Put(e.Queue(""), "two", "JMSXGroupID", "g")
				next := c.Message()
				e.NoHeader(next, "JMSXGroupFirstForConsumer")
				if e.Differs() {
					e.NoHeader(got, "JMSXGroupID", "JMSXGroupSeq", "JMSXGroupFirstForConsumer")
					return
				}
				e.Header(got, "JMSXGroupID", "g")
				e.Header(got, "JMSXGroupSeq", "3")
				e.Header(got, "JMSXGroupFirstForConsumer", "true")
				e.Header(next, "JMSXGroupID", "g")
			},
		},
	}
}
