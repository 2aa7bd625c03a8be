package console

import (
	"strconv"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/security"
)

// consumerRow is a consumer of a destination.
type consumerRow struct {
	Client    string `json:"client"`
	User      string `json:"user"`
	Protocol  string `json:"protocol"`
	Remote    string `json:"remote"`
	Selector  string `json:"selector,omitempty"`
	Pattern   string `json:"pattern,omitempty"` // what it has subscribed to, where that is not this name
	Prefetch  int    `json:"prefetch"`
	Sent      uint64 `json:"sent"`
	Unsettled int    `json:"unsettled"`
	Exclusive bool   `json:"exclusive"`
	Priority  int    `json:"priority"`
	Slow      bool   `json:"slow"` // messages wait that it has no credit for
}

// blockedRow is a producer that waits.
type blockedRow struct {
	Client string    `json:"client"`
	Since  time.Time `json:"since"`
	Why    string    `json:"why"`
	WayOut string    `json:"wayOut"`
}

type queuePage struct {
	queueRow
	Address   string        `json:"address"`
	Blocked   []blockedRow  `json:"blocked"`
	Waited    int64         `json:"sendsThatWaited"`
	Evicted   int64         `json:"evicted"`
	Takers    []consumerRow `json:"takers"`
	Policy    []setting     `json:"policy"`
	Overflows bool          `json:"overflows"` // part of it is only on disk
	Command   []string      `json:"command,omitempty"`
}

// queueNamed returns the queue that a request is about.
func (x *exchange) queueNamed(name string) (*broker.Destination, error) {
	d := x.b.Lookup(named(name, address.Queue))
	if d == nil || d.Queue() == nil {
		return nil, fault.New(fault.NotFound, "show", clip(name), "there is no queue %s", clip(name))
	}
	return d, nil
}

func (x *exchange) queue() (page, error) {
	d, err := x.queueNamed(x.param("name"))
	if err != nil {
		return page{}, err
	}
	sends, _ := d.Blocked()
	p := queuePage{
		queueRow: rowOf(d), Address: d.Address.String(), Waited: sends, Evicted: d.Queue().Counters().Evicts.Load(),
		Takers: x.consumersOf(d), Blocked: x.blockedAt(d.Address), Policy: x.policyOf(d.Address), Overflows: d.Queue().Overflowing(),
		Command: x.apiCommand("GET", "queues/"+pathOf(d.Address)),
	}
	return page{Title: "Queue " + clip(p.Name), Data: p, Live: true}, nil
}

// consumersOf returns who receives from a destination, also by a pattern.
func (x *exchange) consumersOf(d *broker.Destination) []consumerRow {
	list := []consumerRow{}
	waits := false
	if q := d.Queue(); q != nil {
		waits = q.Counters().Entries.Load() > q.Counters().InFlight.Load()
	}
	x.b.Subscriptions(func(s *broker.Subscription) {
		o := s.Options()
		for _, a := range o.Addresses {
			if a.Kind != d.Address.Kind || a != d.Address && (!a.IsPattern() || !address.Match(a.Name, d.Address.Name)) {
				continue
			}
			limit, last := s.Credit()
			c := s.Connection()
			k := consumerRow{
				Client: c.ClientID(), User: c.User(), Protocol: c.Login().Protocol, Remote: remoteOf(c), Selector: o.Selector, Prefetch: o.Prefetch,
				Sent: last, Unsettled: s.Unsettled(), Exclusive: o.Exclusive, Priority: o.Priority,
			}
			k.Slow = k.Unsettled > 0 && last >= limit && (waits || d.Queue() == nil && s.Waiting() > 0)
			if a != d.Address {
				k.Pattern = a.Name
			}
			if len(list) < pageSize*10 {
				list = append(list, k)
			}
			return
		}
	})
	return list
}

func (x *exchange) blockedAt(a address.Address) []blockedRow {
	list := []blockedRow{}
	x.b.Connections(func(c *broker.Connection) {
		if k := c.Blockage(); k.Limit != "" && k.To == a {
			list = append(list, blockedRow{c.ClientID(), k.Since, k.Reason, k.WayOut})
		}
	})
	return list
}

func remoteOf(c *broker.Connection) string {
	if a := c.Login().Remote; a != nil {
		return a.String()
	}
	return ""
}

// actOnQueue does something with a whole queue, or with what a selector selects of it.
func (x *exchange) actOnQueue() (outcome, error) {
	d, err := x.queueNamed(x.form("name"))
	if err != nil {
		return outcome{}, err
	}
	a, ctx := d.Address, x.r.Context()
	back := "queue?name=" + escape(nameOf(a))
	if err := x.caller.Check(security.Admin, a); err != nil && x.form("action") != "copy" {
		return outcome{}, err
	}
	selection := broker.Selection{Selector: x.form("selector")}
	switch x.form("action") {
	case "pause":
		return outcome{Done: "Paused " + clip(a.Name), Count: 1, Back: back, Command: x.queueCommand(a, "pause")}, x.b.Pause(a)
	case "resume":
		return outcome{Done: "Resumed " + clip(a.Name), Count: 1, Back: back, Command: x.queueCommand(a, "resume")}, x.b.Resume(a)
	case "purge":
		n, err := x.b.Purge(ctx, a)
		return outcome{Done: "Purged " + count(n) + " of " + clip(a.Name), Count: n, Back: back, Command: x.queueCommand(a, "purge")}, err
	case "delete":
		return outcome{Done: "Deleted " + clip(a.Name), Count: 1, Back: "queues"}, x.b.Delete(ctx, a)
	case "remove":
		if selection.Selector == "" {
			return outcome{}, fault.New(fault.Malformed, "remove", "selector", "to remove all messages, purge the queue")
		}
		n, err := x.b.Remove(ctx, a, selection)
		return outcome{Done: "Removed " + count(n) + " of " + clip(a.Name), Count: n, Back: back, Command: x.execCommand(a, "removeMatchingMessages(java.lang.String)", selection.Selector)}, err
	}
	return x.transfer(d, selection, back)
}

// transfer moves, copies or retries messages.
func (x *exchange) transfer(d *broker.Destination, s broker.Selection, back string) (outcome, error) {
	a, ctx := d.Address, x.r.Context()
	to := named(strings.TrimSpace(x.form("to")), address.Queue)
	switch x.form("action") {
	case "retry":
		s.May = x.caller.MayWrite
		n, err := x.b.Retry(ctx, a, s)
		return outcome{Done: "Sent " + count(n) + " back to where they died", Count: n, Back: back, Command: x.execCommand(a, "retryMessages")}, err
	case "move", "copy":
	default:
		return outcome{}, unknownAction(x)
	}
	if to.Name == "" {
		return outcome{}, fault.New(fault.InvalidName, x.form("action"), "to", "the messages need a queue to go to")
	}
	if err := x.caller.Check(security.Write, to); err != nil {
		return outcome{}, err
	}
	// Who moves messages to a queue that he may read gets to see them.
	if err := x.caller.Check(security.Read, a); err != nil {
		return outcome{}, err
	}
	if x.form("action") == "move" {
		n, err := x.b.Move(ctx, a, to, s)
		return outcome{Done: "Moved " + count(n) + " to " + clip(to.Name), Count: n, Back: back, Command: x.execCommand(a, "moveMatchingMessagesTo(java.lang.String,java.lang.String)", s.Selector, to.Name)}, err
	}
	n, err := x.b.Copy(ctx, a, to, s)
	return outcome{Done: "Copied " + count(n) + " to " + clip(to.Name), Count: n, Back: back, Command: x.execCommand(a, "copyMatchingMessagesTo(java.lang.String,java.lang.String)", s.Selector, to.Name)}, err
}

func count(n int64) string {
	if n == 1 {
		return "1 message"
	}
	return strconv.FormatInt(n, 10) + " messages"
}
