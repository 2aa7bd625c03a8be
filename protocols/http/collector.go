package httpd

import (
	"runtime"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/manifoldmq/manifold/broker"
)

// collector reads the broker's figures when they are asked for. What counts over all
// destinations is kept by the broker and never goes down; what is added up here over those that
// are there may, and is a gauge.
type collector struct {
	s *Server

	build, info, role, recovered, failed, refused family

	connections, blocked, blockedBy, used, limit, destinations, messages family

	connectionsTotal, received, delivered, expired, deadLettered family

	store   storeFamilies
	queues  table
	topics  table
	durable table
	compat  *compat // nil: off
}

func newCollector(s *Server) *collector {
	gauge := func(name, help string, labels ...string) family {
		return newFamily(prometheus.GaugeValue, "manifold_"+name, help, labels...)
	}
	counter := func(name, help string) family {
		return newFamily(prometheus.CounterValue, "manifold_"+name, help)
	}
	c := &collector{
		s:         s,
		build:     gauge("build_info", "The program; the value is 1.", "version", "goversion"),
		info:      gauge("broker_info", "The broker, who holds its store, and since which change of hands; the value is 1.", "broker", "mode", "owner", "epoch"),
		role:      gauge("broker_role", "1 for the role that the broker has at the moment.", "role"),
		recovered: gauge("broker_recovered_ratio", "How far the start has come, from 0 to 1."),
		failed:    gauge("store_failed", "1 when the store has stopped and nothing is confirmed any more."),
		refused:   newFamily(prometheus.CounterValue, "manifold_http_refused_total", "HTTP requests without the right token."),

		connections:  gauge("connections", "Open connections of clients.", "protocol"),
		blocked:      gauge("connections_blocked", "Connections whose sends wait for space."),
		blockedBy:    gauge("connections_blocked_by", "Connections whose sends wait for space, by what has run out.", "limit"),
		used:         gauge("used_bytes", "What messages take of a limit.", "resource"),
		limit:        gauge("limit_bytes", "What messages may take.", "resource"),
		destinations: gauge("destinations", "Destinations that are there.", "kind"),
		messages:     gauge("messages", "Messages that wait or are with a consumer, on queues and durable subscriptions."),

		connectionsTotal: counter("connections_total", "Connections that logged in."),
		received:         counter("messages_received_total", "Messages that clients sent."),
		delivered:        counter("messages_delivered_total", "Messages that were sent to clients."),
		expired:          counter("messages_expired_total", "Messages whose time ran out."),
		deadLettered:     counter("messages_dead_lettered_total", "Messages that were put on a dead-letter queue."),

		store:   newStoreFamilies(gauge, counter),
		queues:  newTable("manifold_queue_", queueColumns(), "destination"),
		topics:  newTable("manifold_topic_", topicColumns(), "destination"),
		durable: newTable("manifold_subscription_", subscriptionColumns(), "subscription", "client", "destination"),
	}
	if s.o.ActiveMQNames {
		c.compat = newCompat()
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range []family{
		c.build, c.info, c.role, c.recovered, c.failed, c.refused,
		c.connections, c.blocked, c.blockedBy, c.used, c.limit, c.destinations, c.messages,
		c.connectionsTotal, c.received, c.delivered, c.expired, c.deadLettered,
	} {
		ch <- f.desc
	}
	c.store.describe(ch)
	c.queues.describe(ch)
	c.topics.describe(ch)
	c.durable.describe(ch)
	if c.compat != nil {
		c.compat.describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	b := c.s.o.Broker
	c.build.emit(ch, 1, clean(c.s.o.Version), runtime.Version())
	c.info.emit(ch, 1, clean(b.Name), mode, clean(b.Name), strconv.Itoa(epoch))
	role := b.Role()
	for r := broker.Standby; r <= broker.Deactivating; r++ {
		c.role.emit(ch, truth(r == role), r.String())
	}
	c.recovered.emit(ch, float64(b.Progress())/100)
	c.failed.emit(ch, truth(b.Failure() != nil))
	c.refused.emit(ch, float64(c.s.refused.Load()))
	t := b.Totals()
	c.connectionsTotal.emit(ch, float64(t.Connections.Load()))
	c.received.emit(ch, float64(t.Received.Load()))
	c.delivered.emit(ch, float64(t.Delivered.Load()))
	c.expired.emit(ch, float64(t.Expired.Load()))
	c.deadLettered.emit(ch, float64(t.DeadLettered.Load()))
	u := b.Usage()
	for _, r := range []struct {
		name        string
		used, limit int64
	}{{"memory", u.Memory, u.MemoryLimit}, {"store", u.Store, u.StoreLimit}, {"temp", u.Temp, u.TempLimit}} {
		c.used.emit(ch, float64(r.used), r.name)
		c.limit.emit(ch, float64(r.limit), r.name)
	}
	if st := b.Store(); st != nil { // else nothing of what follows is there
		c.store.collect(ch, st)
		c.collectActive(ch, u)
	}
}

func (c *collector) collectActive(ch chan<- prometheus.Metric, u broker.Usage) {
	b := c.s.o.Broker
	protocols, waiting, all, blocked := make(map[string]int), make(map[string]int), 0, 0
	b.Connections(func(k *broker.Connection) {
		all++
		protocols[clean(k.Login().Protocol)]++
		if why := k.Blockage(); why.Limit != "" {
			blocked++
			waiting[why.Limit]++
		}
	})
	for name, n := range protocols {
		c.connections.emit(ch, float64(n), name)
	}
	c.blocked.emit(ch, float64(blocked))
	for limit, n := range waiting {
		c.blockedBy.emit(ch, float64(n), limit)
	}

	s := takeSurvey(b)
	for kind, n := range s.kinds {
		c.destinations.emit(ch, float64(n), kind.String())
	}
	c.messages.emit(ch, float64(s.messages))
	capacity := c.s.o.SeriesCap
	c.queues.emit(ch, s.queues, capacity)
	c.topics.emit(ch, s.topics, capacity)
	c.durable.emit(ch, s.durables, capacity)
	if c.compat != nil {
		c.compat.collect(ch, s, b.Totals(), u, all, capacity)
	}
}
