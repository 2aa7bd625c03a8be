package console

import (
	"context"
	"strconv"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/security"
)

// Bounds of looking at messages.
const (
	browseSize  = 50               // messages of a page
	browseDepth = 100_000          // messages that are looked at to find a page, or a message
	browseTime  = 10 * time.Second // for so long at most
	previewSize = 100              // bytes of a body in a list
)

// messageRow is a message in a list.
type messageRow struct {
	ID          string `json:"id"`
	Time        string `json:"time"`
	Priority    uint8  `json:"priority"`
	Durable     bool   `json:"durable"`
	Deliveries  int    `json:"failedDeliveries"`
	Redelivered bool   `json:"redelivered"`
	With        bool   `json:"withConsumer"`
	Type        string `json:"type,omitempty"`
	Origin      string `json:"origin,omitempty"` // where it was first sent to, if it was moved
	Kind        string `json:"kind"`
	Size        int    `json:"size"`
	Preview     string `json:"preview"`
}

type browsePage struct {
	Name     string       `json:"name"`
	Selector string       `json:"selector"`
	From     int          `json:"from"` // how many messages before these match
	Next     int          `json:"next,omitempty"`
	Messages []messageRow `json:"messages"`
	Stopped  bool         `json:"stopped"` // there are more than were looked at
	Origins  bool         `json:"-"`       // some can be retried
	Command  []string     `json:"command,omitempty"`
}

func rowOfMessage(v *queue.View) messageRow {
	m := v.Msg
	k := messageRow{
		ID: m.ID.String(), Time: millis(m.Timestamp), Priority: m.Priority, Durable: m.Durable, Deliveries: int(v.Count), With: v.Unsettled,
		Redelivered: v.Count > 0 || v.Flags&queue.Redelivered != 0, Type: m.Type, Size: m.Size(),
	}
	if !m.Origin.IsZero() {
		k.Origin = m.Origin.String()
	}
	k.Kind, k.Preview = preview(m)
	return k
}

func millis(t int64) string {
	if t == 0 {
		return ""
	}
	return time.UnixMilli(t).UTC().Format("2006-01-02 15:04:05.000")
}

// look calls fn for the messages of a queue that a selector selects. It reports whether it had to
// stop before all were looked at.
func (x *exchange) look(d *broker.Destination, selector string, fn func(*queue.View) bool) (stopped bool, err error) {
	if err := x.caller.Check(security.Read, d.Address); err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(x.r.Context(), browseTime)
	defer cancel()
	seen := 0
	err = x.b.Browse(ctx, d.Address, selector, func(v queue.View) bool {
		if seen++; seen > browseDepth || ctx.Err() != nil {
			stopped = true
			return false
		}
		return fn(&v)
	})
	if ctx.Err() != nil && x.r.Context().Err() == nil {
		return true, nil
	}
	return stopped, err
}

func (x *exchange) browse() (page, error) {
	d, err := x.queueNamed(x.param("name"))
	if err != nil {
		return page{}, err
	}
	p := browsePage{Name: nameOf(d.Address), Selector: x.param("selector"), Messages: []messageRow{}}
	if n, err := strconv.Atoi(x.param("from")); err == nil && n > 0 {
		p.From = n
	}
	i := 0
	p.Stopped, err = x.look(d, p.Selector, func(v *queue.View) bool {
		if i++; i <= p.From {
			return true
		}
		if len(p.Messages) == browseSize {
			p.Next = p.From + browseSize
			return false
		}
		k := rowOfMessage(v)
		p.Origins = p.Origins || v.Msg.Origin.Kind.IsQueue()
		p.Messages = append(p.Messages, k)
		return true
	})
	if p.Selector == "" {
		p.Command = x.execCommand(d.Address, "browse()")
	} else {
		p.Command = x.execCommand(d.Address, "browse(java.lang.String)", p.Selector)
	}
	return page{Title: "Messages of " + clip(p.Name), Data: p}, err
}

// actOnMessages does something with the messages of a queue whose identifiers are given.
func (x *exchange) actOnMessages() (outcome, error) {
	d, err := x.queueNamed(x.form("name"))
	if err != nil {
		return outcome{}, err
	}
	s := broker.Selection{IDs: x.r.PostForm["id"]}
	if len(s.IDs) == 0 || len(s.IDs) > 10*browseSize {
		return outcome{}, fault.New(fault.Malformed, "act", "id", "choose from 1 to %d messages", 10*browseSize)
	}
	back := "browse?name=" + escape(nameOf(d.Address))
	if x.form("action") == "copy" {
		return x.transfer(d, s, back)
	}
	if err := x.caller.Check(security.Admin, d.Address); err != nil {
		return outcome{}, err
	}
	if x.form("action") != "delete" {
		return x.transfer(d, s, back)
	}
	n, err := x.b.Remove(x.r.Context(), d.Address, s)
	done := outcome{Done: "Deleted " + count(n) + " of " + clip(d.Address.Name), Count: n, Back: back}
	if len(s.IDs) == 1 {
		done.Command = x.execCommand(d.Address, "removeMessage", s.IDs[0])
	}
	return done, err
}

// find returns the message with an identifier.
func (x *exchange) find(d *broker.Destination, id string) (found *queue.View, err error) {
	_, err = x.look(d, "", func(v *queue.View) bool {
		if v.Msg.ID.String() == id {
			found = v
		}
		return found == nil
	})
	if err == nil && found == nil {
		err = fault.New(fault.NotFound, "show", clip(id), "the message is not on the queue any more, or too far back")
	}
	return found, err
}

// canRetry reports whether a message can go back to where it died.
func canRetry(m *message.Message) bool { return m.Origin.Kind == address.Queue }
