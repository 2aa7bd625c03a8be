package jolokia

import (
	"strings"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
)

// sums are figures over all destinations and durable subscriptions.
type sums struct{ messages, bytes, dequeued, consumers, producers int64 }

func (v *view) sums() (s sums) {
	for _, d := range v.destinations() {
		s.producers += d.Producers()
		s.consumers += int64(d.Consumers())
		if n := queueCounters(d); n != nil {
			s.messages += n.Entries.Load()
			s.bytes += n.Bytes.Load()
			s.dequeued += n.Dequeued.Load()
		}
	}
	v.spend(len(v.destinations()))
	for _, d := range v.b.Durables() {
		s.messages += d.Counters.Entries.Load()
		s.bytes += d.Counters.Bytes.Load()
		s.dequeued += d.Counters.Dequeued.Load()
	}
	return s
}

func brokerAttr(name, java string, get func(v *view) any) attribute {
	return attribute{name, java, func(v *view, _ any) (any, error) { return get(v), nil }}
}

func kindAttr(name string, k address.Kind) attribute {
	return brokerAttr(name, javaNames, func(v *view) any { return v.names(k) })
}

func consumersAttr(name string, want func(c *consumer) bool) attribute {
	return brokerAttr(name, javaNames, func(v *view) any { return v.references(v.consumers().all, want) })
}

func usageAttr(name string, share func(u broker.Usage) (used, limit int64)) attribute {
	return brokerAttr(name, javaInt, func(v *view) any { return percent(share(v.usage())) })
}

func brokerClass() *class {
	c := &class{java: "org.apache.activemq.broker.jmx.BrokerView", about: "The broker", operations: brokerOperations()}
	live := func(c *consumer, k address.Kind) bool { return c.durable == nil && c.to.Kind == k }
	c.attributes = []attribute{
		brokerAttr("AverageMessageSize", javaLong, func(v *view) any {
			s := v.sums()
			return s.bytes / max(s.messages, 1)
		}),
		brokerAttr("BrokerId", javaString, func(v *view) any { return v.b.ID() }),
		brokerAttr("BrokerName", javaString, func(v *view) any { return v.b.Name }),
		brokerAttr("BrokerVersion", javaString, func(v *view) any { return v.s.o.Version }),
		brokerAttr("CurrentConnectionsCount", javaInt, func(v *view) any { return len(v.connections()) }),
		brokerAttr("DataDirectory", javaString, func(v *view) any { return v.store.Info().Path }),
		consumersAttr("DurableTopicSubscribers", func(c *consumer) bool { return c.durable != nil && !c.offline() }),
		consumersAttr("InactiveDurableTopicSubscribers", (*consumer).offline),
		brokerAttr("JMSJobScheduler", javaName, func(v *view) any {
			if v.b.Scheduler() == nil {
				return nil
			}
			n := v.brokerName("service", "JobScheduler", "name", "JMS")
			return reference{n.canonical()}
		}),
		brokerAttr("JobSchedulerStoreLimit", javaLong, func(v *view) any { return v.b.Limits.Store }),
		usageAttr("JobSchedulerStorePercentUsage", func(u broker.Usage) (int64, int64) { return u.Store, u.StoreLimit }),
		brokerAttr("MaxMessageSize", javaLong, func(*view) any { return nil }),
		brokerAttr("MemoryLimit", javaLong, func(v *view) any { return v.b.Limits.Memory }),
		usageAttr("MemoryPercentUsage", func(u broker.Usage) (int64, int64) { return u.Memory, u.MemoryLimit }),
		brokerAttr("MinMessageSize", javaLong, func(*view) any { return nil }),
		brokerAttr("Persistent", javaBoolean, func(v *view) any { return v.store.Info().Backend != "memory" }),
		consumersAttr("QueueSubscribers", func(c *consumer) bool { return live(c, address.Queue) }),
		kindAttr("Queues", address.Queue),
		brokerAttr("Slave", javaBoolean, func(v *view) any { return v.b.Role() != broker.Active }),
		brokerAttr("StatisticsEnabled", javaBoolean, func(*view) any { return true }),
		brokerAttr("StoreLimit", javaLong, func(v *view) any { return v.b.Limits.Store }),
		usageAttr("StorePercentUsage", func(u broker.Usage) (int64, int64) { return u.Store, u.StoreLimit }),
		brokerAttr("TempLimit", javaLong, func(v *view) any { return v.b.Limits.Temp }),
		usageAttr("TempPercentUsage", func(u broker.Usage) (int64, int64) { return u.Temp, u.TempLimit }),
		consumersAttr("TemporaryQueueSubscribers", func(c *consumer) bool { return live(c, address.TempQueue) }),
		kindAttr("TemporaryQueues", address.TempQueue),
		consumersAttr("TemporaryTopicSubscribers", func(c *consumer) bool { return live(c, address.TempTopic) }),
		kindAttr("TemporaryTopics", address.TempTopic),
		consumersAttr("TopicSubscribers", func(c *consumer) bool { return live(c, address.Topic) }),
		kindAttr("Topics", address.Topic),
		brokerAttr("TotalConnectionsCount", javaLong, func(v *view) any { return v.b.Totals().Connections.Load() }),
		brokerAttr("TotalConsumerCount", javaLong, func(v *view) any { return v.sums().consumers }),
		brokerAttr("TotalDequeueCount", javaLong, func(v *view) any { return v.sums().dequeued }),
		brokerAttr("TotalEnqueueCount", javaLong, func(v *view) any { return v.b.Totals().Received.Load() }),
		brokerAttr("TotalMessageCount", javaLong, func(v *view) any { return v.sums().messages }),
		brokerAttr("TotalProducerCount", javaLong, func(v *view) any { return v.sums().producers }),
		brokerAttr("TransportConnectors", javaMap, func(v *view) any { return v.urls() }),
		brokerAttr("Uptime", javaString, func(v *view) any { return duration(v.now.Sub(v.s.o.Since)) }),
		brokerAttr("UptimeMillis", javaLong, func(v *view) any { return v.now.Sub(v.s.o.Since).Milliseconds() }),
		brokerAttr("VMURL", javaString, func(v *view) any { return "vm://" + v.b.Name }),
	}
	return c
}

// urls returns the addresses that clients connect to, by the connectors' names.
func (v *view) urls() map[string]string {
	if v.b.Connectors == nil {
		return map[string]string{}
	}
	return v.b.Connectors()
}

// connectors returns the connectors' names.
func (v *view) connectors() []string {
	var list []string
	for name := range v.urls() {
		list = append(list, name)
	}
	return sorted(list)
}

// connector is a connector's name, as an object.
type connector string

func connectorClass() *class {
	is := func(name string, value any, java string) attribute {
		return attr(name, java, func(*view, connector) any { return value })
	}
	return &class{
		java: "org.apache.activemq.broker.jmx.ConnectorView", about: "An address that clients connect to",
		attributes: []attribute{
			is("AllowLinkStealingEnabled", false, javaBoolean),
			is("RebalanceClusterClients", false, javaBoolean),
			is("StatisticsEnabled", true, javaBoolean),
			is("UpdateClusterClients", false, javaBoolean),
			is("UpdateClusterClientsOnRemove", false, javaBoolean),
			is("UpdateClusterFilter", nil, javaString),
		},
		operations: []operation{op("connectionCount", nil, javaInt, func(v *view, c connector, _ arguments) (any, error) {
			n := 0
			for _, x := range v.connections() {
				if x.Login().Listener == string(c) || strings.HasPrefix(x.Login().Listener, string(c)+"+") {
					n++
				}
			}
			return n, nil
		})},
	}
}
