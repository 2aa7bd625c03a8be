package packet

// Options are the subscription options of one filter [MQTT 5, 3.8.3.1].
type Options byte

// QoS returns the maximum QoS.
func (o Options) QoS() byte { return byte(o) & 3 }

// NoLocal reports whether the client's own messages are left out.
func (o Options) NoLocal() bool { return o&4 != 0 }

// RetainAsPublished reports whether forwarded messages keep their RETAIN flag.
func (o Options) RetainAsPublished() bool { return o&8 != 0 }

// RetainHandling returns when retained messages are sent: 0 at each SUBSCRIBE, 1 when the
// subscription is new, 2 never.
func (o Options) RetainHandling() byte { return byte(o) >> 4 & 3 }

// Filter is one entry of a SUBSCRIBE or UNSUBSCRIBE.
type Filter struct {
	Filter  []byte // UTF-8; it may still be no valid topic filter
	Options Options
}

// Filters yields the entries of a SUBSCRIBE or UNSUBSCRIBE in their order.
func (p *Packet) Filters(yield func(Filter) bool) {
	rest := p.list
	for len(rest) > 0 {
		text, size := counted(rest)
		if size == 0 {
			return
		}
		f := Filter{Filter: text}
		rest = rest[size:]
		if p.Type == Subscribe {
			f.Options, rest = Options(rest[0]), rest[1:]
		}
		if !yield(f) {
			return
		}
	}
}

// filters reads a SUBSCRIBE or UNSUBSCRIBE [MQTT 5, 3.8 and 3.10].
func (d *decoder) filters() {
	p := d.p
	d.id()
	p.Properties = d.properties(p.Type)
	all, n := d.b, 0
	for len(d.b) > 0 {
		filter := d.text("topic filter") // [MQTT-3.8.3-1] [MQTT-3.10.3-1]
		if n++; exceeds(n, d.limits.Filters) {
			d.fail(&Error{ImplementationError, "too many topic filters"})
			return
		}
		if p.Type == Unsubscribe {
			continue
		}
		o := Options(d.octet())
		switch {
		case d.err != nil:
			return
		case p.Version != V5 && o > 2, o.QoS() == 3, o&0xC0 != 0: // [MQTT-3.8.3-4] [MQTT-3.8.3-5]
			d.fail(malformed("reserved subscription options"))
		case o.RetainHandling() == 3:
			d.fail(protocolError("retain handling 3"))
		case o.NoLocal():
			if _, _, shared := Shared(filter); shared { // [MQTT-3.8.3-4]
				d.fail(protocolError("no local in a shared subscription"))
			}
		}
	}
	if d.err == nil && n == 0 { // [MQTT-3.8.3-3] [MQTT-3.8.3-2] [MQTT-3.10.3-2]
		d.fail(protocolError(p.Type.String() + " without a topic filter"))
	}
	p.list = all
}
