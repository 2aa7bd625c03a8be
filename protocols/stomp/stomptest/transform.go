package stomptest

import (
	"strings"
	"testing"
)

// The same map in the two notations of XStream, as ActiveMQ writes them.
const (
	mapJSON = `{"map":{"entry":{"string":["name","Dejan & Co"]}}}`
	mapXML  = "<map>\n  <entry>\n    <string>name</string>\n    <string>Dejan &amp; Co</string>\n  </entry>\n</map>"
)

// transforms skips where the target is an ActiveMQ without the library for transformations: it drops the connection.
func (e *Env) transforms() {
	e.t.Helper()
	if !e.IsActiveMQ() {
		return
	}
	c := e.Connect()
	c.Write(F("SEND", "destination", e.Queue("probe"), "transformation", "jms-map-json", "receipt", "r", mapJSON))
	if f, err := c.next(); err != nil || f.Command != "RECEIPT" {
		e.t.Skip("this ActiveMQ lacks XStream")
	}
}

func transformScenarios() []Scenario {
	return []Scenario{
		{
			Name: "transform/maps", Versions: every(),
			Ref: "transformation jms-map-json or jms-map-xml on SEND makes a map, and on SUBSCRIBE renders maps so; MESSAGE's transformation names the rendering; without one the body is empty",
			Run: func(_ *testing.T, e *Env) {
				e.transforms()
				c := e.Connect()
				for _, render := range []struct{ asked, named, body string }{
					{"jms-map-json", "jms-map-json", mapJSON},
					{"jms-map-xml", "jms-map-xml", mapXML},
					{"jms-json", "jms-map-json", mapJSON},
					{"jms-xml", "jms-map-xml", mapXML},
					{"", "", ""},
				} {
					pairs := []string{"transformation", render.asked}
					if render.asked == "" {
						pairs = nil
					}
					c.Subscribe("1", e.Queue(""), pairs...)
					for sent, body := range map[string]string{"jms-map-json": mapJSON, "jms-map-xml": mapXML} {
						c.Put(e.Queue(""), body, "transformation", sent, "color", "red")
						got := c.Message()
						e.Equal("rendering "+render.asked, got.Body, render.body)
						e.Header(got, "color", "red")
						e.NoHeader(got, "content-length", "transformation-error")
						if render.named != "" {
							e.Header(got, "transformation", render.named)
						}
					}
					c.Unsubscribe("1")
				}
			},
		},
		{
			Name: "transform/numbers",
			Ref:  "map values keep their types through both notations",
			Run: func(t *testing.T, e *Env) {
				e.transforms()
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "transformation", "jms-map-xml")
				for kind, value := range map[string]string{"int": "5", "long": "7000000000", "double": "2.5", "boolean": "true"} {
					c.Put(e.Queue(""), `{"map":{"entry":{"string":"v","`+kind+`":`+value+`}}}`, "transformation", "jms-map-json")
					if body := c.Message().Body; !strings.Contains(body, "<"+kind+">"+value+"</"+kind+">") {
						t.Errorf("%s %s came as %q", kind, value, body)
					}
				}
			},
		},
		{
			Name: "transform/malformed", Versions: every(),
			Ref: "a body that isn't what transformation says is sent as a text with the header transformation-error",
			Run: func(_ *testing.T, e *Env) {
				e.transforms()
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "{nonsense", "transformation", "jms-map-json")
				got := c.Message()
				e.Equal("body", got.Body, "{nonsense")
				if !got.Has("transformation-error") {
					e.t.Errorf("no transformation-error in %v", got)
				}
			},
		},
		{
			Name: "transform/unknown", Versions: every(),
			Ref: "an unknown transformation changes nothing, nor does one of maps for a text",
			Run: func(_ *testing.T, e *Env) {
				e.transforms()
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "transformation", "jms-map-json")
				c.Put(e.Queue(""), "plain")
				c.Put(e.Queue(""), "simple", "transformation", "jms-none")
				c.WantBodies("plain simple")
			},
		},
		{
			Name: "transform/advisory",
			Ref:  "an advisory message comes as JSON of its command, with its counters as headers",
			Run: func(t *testing.T, e *Env) {
				e.transforms()
				c, consumer := e.Connect(), e.Connect()
				queue := strings.TrimPrefix(e.Queue(""), "/queue/")
				c.Subscribe("1", "/topic/ActiveMQ.Advisory.Consumer.Queue."+queue)
				consumer.Subscribe("1", e.Queue(""))
				got := c.Message()
				e.Header(got, "type", "Advisory")
				e.Header(got, "consumerCount", "1")
				e.Header(got, "transformation", "jms-advisory-json")
				if !strings.HasPrefix(got.Body, `{"ConsumerInfo":{`) || !strings.Contains(got.Body, queue) {
					t.Errorf("body %q", got.Body)
				}
			},
		},
	}
}
