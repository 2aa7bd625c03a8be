package console

import (
	"strconv"
	"strings"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/http/client"
)

// Bounds of one form.
const (
	maxCopies    = 10_000
	maxSendBytes = 64 << 20 // of all copies
)

type sendPage struct {
	To      string   `json:"to"`
	Headers []string `json:"headers"` // that the form has, beside free properties
}

// sendHeaders are the headers of the form, by their names in JMS and for the scheduler.
func sendHeaders() []string {
	return []string{
		"JMSCorrelationID", "JMSReplyTo", "JMSType", "JMSPriority", "JMSTimeToLive", "JMSXGroupID", "JMSXGroupSeq",
		"AMQ_SCHEDULED_DELAY", "AMQ_SCHEDULED_PERIOD", "AMQ_SCHEDULED_REPEAT", "AMQ_SCHEDULED_CRON",
	}
}

func (x *exchange) sendForm() (page, error) {
	return page{Title: "Send a message", Data: sendPage{x.param("to"), sendHeaders()}}, nil
}

func (x *exchange) send() (outcome, error) {
	to := named(strings.TrimSpace(x.form("to")), address.Queue)
	if to.Name == "" {
		return outcome{}, fault.New(fault.InvalidName, "send", "to", "the message needs a destination")
	}
	if err := x.caller.Check(security.Write, to); err != nil {
		return outcome{}, err
	}
	draft, err := x.draft()
	if err != nil {
		return outcome{}, err
	}
	body, n := x.form("body"), 1
	if text := strings.TrimSpace(x.form("copies")); text != "" {
		if n, err = strconv.Atoi(text); err != nil || n < 1 || n > maxCopies || n*len(body) > maxSendBytes {
			return outcome{}, fault.New(fault.Malformed, "send", "copies", "the number of copies is from 1 to %d, and all of them have at most %d bytes", maxCopies, maxSendBytes)
		}
	}
	list := make([]*message.Message, n)
	for i := range list {
		list[i] = draft.Message(to, body)
	}
	c, err := client.Open(x.r.Context(), x.b, x.caller)
	if err != nil {
		return outcome{}, err
	}
	defer c.Close()
	sent, err := c.Send(x.r.Context(), list...)
	back := "queue?name=" + escape(nameOf(to))
	if to.Kind.IsTopic() {
		back = "topics"
	}
	done := outcome{Done: "Sent " + count(int64(sent)) + " to " + clip(to.String()), Count: int64(sent), Back: back}
	if len(body) < 1000 && n == 1 {
		done.Command = x.sendCommand(to, body)
	}
	return done, err
}

// draft reads the headers and properties of the form.
func (x *exchange) draft() (*client.Draft, error) {
	d := new(client.Draft)
	if x.form("persistent") != "yes" {
		if err := d.Set("JMSDeliveryMode", "NON_PERSISTENT"); err != nil {
			return nil, err
		}
	}
	for _, name := range sendHeaders() {
		if value := x.form(name); value != "" {
			if err := d.Set(name, value); err != nil {
				return nil, err
			}
		}
	}
	for line := range strings.Lines(x.form("properties")) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fault.New(fault.Malformed, "send", "properties", "a property is written name=value, one on a line: %q", clip(line))
		}
		if err := d.Set(strings.TrimSpace(name), value); err != nil {
			return nil, err
		}
	}
	return d, nil
}
