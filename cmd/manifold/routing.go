package main

import (
	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// routing maps the rules that take messages to further destinations.
func routing(d *config.Destinations) (*broker.Routing, error) {
	virtual := make([]broker.VirtualTopic, 0, len(d.VirtualTopics))
	for _, v := range d.VirtualTopics {
		virtual = append(virtual, broker.VirtualTopic{Match: v.Match, Prefix: v.Prefix, Postfix: v.Postfix, SelectorAware: v.SelectorAware})
	}
	var composites []broker.Composite
	for _, c := range d.Composites {
		x := broker.Composite{Match: address.Parse(c.Match, address.Queue), Keep: !c.ForwardOnly, KeepUnmatched: c.KeepUnmatched}
		for _, t := range c.To {
			x.To = append(x.To, broker.CompositeTarget{Address: address.Parse(t.Destination, address.Queue), Selector: t.Selector})
		}
		composites = append(composites, x)
	}
	var mirrors []broker.Mirror
	for _, m := range d.Mirrors {
		mirrors = append(mirrors, broker.Mirror(m))
	}
	r, err := broker.NewRouting(virtual, composites, mirrors)
	if err != nil {
		return nil, config.Problems{{Path: "destinations", What: err.Error()}}
	}
	return r, nil
}

// startDestinations are those that are made at the start.
func startDestinations(d *config.Destinations) []address.Address {
	var list []address.Address
	for _, s := range d.Create {
		list = append(list, address.Parse(s, address.Queue))
	}
	return list
}
