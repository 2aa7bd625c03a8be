package console

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
)

// successors are the pages here of those in ActiveMQ's console.
func successors() map[string]string {
	return map[string]string{
		"": "", "index.jsp": "", "queues.jsp": "queues", "topics.jsp": "topics", "subscribers.jsp": "subscribers",
		"connections.jsp": "connections", "scheduled.jsp": "scheduled", "send.jsp": "send", "browse.jsp": "browse", "message.jsp": "message",
		"queueGraph.jsp": "queues", "slave.jsp": "", "network.jsp": "connections",
	}
}

// serveAdmin answers where ActiveMQ's console is: with the page that does the same here, or with
// figures as XML, for those who may see them.
func (c *Console) serveAdmin(w http.ResponseWriter, r *http.Request, path string) {
	x := &exchange{c: c, b: c.o.Broker, w: w, r: r}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		x.failWith(http.StatusMethodNotAllowed, "the console has moved to "+Prefix)
		return
	}
	if name, ok := strings.CutPrefix(path, "xml/"); ok {
		if x.authenticate() && x.active() {
			x.serveXML(name)
		}
		return
	}
	to, ok := successors()[path]
	if !ok {
		x.fail(fault.New(fault.NotFound, r.Method, "", "there is no such page"))
		return
	}
	query := url.Values{}
	if name := x.param("JMSDestination"); name != "" {
		key := "name"
		if to == "send" {
			key = "to"
		}
		query.Set(key, name)
	}
	if id := x.param("id"); id != "" {
		query.Set("id", id)
	}
	http.Redirect(w, r, (&url.URL{Path: Prefix + to, RawQuery: query.Encode()}).String(), http.StatusSeeOther)
}

// The elements of ActiveMQ's XML figures.
type (
	xmlStats struct {
		Size      int64 `xml:"size,attr"`
		Consumers int   `xml:"consumerCount,attr"`
		Enqueued  int64 `xml:"enqueueCount,attr"`
		Dequeued  int64 `xml:"dequeueCount,attr"`
	}
	xmlDestination struct {
		Name  string   `xml:"name,attr"`
		Stats xmlStats `xml:"stats"`
	}
	xmlQueues struct {
		XMLName xml.Name         `xml:"queues"`
		List    []xmlDestination `xml:"queue"`
	}
	xmlTopics struct {
		XMLName xml.Name         `xml:"topics"`
		List    []xmlDestination `xml:"topic"`
	}
	xmlSubscriber struct {
		Client       string `xml:"clientId,attr"`
		Subscription string `xml:"subscriptionName,attr"`
		Connection   string `xml:"connectionId,attr"`
		Destination  string `xml:"destinationName,attr"`
		Selector     string `xml:"selector,attr"`
		Active       string `xml:"active,attr"`
		Stats        struct {
			Pending    int64 `xml:"pendingQueueSize,attr"`
			InFlight   int64 `xml:"dispatchedQueueSize,attr"`
			Dispatched int64 `xml:"dispatchedCounter,attr"`
			Enqueued   int64 `xml:"enqueueCounter,attr"`
			Dequeued   int64 `xml:"dequeueCounter,attr"`
		} `xml:"stats"`
	}
	xmlSubscribers struct {
		XMLName xml.Name        `xml:"subscribers"`
		List    []xmlSubscriber `xml:"subscriber"`
	}
)

func (x *exchange) serveXML(name string) {
	var out any
	switch name {
	case "queues.jsp":
		out = &xmlQueues{List: x.xmlDestinations(true)}
	case "topics.jsp":
		out = &xmlTopics{List: x.xmlDestinations(false)}
	case "subscribers.jsp":
		out = &xmlSubscribers{List: x.xmlSubscribers()}
	default:
		x.fail(fault.New(fault.NotFound, "show", "", "there is no such page"))
		return
	}
	body, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		x.fail(err)
		return
	}
	x.w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	body = bytes.ReplaceAll(body, []byte("></stats>"), []byte("/>")) // as scripts that look with patterns expect
	_, _ = x.w.Write(append(body, '\n'))
}

func (x *exchange) xmlDestinations(queues bool) (list []xmlDestination) {
	for _, d := range x.b.Destinations() {
		if d.Address.Kind.IsTemp() || (d.Queue() != nil) != queues {
			continue
		}
		k := xmlDestination{Name: strings.ToValidUTF8(d.Address.Name, "\uFFFD"), Stats: xmlStats{Consumers: d.Consumers(), Enqueued: d.Published()}}
		if q := d.Queue(); q != nil {
			n := q.Counters()
			k.Stats.Size, k.Stats.Enqueued, k.Stats.Dequeued = n.Entries.Load(), n.Enqueued.Load(), n.Dequeued.Load()
		}
		list = append(list, k)
	}
	return list
}

func (x *exchange) xmlSubscribers() (list []xmlSubscriber) {
	connections := make(map[string]string)
	x.b.Connections(func(c *broker.Connection) { connections[c.ClientID()] = c.ID() })
	for _, d := range x.b.Durables() {
		k := xmlSubscriber{Client: d.Client, Subscription: d.Name, Destination: d.Address.Name, Selector: d.Selector, Connection: "NOTSET", Active: "no"}
		if d.Active > 0 {
			k.Active, k.Connection = "yes", connections[d.Client]
		}
		n := d.Counters
		k.Stats.InFlight, k.Stats.Dispatched, k.Stats.Enqueued, k.Stats.Dequeued = n.InFlight.Load(), n.Dispatched.Load(), n.Enqueued.Load(), n.Dequeued.Load()
		k.Stats.Pending = max(n.Entries.Load()-k.Stats.InFlight, 0)
		list = append(list, k)
	}
	return list
}
