package jolokia

import (
	"strings"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
)

// domain is the first part of the names of all objects.
const domain = "org.apache.activemq"

// object is something with attributes and operations: in JMX an MBean.
type object struct {
	name  name
	class *class
	at    any // what it stands for, as the class knows it
}

// class is what objects of one kind have in common.
type class struct {
	java       string
	about      string
	attributes []attribute
	operations []operation
}

// attribute is a figure of an object.
type attribute struct {
	name, java string
	get        func(v *view, at any) (any, error)
}

// attr makes an attribute of objects that stand for a T.
func attr[T any](name, java string, get func(v *view, at T) any) attribute {
	return attribute{name, java, func(v *view, at any) (any, error) { return get(v, at.(T)), nil }}
}

// Java's names of the types that attributes and arguments have.
const (
	javaBoolean   = "boolean"
	javaByte      = "byte"
	javaInt       = "int"
	javaLong      = "long"
	javaFloat     = "float"
	javaDouble    = "double"
	javaVoid      = "void"
	javaString    = "java.lang.String"
	javaMap       = "java.util.Map"
	javaList      = "java.util.List"
	javaName      = "javax.management.ObjectName"
	javaNames     = "[Ljavax.management.ObjectName;"
	javaComposite = "javax.management.openmbean.CompositeData"
	javaMessages  = "[Ljavax.management.openmbean.CompositeData;"
	javaTable     = "javax.management.openmbean.TabularData"
)

// classes are all that there are.
type classes struct {
	broker, queue, topic, consumer, durable, connector, connection, health, scheduler *class
}

func newClasses() classes {
	return classes{
		brokerClass(), queueClass(), topicClass(), consumerClass(false), consumerClass(true), connectorClass(), connectionClass(), healthClass(), schedulerClass(),
	}
}

func (c *class) attribute(name string) *attribute {
	for i := range c.attributes {
		if c.attributes[i].name == name {
			return &c.attributes[i]
		}
	}
	return nil
}

// reference is how an attribute names another object.
type reference struct {
	Name string `json:"objectName"`
}

// brokerName returns the name of the broker's own object with further properties, given as keys
// and values in turns.
func (v *view) brokerName(more ...string) name {
	n := name{domain: domain, list: make([]property, 0, 2+len(more)/2)}
	n.list = append(n.list, property{"type", "Broker"}, property{"brokerName", encode(v.b.Name)})
	for i := 0; i < len(more); i += 2 {
		n.list = append(n.list, property{more[i], encode(more[i+1])})
	}
	return n
}

// kinds are the values of destinationType.
func kindName(k address.Kind) string {
	switch k {
	case address.Queue:
		return "Queue"
	case address.Topic:
		return "Topic"
	case address.TempQueue:
		return "TempQueue"
	default:
		return "TempTopic"
	}
}

func kindOf(text string) address.Kind {
	for k := address.Queue; k <= address.TempTopic; k++ {
		if kindName(k) == text {
			return k
		}
	}
	return address.None
}

func (v *view) destinationName(a address.Address) name {
	return v.brokerName("destinationType", kindName(a.Kind), "destinationName", a.Name)
}

func (v *view) destinationObject(d *broker.Destination) object {
	c := v.s.classes.queue
	if d.Queue() == nil {
		c = v.s.classes.topic
	}
	return object{v.destinationName(d.Address), c, d}
}

// find returns the object with a name, which is no pattern.
func (v *view) find(n *name) (object, bool) {
	if n.domain != domain || n.get("type") != "Broker" || n.get("brokerName") != encode(v.b.Name) {
		return object{}, false
	}
	if kind := kindOf(n.get("destinationType")); kind != address.None && len(n.list) == 4 {
		d := v.destination(kind, n.get("destinationName"))
		if d == nil {
			return object{}, false
		}
		o := v.destinationObject(d)
		return o, n.matches(&o.name)
	}
	for o := range v.objects(n) {
		if n.matches(&o.name) {
			return o, true
		}
	}
	return object{}, false
}

// destination returns the destination whose name is encoded as it stands in an object's name.
func (v *view) destination(kind address.Kind, encoded string) *broker.Destination {
	if d := v.b.Lookup(address.Address{Kind: kind, Name: encoded}); d != nil && encode(encoded) == encoded {
		return d
	}
	if !strings.ContainsAny(encoded, "_&") {
		return nil // nothing else is encoded like this
	}
	for _, d := range v.destinations() {
		if d.Address.Kind == kind && encode(d.Address.Name) == encoded {
			return d
		}
	}
	return nil
}

// objects yields what a name may stand for: it leaves out kinds of objects that it can't match.
func (v *view) objects(n *name) func(yield func(object) bool) {
	return func(yield func(object) bool) {
		if !wildcard(n.domain, domain) {
			return
		}
		may := func(keys ...string) bool { // whether objects with these further properties can match
			for _, p := range n.list {
				known := p.key == "type" || p.key == "brokerName"
				for _, k := range keys {
					known = known || p.key == k
				}
				if !known {
					return false
				}
			}
			return n.open || len(n.list) == 2+len(keys)
		}
		put := func(o object) bool { return v.spend(1) && yield(o) }
		if may() && !put(object{v.brokerName(), v.s.classes.broker, v.b}) {
			return
		}
		if may("service") && !put(object{v.brokerName("service", "Health"), v.s.classes.health, v.b}) {
			return
		}
		if may("service", "name") && v.b.Scheduler() != nil &&
			!put(object{v.brokerName("service", "JobScheduler", "name", "JMS"), v.s.classes.scheduler, v.b.Scheduler()}) {
			return
		}
		if may("destinationType", "destinationName") {
			kind := n.get("destinationType")
			for _, d := range v.destinations() {
				if kind != "" && !wildcard(kind, kindName(d.Address.Kind)) {
					continue
				}
				if !put(v.destinationObject(d)) {
					return
				}
			}
		}
		if may("destinationType", "destinationName", "endpoint", "clientId", "consumerId") {
			for _, c := range v.consumers().all {
				class := v.s.classes.consumer
				if c.durable != nil {
					class = v.s.classes.durable
				}
				if !put(object{c.name, class, c}) {
					return
				}
			}
		}
		if may("connector", "connectorName") {
			for _, c := range v.connectors() {
				if !put(object{v.brokerName("connector", "clientConnectors", "connectorName", c), v.s.classes.connector, connector(c)}) {
					return
				}
			}
		}
		if may("connector", "connectorName", "connectionViewType", "connectionName") {
			for _, c := range v.connections() {
				for _, n := range v.connectionNames(c) {
					if !put(object{n, v.s.classes.connection, c}) {
						return
					}
				}
			}
		}
	}
}
