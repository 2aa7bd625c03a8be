package jolokia

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/http/client"
)

type dest = *broker.Destination

func queueAt(name string) address.Address { return address.Parse(name, address.Queue) }

// selected returns what a selector and, as the last argument, a limit select.
func selected(a arguments) broker.Selection {
	x := broker.Selection{Selector: a.text(0)}
	if last := len(a) - 1; last > 0 {
		x.Limit = max(a.number(last), 0)
	}
	return x
}

// may checks the rights that an operation needs: those of an administrator, and others on
// destinations, given as operations and addresses in turns.
func (v *view) may(d dest, op security.Operation, more ...address.Address) error {
	if err := v.caller.Check(op, d.Address); err != nil {
		return err
	}
	for _, a := range more {
		if err := v.caller.Check(security.Write, a); err != nil {
			return err
		}
	}
	return nil
}

// transfer is a move or a copy of messages of one queue to another.
type transfer func(v *view, from, to address.Address, x broker.Selection) (int64, error)

func move(v *view, from, to address.Address, x broker.Selection) (int64, error) {
	// Who moves messages to a queue that he may read gets to see them.
	if err := v.caller.Check(security.Read, from); err != nil {
		return 0, err
	}
	return v.b.Move(v.r.Context(), from, to, x)
}

func duplicate(v *view, from, to address.Address, x broker.Selection) (int64, error) {
	return v.b.Copy(v.r.Context(), from, to, x)
}

// oneTo transfers the message with an identifier, and tells whether it was there.
func oneTo(name string, op_ security.Operation, do transfer) operation {
	return op(name, []string{javaString, javaString}, javaBoolean, func(v *view, d dest, a arguments) (any, error) {
		to := queueAt(a.text(1))
		if err := v.may(d, op_, to); err != nil {
			return nil, err
		}
		n, err := do(v, d.Address, to, broker.Selection{IDs: []string{a.text(0)}})
		return n > 0, err
	})
}

// allTo transfers the messages that match a selector, and tells how many they were.
func allTo(name string, op_ security.Operation, do transfer, limited bool) operation {
	args := []string{javaString, javaString}
	if limited {
		args = append(args, javaInt)
	}
	return op(name, args, javaInt, func(v *view, d dest, a arguments) (any, error) {
		to := queueAt(a.text(1))
		if err := v.may(d, op_, to); err != nil {
			return nil, err
		}
		x := broker.Selection{Selector: a.text(0)}
		if limited {
			x.Limit = max(a.number(2), 0)
		}
		return do(v, d.Address, to, x)
	})
}

func plain(name string, do func(v *view, d dest) error) operation {
	return op(name, nil, javaVoid, func(v *view, d dest, _ arguments) (any, error) {
		if err := v.may(d, security.Admin); err != nil {
			return nil, err
		}
		return nil, do(v, d)
	})
}

func remove(name string, args []string) operation {
	return op(name, args, javaInt, func(v *view, d dest, a arguments) (any, error) {
		if err := v.may(d, security.Admin); err != nil {
			return nil, err
		}
		return v.b.Remove(v.r.Context(), d.Address, selected(a))
	})
}

func retry(name string, args []string, returns string, answer func(n int64) any) operation {
	return op(name, args, returns, func(v *view, d dest, a arguments) (any, error) {
		if err := v.may(d, security.Admin); err != nil {
			return nil, err
		}
		x := broker.Selection{May: v.caller.MayWrite}
		if len(a) > 0 {
			x.IDs = []string{a.text(0)}
		}
		n, err := v.b.Retry(v.r.Context(), d.Address, x)
		if err == nil && n == 0 && !v.isDLQ(d) {
			err = fault.New(fault.Unsupported, "retry", d.Address.String(), "Retry of message is only possible on Dead Letter Queues!")
		}
		return answer(n), err
	})
}

func queueOperations() []operation {
	list := append(topicOperations(),
		allTo("copyMatchingMessagesTo", security.Read, duplicate, false),
		allTo("copyMatchingMessagesTo", security.Read, duplicate, true),
		oneTo("copyMessageTo", security.Read, duplicate),
		op("getMessage", []string{javaString}, javaComposite, func(v *view, d dest, a arguments) (any, error) { return v.message(d, a.text(0)) }).harmless(),
		allTo("moveMatchingMessagesTo", security.Admin, move, false),
		allTo("moveMatchingMessagesTo", security.Admin, move, true),
		oneTo("moveMessageTo", security.Admin, move),
		plain("pause", func(v *view, d dest) error { return v.b.Pause(d.Address) }),
		plain("purge", func(v *view, d dest) error {
			_, err := v.b.Purge(v.r.Context(), d.Address)
			return err
		}),
		remove("removeMatchingMessages", []string{javaString}),
		remove("removeMatchingMessages", []string{javaString, javaInt}),
		op("removeMessage", []string{javaString}, javaBoolean, func(v *view, d dest, a arguments) (any, error) {
			if err := v.may(d, security.Admin); err != nil {
				return nil, err
			}
			n, err := v.b.Remove(v.r.Context(), d.Address, broker.Selection{IDs: []string{a.text(0)}})
			return n > 0, err
		}),
		plain("resume", func(v *view, d dest) error { return v.b.Resume(d.Address) }),
		retry("retryMessage", []string{javaString}, javaBoolean, func(n int64) any { return n > 0 }),
		retry("retryMessages", nil, javaInt, func(n int64) any { return n }),
	)
	return list
}

// topicOperations are those of every destination.
func topicOperations() []operation {
	none, filtered := []string(nil), []string{javaString}
	browse := func(name string, args []string, returns string, show func(list []composite) any) operation {
		return op(name, args, returns, func(v *view, d dest, a arguments) (any, error) {
			selector := ""
			if len(a) > 0 {
				selector = a.text(0)
			}
			list, err := v.browse(d, selector)
			if err != nil {
				return nil, err
			}
			return show(list), nil
		}).harmless()
	}
	asList := func(list []composite) any { return list }
	asTable := func(list []composite) any {
		table := make(map[string]composite, len(list))
		for _, m := range list {
			for _, body := range [...]string{"Text", "BodyLength", "BodyPreview", "ContentMap"} {
				delete(m, body)
			}
			table[m["JMSMessageID"].(string)] = m
		}
		return table
	}
	send := func(args []string) operation {
		return op("sendTextMessage", args, javaString, func(v *view, d dest, a arguments) (any, error) {
			if args[0] == javaMap {
				return v.send(d, a.table(0), a.text(1))
			}
			return v.send(d, nil, a.text(0))
		})
	}
	return []operation{
		browse("browse", none, javaMessages, asList),
		browse("browse", filtered, javaMessages, asList),
		browse("browseAsTable", none, javaTable, asTable),
		browse("browseAsTable", filtered, javaTable, asTable),
		plain("resetStatistics", func(v *view, d dest) error {
			v.reset(d)
			return nil
		}),
		send([]string{javaString}),
		send([]string{javaString, javaString, javaString}), // with a user and a password, which are the caller's here
		send([]string{javaMap, javaString}),
		send([]string{javaMap, javaString, javaString, javaString}),
		op("sendTextMessageWithProperties", []string{javaString}, javaString, func(v *view, d dest, a arguments) (any, error) {
			return v.sendPairs(d, a.text(0), ",")
		}),
		op("sendTextMessageWithProperties", []string{javaString, javaString}, javaString, func(v *view, d dest, a arguments) (any, error) {
			return v.sendPairs(d, a.text(0), a.text(1))
		}),
	}
}

// sendPairs sends what is written as names and values: body=text,JMSPriority=3,color=red.
func (v *view) sendPairs(d dest, text, delimiter string) (any, error) {
	if delimiter == "" {
		return nil, illegal("The delimiter must not be empty")
	}
	headers := make(map[string]any)
	for pair := range strings.SplitSeq(text, delimiter) {
		if key, value, ok := strings.Cut(pair, "="); ok {
			headers[key] = value
		}
	}
	body, ok := headers["body"].(string)
	if !ok {
		return nil, illegal("The message has no body: body=...")
	}
	delete(headers, "body")
	return v.send(d, headers, body)
}

// send sends a text message and returns its identifier.
func (v *view) send(d dest, headers map[string]any, body string) (any, error) {
	if err := v.may(d, security.Write); err != nil {
		return nil, err
	}
	var draft client.Draft
	for _, key := range slices.Sorted(maps.Keys(headers)) {
		value, ok := convert(headers[key], javaString)
		if !ok {
			return nil, illegal("The value of " + clip(key) + " is no text")
		}
		if err := draft.Set(key, value.(string)); err != nil {
			return nil, err
		}
	}
	c, err := client.Open(v.r.Context(), v.b, v.caller)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	m := draft.Message(d.Address, body)
	if _, err := c.Send(v.r.Context(), m); err != nil {
		return nil, err
	}
	return m.ID.String(), nil
}

func (v *view) destroyDurable(d *broker.DurableInfo) error {
	return v.withClient(d.Address, func(c *client.Client) error {
		name := d.Client
		if d.Shared {
			name = ""
		}
		return c.DeleteDurable(v.r.Context(), name, d.Name)
	})
}

// withClient does something with a durable subscription to a topic as a client.
func (v *view) withClient(topic address.Address, do func(c *client.Client) error) error {
	if err := v.caller.Admin(); err != nil {
		return err
	}
	if err := v.caller.Check(security.Read, topic); err != nil {
		return err
	}
	c, err := client.Open(v.r.Context(), v.b, v.caller)
	if err != nil {
		return err
	}
	defer c.Close()
	return do(c)
}

func brokerOperations() []operation {
	type b = *broker.Broker
	one := []string{javaString}
	change := func(name string, k address.Kind, op_ security.Operation, do func(v *view, a address.Address) error) operation {
		return op(name, one, javaVoid, func(v *view, _ b, a arguments) (any, error) {
			to := address.Address{Kind: k, Name: a.text(0)}
			if err := v.caller.Check(op_, to); err != nil {
				return nil, err
			}
			return nil, do(v, to)
		})
	}
	add := func(v *view, a address.Address) error {
		if err := v.b.Create(v.r.Context(), a); !fault.Is(err, fault.Exists) {
			return err
		}
		return nil
	}
	drop := func(v *view, a address.Address) error {
		if err := v.b.Delete(v.r.Context(), a); !fault.Is(err, fault.NotFound) {
			return err
		}
		return nil
	}
	query := func(name string, k address.Kind) operation {
		return op(name, []string{javaString, javaInt, javaInt}, javaString, func(v *view, _ b, a arguments) (any, error) {
			return v.query(k, a.text(0), a.number(1), a.number(2))
		}).harmless()
	}
	return []operation{
		change("addQueue", address.Queue, security.Admin, add),
		change("addTopic", address.Topic, security.Admin, add),
		op("browseQueue", one, javaMessages, func(v *view, _ b, a arguments) (any, error) {
			d := v.b.Lookup(queueAt(a.text(0)))
			if d == nil || d.Queue() == nil {
				return nil, fault.New(fault.NotFound, "browse", a.text(0), "there is no queue %s", clip(a.text(0)))
			}
			return v.browse(d, "")
		}).harmless(),
		op("createDurableSubscriber", []string{javaString, javaString, javaString, javaString}, javaName, func(v *view, _ b, a arguments) (any, error) {
			topic := address.Address{Kind: address.Topic, Name: a.text(2)}
			if err := v.withClient(topic, func(c *client.Client) error {
				return c.CreateDurable(v.r.Context(), a.text(0), a.text(1), topic.Name, a.text(3))
			}); err != nil {
				return nil, err
			}
			n := v.brokerName("destinationType", "Topic", "destinationName", topic.Name, "endpoint", "Consumer",
				"clientId", a.text(0), "consumerId", "Durable("+a.text(0)+"_"+a.text(1)+")")
			return reference{n.canonical()}, nil
		}),
		op("destroyDurableSubscriber", []string{javaString, javaString}, javaVoid, func(v *view, _ b, a arguments) (any, error) {
			for _, c := range v.consumers().all {
				if c.isDurable(a.text(0), a.text(1)) {
					return nil, v.destroyDurable(c.durable)
				}
			}
			return nil, fault.New(fault.NotFound, "unsubscribe", a.text(1),
				"No durable subscription exists for clientID: %s and subscriptionName: %s", clip(a.text(0)), clip(a.text(1)))
		}),
		query("queryQueues", address.Queue),
		query("queryTopics", address.Topic),
		change("removeQueue", address.Queue, security.Remove, drop),
		change("removeTopic", address.Topic, security.Remove, drop),
		op("resetStatistics", nil, javaVoid, func(v *view, _ b, _ arguments) (any, error) {
			if err := v.caller.Admin(); err != nil {
				return nil, err
			}
			for _, d := range v.destinations() {
				v.reset(d)
			}
			return nil, nil
		}),
	}
}

// query answers ActiveMQ's queries for pages of destinations: JSON in a text. The filter's name is
// a part of destinations' names, filter is empty, nonEmpty, noConsumer or nonAdvisory. Names of
// attributes begin in lower case.
func (v *view) query(k address.Kind, text string, page, size int) (any, error) {
	var filter struct{ Name, Filter, SortColumn, SortOrder string }
	if text != "" {
		if err := json.Unmarshal([]byte(text), &filter); err != nil {
			return nil, illegal("The filter is not the JSON that is expected")
		}
	}
	if page < 1 || size < 1 || size > 10000 {
		return nil, illegal("The page must be 1 or more, its size from 1 to 10000")
	}
	var list []dest
	for _, d := range v.destinations() {
		if d.Address.Kind == k && strings.Contains(strings.ToLower(d.Address.Name), strings.ToLower(filter.Name)) && v.wanted(d, filter.Filter) {
			list = append(list, d)
		}
	}
	v.order(list, filter.SortColumn, filter.SortOrder)
	count := len(list)
	first := min(int64(count), int64(page-1)*int64(size))
	data := make(map[string]map[string]any)
	for _, d := range list[first:min(int64(count), first+int64(size))] {
		o := v.destinationObject(d)
		figures := make(map[string]any)
		for i := range o.class.attributes {
			a := &o.class.attributes[i]
			if !v.spend(1) {
				return nil, exhausted()
			}
			value, err := a.get(v, o.at)
			if err != nil {
				return nil, err
			}
			figures[lowerFirst(a.name)] = value
		}
		data[o.name.String()] = figures
	}
	out, err := json.Marshal(map[string]any{"data": data, "count": count})
	return string(out), err
}

// lowerFirst returns a bean's property of an attribute's name.
func lowerFirst(s string) string {
	if strings.ToUpper(s[:2]) == s[:2] {
		return strings.ToLower(s) // DLQ
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func (v *view) wanted(d dest, filter string) bool {
	switch strings.ToLower(filter) {
	case "empty":
		return v.gauges(d).entries == 0
	case "nonempty":
		return v.gauges(d).entries > 0
	case "noconsumer":
		return d.Consumers() == 0
	case "nonadvisory":
		return !advisory(d.Address)
	}
	return true
}

// order sorts destinations by a figure; they come sorted by name.
func (v *view) order(list []dest, column, direction string) {
	figure := func(d dest) int64 {
		switch strings.ToLower(column) {
		case "queuesize":
			return v.gauges(d).entries
		case "enqueuecount":
			return v.counts(d).enqueued
		case "dequeuecount":
			return v.counts(d).dequeued
		case "consumercount":
			return int64(d.Consumers())
		case "producercount":
			return d.Producers()
		}
		return 0
	}
	figures := make(map[dest]int64, len(list))
	for _, d := range list {
		figures[d] = figure(d)
	}
	slices.SortStableFunc(list, func(x, y dest) int { return int(max(-1, min(1, figures[x]-figures[y]))) })
	if strings.EqualFold(direction, "desc") {
		slices.Reverse(list)
	}
}
