package activemqxml

import "slices"

// class is an element of ActiveMQ's, and what becomes of it.
type class struct {
	name    string
	fate    Fate
	option  string // of the configuration
	note    string
	changes bool
	// attributes are those that the element can have. An open class has any: it is dropped as a whole,
	// with all in it.
	attributes []attribute
	open       bool
	// children are the elements that can be in it.
	children []string
	// use reads the element's attributes. Those that it leaves are reported as the table has them, and
	// what is in the element is read after it.
	use func(c *converter, n *node)
	// whole reads the element with all that is in it, instead.
	whole func(c *converter, n *node)
}

// attribute is one of an element's, and what becomes of it.
type attribute struct {
	name    string
	fate    Fate
	option  string
	note    string
	changes bool
	def     string // the value that changes nothing, of one that would
}

func (k *class) attribute(name string) *attribute {
	for i := range k.attributes {
		if k.attributes[i].name == name {
			return &k.attributes[i]
		}
	}
	return nil
}

// keep is an attribute that an option of the configuration stands for.
func keep(name, option string) attribute { return attribute{name: name, fate: Kept, option: option} }

// same is one that holds here anyway, whatever it says.
func same(name, note string) attribute { return attribute{name: name, fate: Kept, note: note} }

// become is one that something else comes nearest to.
func become(name, option, note string) attribute {
	return attribute{name: name, fate: Mapped, option: option, note: note}
}

// lose is one whose loss changes what the broker does, unless its value is def.
func lose(name, def, note string) attribute {
	return attribute{name: name, fate: Dropped, note: note, changes: true, def: def}
}

// refers are attributes that name an element elsewhere in the file, which is not looked for.
func refers(names ...string) []attribute {
	list := make([]attribute, len(names))
	for i, name := range names {
		list[i] = lose(name, "", "refers to another element; write that into this one")
	}
	return list
}

// idle are attributes that nothing here needs.
func idle(note string, names ...string) []attribute {
	list := make([]attribute, len(names))
	for i, name := range names {
		list[i] = attribute{name: name, fate: Dropped, note: note}
	}
	return list
}

// all joins attributes.
func all(parts ...any) []attribute {
	var list []attribute
	for _, p := range parts {
		switch p := p.(type) {
		case attribute:
			list = append(list, p)
		case []attribute:
			list = append(list, p...)
		}
	}
	return list
}

// wrap is an element that only holds others.
func wrap(name string, children ...string) class { return class{name: name, children: children} }

// gone is an element that is dropped with all in it.
func gone(name, note string, changes bool) class {
	return class{name: name, fate: Dropped, note: note, changes: changes, open: true}
}

// classes returns the table.
func classes() []class {
	return slices.Concat(brokerClasses(), connectorClasses(), policyClasses(), destinationClasses(), usageClasses(), storeClasses(), securityClasses(), pluginClasses())
}

// names returns the names of a class's attributes.
func (k *class) names() []string {
	list := make([]string, len(k.attributes))
	for i := range k.attributes {
		list[i] = k.attributes[i].name
	}
	return list
}
