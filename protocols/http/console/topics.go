package console

import (
	"cmp"
	"slices"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/http/client"
)

type topicRow struct {
	Name      string `json:"name"`
	Consumers int    `json:"consumers"`
	Producers int64  `json:"producers"`
	Published int64  `json:"published"`
}

type topicsPage struct {
	listing
	Topics  []topicRow `json:"topics"`
	Command []string   `json:"command,omitempty"`
}

func topicName(a address.Address) string {
	if a.Kind == address.Topic {
		return a.Name
	}
	return a.String()
}

func (x *exchange) topics() (page, error) {
	p := topicsPage{listing: x.listing(), Topics: []topicRow{}, Command: x.apiCommand("GET", "destinations?kind=topic")}
	list := x.sorted(func(d *broker.Destination) bool { return d.Queue() == nil && p.has(topicName(d.Address)) }, p.Sort)
	var from, to int
	p.paging, from, to = x.paged(len(list))
	for _, d := range list[from:to] {
		p.Topics = append(p.Topics, topicRow{topicName(d.Address), d.Consumers(), d.Producers(), d.Published()})
	}
	return page{Title: "Topics", Data: p, Live: true}, nil
}

func (x *exchange) actOnTopic() (outcome, error) {
	if x.form("action") != "delete" {
		return x.create(address.Topic, "topics")
	}
	a := named(x.form("name"), address.Topic)
	if !a.Kind.IsTopic() {
		return outcome{}, fault.New(fault.InvalidName, "delete", clip(a.String()), "%s is no topic", clip(a.String()))
	}
	if err := x.caller.Check(security.Remove, a); err != nil {
		return outcome{}, err
	}
	return outcome{Done: "Deleted " + clip(a.String()), Count: 1, Back: "topics"}, x.b.Delete(x.r.Context(), a)
}

// subscriberRow is a durable subscription.
type subscriberRow struct {
	Client   string `json:"client"`
	Name     string `json:"name"`
	Topic    string `json:"topic"`
	Selector string `json:"selector,omitempty"`
	Shared   bool   `json:"shared"`
	Session  bool   `json:"session"` // it belongs to a session, whose figures these are, and ends with it
	Active   int    `json:"active"`
	Backlog  int64  `json:"backlog"`
	InFlight int64  `json:"inFlight"`
	Enqueued int64  `json:"enqueued"`
	Dequeued int64  `json:"dequeued"`
}

type subscribersPage struct {
	listing
	Subscribers []subscriberRow `json:"subscribers"`
}

// durables returns the durable subscriptions, by client and name.
func (x *exchange) durables() []subscriberRow {
	sessions := make(map[string]bool)
	x.b.Sessions(func(i broker.SessionInfo) bool {
		sessions[i.Client] = true
		return true
	})
	var list []subscriberRow
	for _, d := range x.b.Durables() {
		list = append(list, subscriberRow{
			Client: d.Client, Name: d.Name, Topic: d.Address.Name, Selector: d.Selector, Shared: d.Shared, Active: d.Active,
			Session: sessions[d.Client] && !d.Shared, Backlog: d.Counters.Entries.Load(), InFlight: d.Counters.InFlight.Load(),
			Enqueued: d.Counters.Enqueued.Load(), Dequeued: d.Counters.Dequeued.Load(),
		})
	}
	slices.SortFunc(list, func(a, b subscriberRow) int {
		return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.Name, b.Name))
	})
	return list
}

func (x *exchange) subscribers() (page, error) {
	p := subscribersPage{listing: x.listing(), Subscribers: []subscriberRow{}}
	list := slices.DeleteFunc(x.durables(), func(s subscriberRow) bool { return !p.has(s.Client, s.Name, s.Topic) })
	if p.Sort == "backlog" {
		slices.SortStableFunc(list, func(a, b subscriberRow) int { return cmp.Compare(b.Backlog, a.Backlog) })
	}
	var from, to int
	p.paging, from, to = x.paged(len(list))
	p.Subscribers = append(p.Subscribers, list[from:to]...)
	return page{Title: "Durable subscriptions", Data: p, Live: true}, nil
}

// actOnSubscriber makes or deletes a durable subscription, or a whole session.
func (x *exchange) actOnSubscriber() (outcome, error) {
	name, owner := x.form("name"), x.form("client")
	done := outcome{Count: 1, Back: "subscribers"}
	if err := x.admin(); err != nil {
		return done, err
	}
	topic := address.Address{Kind: address.Topic, Name: x.form("topic")}
	switch x.form("action") {
	case "create":
		done.Done = "Created subscription " + clip(name)
		return done, x.asClient(topic, func(c *client.Client) error {
			return c.CreateDurable(x.r.Context(), owner, name, topic.Name, x.form("selector"))
		})
	case "delete":
	default:
		return done, unknownAction(x)
	}
	for _, d := range x.durables() {
		if d.Name != name || d.Client != owner {
			continue
		}
		topic.Name = d.Topic // and not what the form says
		if d.Session {
			if err := x.caller.Check(security.Read, topic); err != nil {
				return done, err
			}
			done.Done = "Ended the session of client " + clip(owner)
			return done, x.b.DeleteSession(x.r.Context(), owner)
		}
		if d.Shared {
			owner = ""
		}
		done.Done = "Deleted subscription " + clip(name)
		return done, x.asClient(topic, func(c *client.Client) error { return c.DeleteDurable(x.r.Context(), owner, name) })
	}
	return done, fault.New(fault.NotFound, "unsubscribe", clip(name), "client %s has no subscription %s", clip(owner), clip(name))
}

// asClient does something about a topic as a client with the caller's rights.
func (x *exchange) asClient(topic address.Address, do func(c *client.Client) error) error {
	if err := x.caller.Check(security.Read, topic); err != nil {
		return err
	}
	c, err := client.Open(x.r.Context(), x.b, x.caller)
	if err != nil {
		return err
	}
	defer c.Close()
	return do(c)
}
