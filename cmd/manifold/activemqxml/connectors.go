package activemqxml

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// listeners is what is known of connectors so far.
type listeners struct {
	list    []listener
	lost    int    // connectors of a kind that is not spoken here
	console string // the web console's host
	frame   config.Size
	frameAt int
	keys    *keyStores
}

// listener is one connector.
type listener struct {
	name     string
	address  string
	protocol []string
	tls      bool
	auth     string // of clients: "", optional, required
	version  string // lowest of TLS, "" for the default
	max      string
	amqp     string // the transformer
	amqpSet  bool
	steals   bool // the place of others with the same client identifier
	line     int
}

// keyStores are the files of the sslContext.
type keyStores struct {
	key, trust   string
	line, trusts int
}

// schemes are the transports of ActiveMQ, by what they speak, without +nio and +ssl.
var schemes = map[string][]string{
	"tcp": {"openwire"}, "nio": {"openwire"}, "ssl": {"openwire"}, "openwire": {"openwire"},
	"auto": {"auto"}, "amqp": {"amqp"}, "stomp": {"stomp"}, "mqtt": {"mqtt"}, "ws": {"websocket"}, "wss": {"websocket"},
}

// customary are the ports of schemes, plain and with TLS, where a URI has none.
var customary = map[string][2]string{
	"openwire": {"61616", "61617"}, "auto": {"61616", "61617"}, "amqp": {"5672", "5671"}, "stomp": {"61613", "61614"}, "mqtt": {"1883", "8883"}, "websocket": {"61614", "61619"},
}

// connector reads a transportConnector.
func (c *converter) connector(n *node) {
	l := listener{line: n.line}
	name, _ := c.text(n, "name")
	uri, a := c.text(n, "uri")
	if v, at := c.integer(n, "maximumConsumersAllowedPerConnection"); at != nil && v > 0 {
		c.out.set("limits.subscriptions_per_connection", count(v), at.line)
	}
	if a == nil { // Amazon MQ opens the ports by itself
		c.entries[len(c.entries)-1].Note = "it has no uri: the listeners are those that are always there"
		return
	}
	entry := len(c.entries) - 1
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		scheme, rest, ok = strings.Cut(uri, ":")
		rest = strings.TrimPrefix(rest, "//")
	}
	if !ok {
		c.bad(n, a, "the URI of a connector, such as tcp://0.0.0.0:61616")
		return
	}
	l.protocol, l.tls = spoken(scheme)
	if l.protocol == nil {
		c.entries[entry].Fate, c.entries[entry].Option = Dropped, ""
		c.entries[entry].Note, c.entries[entry].Changes = "the transport "+scheme+" is not spoken here", true
		c.listeners.lost++
		return
	}
	authority, query, _ := strings.Cut(rest, "?")
	authority, _, _ = strings.Cut(authority, "/")
	l.address = hostPort(authority, customary[l.protocol[0]], l.tls)
	if l.address == "" {
		c.bad(n, a, "the URI of a connector, such as tcp://0.0.0.0:61616")
		return
	}
	l.name = name
	if l.name == "" {
		l.name = scheme
	}
	c.options(n, a, &l, scheme, query)
	c.listeners.list = append(c.listeners.list, l)
}

// spoken returns the protocols of a scheme; nil for one that is not spoken here.
func spoken(scheme string) (protocols []string, tls bool) {
	scheme = strings.ToLower(scheme)
	base, more, _ := strings.Cut(scheme, "+")
	for part := range strings.SplitSeq(more, "+") {
		switch part {
		case "ssl":
			tls = true
		case "", "nio", "tcp":
		default:
			return nil, false
		}
	}
	return schemes[base], tls || base == "ssl" || base == "wss"
}

// hostPort makes host:port of a URI's authority.
func hostPort(authority string, ports [2]string, tls bool) string {
	port := ports[0]
	if tls {
		port = ports[1]
	}
	host := authority
	if h, p, err := net.SplitHostPort(authority); err == nil {
		host, port = h, p
	}
	host = strings.Trim(host, "[]")
	if host == "" {
		host = "0.0.0.0"
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil || strings.ContainsAny(host, "(), ") {
		return ""
	}
	return net.JoinHostPort(host, port)
}

// options reads the options of a connector's URI.
func (c *converter) options(n *node, a *attr, l *listener, scheme, query string) {
	known := uriOptions()
	var names []string
	for i := range known {
		names = append(names, known[i].name)
	}
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, text, _ := strings.Cut(pair, "=")
		if v, err := url.QueryUnescape(text); err == nil {
			text = v
		}
		bare := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(name, "transport."), "wireFormat."), "auto.")
		bare = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(bare, "amqp."), "stomp."), "mqtt."), "openwire.")
		bare = strings.TrimPrefix(strings.TrimPrefix(bare, "wireFormat."), "transport.")
		i := slices.IndexFunc(known, func(o uriOption) bool { return o.name == bare })
		entry := Entry{File: n.file, Line: a.line, Element: n.path, Attribute: "uri " + name, Value: text}
		if i < 0 {
			// ActiveMQ itself ignores most of what it does not know in a URI.
			entry.Fate, entry.Note, entry.Changes = Dropped, "no option that is known"+c.hint(bare, names), true
			c.entries = append(c.entries, entry)
			continue
		}
		o := &known[i]
		entry.Fate, entry.Option, entry.Note, entry.Changes = o.fate, o.option, o.note, o.changes && text != o.def
		c.entries = append(c.entries, entry)
		if !c.option(l, o.name, text, a.line) {
			c.fail(place(n.file, a.line), n.path, "%s: %.80q is no value for it", name, text)
		}
	}
}

// option applies an option; false if its value is none.
func (c *converter) option(l *listener, name, text string, line int) bool {
	entry := &c.entries[len(c.entries)-1]
	number, err := strconv.ParseInt(text, 10, 64)
	isNumber := err == nil
	yes, isBool := parseBool(text)
	global := func(path, value string) bool {
		c.out.set(path, value, line)
		return true
	}
	switch name {
	case "maximumConnections":
		if isNumber && number > 0 && number < 1<<31 {
			l.max = text
		}
		return isNumber
	case "maxFrameSize":
		size, ok := ParseSize(text)
		if ok && size > c.listeners.frame {
			c.listeners.frame, c.listeners.frameAt = size, line
		}
		return ok
	case "maxInactivityDuration":
		return isNumber && global("openwire.max_inactivity", period(time.Duration(number)*time.Millisecond))
	case "connectAttemptTimeout", "connectionTimeout":
		if isNumber && number <= 0 {
			entry.Fate, entry.Option, entry.Note = Dropped, "", "logging in always has a limit of time"
			return true
		}
		return isNumber && global("limits.handshake", period(time.Duration(number)*time.Millisecond))
	case "needClientAuth", "wantClientAuth":
		switch {
		case yes && name == "needClientAuth":
			l.auth = "required"
		case yes && l.auth == "":
			l.auth = "optional"
		}
		return isBool
	case "allowLinkStealing":
		l.steals = yes
		return isBool
	case "enabledProtocols":
		if !strings.Contains(text, "TLSv1.2") && strings.Contains(text, "TLSv1.3") {
			l.version = "1.3"
		}
		return true
	case "protocols":
		return c.detected(l, text)
	case "tightEncodingEnabled":
		return isBool && global("openwire.tight_encoding", yesNo(yes))
	case "cacheEnabled":
		return isBool && global("openwire.cache", yesNo(yes))
	case "transformer":
		if text != "jms" && text != "native" && text != "raw" {
			return false
		}
		l.amqp, l.amqpSet = text, true
		return true
	case "maxAmqpFrameSize":
		return isNumber && number > 0 && global("amqp.max_frame", config.Size(max(number, 512)).String())
	case "producerCredit":
		return isNumber && number > 0 && global("amqp.producer_credit", strconv.FormatInt(min(number, 1<<20), 10))
	case "idleTimeout":
		return isNumber && global("amqp.idle_timeout", period(time.Duration(number)*time.Millisecond))
	case "publishDollarTopics":
		return isBool && global("mqtt.publish_dollar_topics", yesNo(yes))
	case "hbGracePeriodMultiplier":
		f, err := strconv.ParseFloat(text, 64)
		return err == nil && global("stomp.heartbeat.grace", strconv.FormatFloat(min(max(f, 1), 100), 'g', -1, 64))
	case "defaultHeartBeat":
		return c.heartBeat(text, line)
	}
	return true
}

// heartBeat reads what stands for the heart-beat header of clients that send none.
func (c *converter) heartBeat(text string, line int) bool {
	from, to, _ := strings.Cut(text, ",")
	send, err1 := strconv.ParseInt(strings.TrimSpace(from), 10, 32)
	receive, err2 := strconv.ParseInt(strings.TrimSpace(to), 10, 32)
	if err1 != nil || err2 != nil || send < 0 || receive < 0 {
		return false
	}
	c.out.set("stomp.heartbeat.default_receive", period(time.Duration(send)*time.Millisecond), line)
	c.out.set("stomp.heartbeat.default_send", period(time.Duration(receive)*time.Millisecond), line)
	return true
}

// detected reads the protocols that an auto connector detects.
func (c *converter) detected(l *listener, text string) bool {
	var list []string
	for name := range strings.SplitSeq(text, ",") {
		switch name = strings.TrimSpace(name); name {
		case "default", "openwire", "tcp":
			list = append(list, "openwire")
		case "amqp", "stomp", "mqtt":
			list = append(list, name)
		default:
			return false
		}
	}
	entry := &c.entries[len(c.entries)-1]
	entry.Fate, entry.Option, entry.Note, entry.Changes = Kept, "listeners.protocols", "", false
	l.protocol = list
	return true
}

// sslContext reads the key stores.
func (c *converter) sslContext(n *node) {
	k := &keyStores{line: n.line}
	if v, a := c.text(n, "keyStore"); a != nil {
		k.key, k.line = c.path(v), a.line
		c.note(storeAdvice(k.key, false))
	}
	if v, a := c.text(n, "trustStore"); a != nil {
		k.trust, k.trusts = c.path(v), a.line
		c.note(storeAdvice(k.trust, true))
	}
	c.listeners.keys = k
}

// note sets the note of what was reported last.
func (c *converter) note(text string) { c.entries[len(c.entries)-1].Note = text }

// pem is the name of the file that stands for a key store.
func pem(store, suffix string) string {
	if isPEM(store) {
		return store
	}
	return strings.TrimSuffix(store, filepath.Ext(store)) + suffix
}

func isPEM(store string) bool {
	switch strings.ToLower(filepath.Ext(store)) {
	case ".pem", ".crt", ".cer", ".key":
		return true
	}
	return false
}

// storeCommands are the commands that make PEM of a Java key store.
func storeCommands(store string, trust bool) []string {
	p12 := strings.TrimSuffix(store, filepath.Ext(store)) + ".p12"
	toPEM := fmt.Sprintf("openssl pkcs12 -in %s -nodes -out %s", p12, pem(store, ".pem"))
	switch {
	case isPEM(store):
		return nil
	case trust:
		return []string{fmt.Sprintf("keytool -list -rfc -keystore %s > %s", store, pem(store, "-ca.pem"))}
	case store == p12:
		return []string{toPEM}
	}
	return []string{fmt.Sprintf("keytool -importkeystore -srckeystore %s -destkeystore %s -deststoretype pkcs12", store, p12), toPEM}
}

// storeAdvice says in a report how a Java key store becomes PEM.
func storeAdvice(store string, trust bool) string {
	commands := storeCommands(store, trust)
	if commands == nil {
		return "it is PEM already"
	}
	return "make PEM of it: " + strings.Join(commands, " and ")
}

// storeComment says so above the option.
func storeComment(v *value, store string, trust bool) {
	commands := storeCommands(store, trust)
	if commands == nil {
		return
	}
	v.comment("To do: the key store is Java's. Make this file of it:")
	for _, command := range commands {
		v.comment("$ %s", command)
	}
}

// finishListeners writes the listeners.
func (c *converter) finishListeners() {
	l := &c.listeners
	c.frameSize()
	if len(l.list) == 0 {
		if l.lost > 0 {
			c.fail(c.broker.where(), c.broker.path, "none of the connectors speaks a protocol that is known here")
		}
		return
	}
	names := make(map[string]bool)
	for i := range l.list {
		x := &l.list[i]
		v := c.out.grow("listeners", x.line)
		name := x.name
		for n := 2; names[name]; n++ {
			name = x.name + "-" + strconv.Itoa(n)
		}
		names[name] = true
		v.text("name", name, x.line)
		v.text("address", x.address, x.line)
		v.texts("protocols", x.protocol, x.line)
		if x.max != "" {
			v.set("max_connections", x.max, x.line)
		}
		if x.steals {
			v.set("link_stealing", "true", x.line)
		}
		c.transformer(v, x)
		if x.tls {
			c.tls(v, x)
		}
	}
}

// transformer writes that of AMQP: without one, ActiveMQ hands clients of other protocols the
// encoded message.
func (c *converter) transformer(v *value, x *listener) {
	if !slices.Contains(x.protocol, "amqp") && x.protocol[0] != "auto" && x.protocol[0] != "websocket" {
		return
	}
	if x.amqpSet {
		v.text("amqp.transformer", x.amqp, x.line)
		return
	}
	if x.protocol[0] == "amqp" {
		v.text("amqp.transformer", "native", x.line).
			comment("ActiveMQ's default: clients of other protocols get the encoded AMQP message. With jms, they get its text, map or bytes.")
	}
}

// tls writes a listener's certificates.
func (c *converter) tls(v *value, x *listener) {
	k := c.listeners.keys
	if k == nil || k.key == "" {
		c.fail(place(c.in.Name, x.line), "broker/transportConnectors", "%s speaks TLS, and no sslContext has a keyStore; ActiveMQ would take Java's javax.net.ssl.keyStore: name it in an sslContext", x.name)
		return
	}
	storeComment(v.text("tls.certificate", pem(k.key, ".pem"), k.line), k.key, false)
	v.text("tls.key", pem(k.key, ".pem"), k.line)
	if x.auth == "" {
		if x.version != "" {
			v.text("tls.min_version", x.version, x.line)
		}
		return
	}
	if k.trust == "" {
		c.fail(place(c.in.Name, x.line), "broker/transportConnectors", "%s asks for client certificates, and no sslContext has a trustStore", x.name)
		return
	}
	storeComment(v.text("tls.client_ca", pem(k.trust, "-ca.pem"), k.trusts), k.trust, true)
	v.text("tls.client_auth", x.auth, x.line)
	if x.version != "" {
		v.text("tls.min_version", x.version, x.line)
	}
}

// frameSize writes the largest frame, which must fit into the memory.
func (c *converter) frameSize() {
	frame, line := c.listeners.frame, c.listeners.frameAt
	const least = 64 << 10
	standard := config.Default().Limits
	memory := standard.Memory
	if v := c.out.get("limits.memory"); v != nil {
		if size, err := config.ParseSize(v.scalar); err == nil {
			memory = size
		}
	}
	switch {
	case frame == 0 && standard.Frame <= memory:
		return
	case frame == 0:
		v := c.out.get("limits.memory")
		c.out.set("limits.frame", memory.String(), v.line).comment("A frame must fit into limits.memory.")
	case frame > memory:
		c.out.set("limits.frame", memory.String(), line).comment("The connectors allow %s, and a frame must fit into limits.memory.", frame)
	default:
		c.out.set("limits.frame", max(frame, least).String(), line)
	}
}
