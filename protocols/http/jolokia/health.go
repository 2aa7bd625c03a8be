package jolokia

import (
	"fmt"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker"
)

// concern is something about the broker's health that an operator should know.
type concern struct {
	ID       string `json:"healthId"`
	Level    string `json:"level"`
	Message  string `json:"message"`
	Resource string `json:"resource"`
}

// worrying is the share of a limit from which it is a concern, in percent.
const worrying = 80

func (v *view) health() []concern {
	list := []concern{}
	if err := v.b.Failure(); err != nil {
		list = append(list, concern{"org.apache.activemq.Store", "SEVERE", "the store has stopped", v.store.Info().Path})
	}
	u := v.usage()
	for _, x := range []struct {
		id, what    string
		used, limit int64
	}{
		{"org.apache.activemq.StoreLimit", "Message Store", u.Store, u.StoreLimit},
		{"org.apache.activemq.TempStoreLimit", "Temp Store", u.Temp, u.TempLimit},
		{"org.apache.activemq.MemoryLimit", "Memory", u.Memory, u.MemoryLimit},
	} {
		if p := percent(x.used, x.limit); p >= worrying {
			list = append(list, concern{x.id, "WARNING", fmt.Sprintf("%s usage is at %d%% of its limit", x.what, p), v.b.Name})
		}
	}
	if v.s.o.DiskLow != nil && v.s.o.DiskLow() {
		n := v.store.Stats()
		list = append(list, concern{
			"org.apache.activemq.FreeDiskSpaceLeft", "WARNING",
			fmt.Sprintf("the data directory only has %d mb of usable space", n.DiskFree>>20), v.store.Info().Path,
		})
	}
	return list
}

func (v *view) status() string {
	list := v.health()
	if len(list) == 0 {
		return "Good"
	}
	var b strings.Builder
	b.WriteString("Getting Worried {")
	for _, c := range list {
		fmt.Fprintf(&b, "%s: %s %s from %s , ", c.ID, c.Level, c.Message, c.Resource)
	}
	b.WriteString(" }")
	return b.String()
}

func healthClass() *class {
	type b = *broker.Broker
	return &class{
		java: "org.apache.activemq.broker.jmx.HealthView", about: "The broker's health",
		attributes: []attribute{brokerAttr("CurrentStatus", javaString, func(v *view) any { return v.status() })},
		operations: []operation{
			op("health", nil, javaTable, func(v *view, _ b, _ arguments) (any, error) {
				table := make(map[string]map[string]map[string]map[string]concern)
				for _, c := range v.health() {
					table[c.ID] = map[string]map[string]map[string]concern{c.Level: {c.Message: {c.Resource: c}}}
				}
				return table, nil
			}).harmless(),
			op("healthList", nil, javaList, func(v *view, _ b, _ arguments) (any, error) { return v.health(), nil }).harmless(),
			op("healthStatus", nil, javaString, func(v *view, _ b, _ arguments) (any, error) { return v.status(), nil }).harmless(),
		},
	}
}

// duration returns a time as ActiveMQ writes the time that it has been running.
func duration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.3f seconds", d.Seconds())
	case d < time.Hour:
		return counted(int64(d/time.Minute), "minute")
	case d < 24*time.Hour:
		return counted(int64(d/time.Hour), "hour") + " " + counted(int64(d%time.Hour/time.Minute), "minute")
	}
	return counted(int64(d/(24*time.Hour)), "day") + " " + counted(int64(d%(24*time.Hour)/time.Hour), "hour")
}

func counted(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
