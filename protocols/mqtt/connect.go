package mqtt

import (
	"context"
	"math"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// connect handles CONNECT: the client identifier names the session [MQTT-3.1.3-2], which goes on or
// begins anew [MQTT-3.1.2-4] [MQTT-3.1.2-5] [MQTT-3.1.2-6]. It returns whether the connection goes on. What the client sends behind
// a refused one is not looked at [MQTT-3.1.4-5] [MQTT-3.1.4-6].
func (c *connection) connect(ctx context.Context, p *packet.Packet) bool {
	c.version = p.Version
	l := &p.Login
	if err := c.checkConnect(p); err != nil {
		c.fail(err)
		return false
	}
	o := broker.SessionOptions{
		Clean: l.CleanStart, Expiry: c.sessionExpiry(p), Will: c.will(p), Tag: c.ids.tag, UserTag: c,
	}
	login := c.login
	login.ClientID = string(l.ClientID)
	login.User, login.Password, login.HasUser = string(l.User), string(l.Password), l.HasUser
	// Another connection of the same client is ended, completely, before this one goes on
	// [MQTT-3.1.4-2] [MQTT-3.1.4-3].
	core, err := c.o.Broker.Connect(ctx, login, c.out)
	if err != nil {
		c.fail(err)
		return false
	}
	c.core = core
	if len(l.ClientID) == 0 && c.version != packet.V5 {
		o.Expiry = 0
	}
	// What the client may be told, at any time from now on, depends on what it can take.
	c.takeLimits(p)
	opened := make(chan error, 1)
	token := c.tokens.add(pending{answer: packet.Connect, done: opened})
	if c.session, err = core.OpenSession(o, c.out.Sink(), token); err != nil {
		c.fail(err)
		return false
	}
	c.sub = c.session.Subscription()
	c.expiring = o.Expiry > 0
	if c.session.Present() {
		for _, o := range c.session.Bindings() {
			c.noteAdvisories(&o)
		}
	}
	c.net.LoggedIn()
	c.origin = core.ID() + ":-1:1"
	core.Flush()
	c.out.Wake()
	// No packet is handled before the session is on disk and CONNACK, which is the first packet
	// that the client gets, on its way [MQTT-3.2.0-1].
	select {
	case err = <-opened:
	case <-c.out.Done():
		return false
	case <-ctx.Done():
		return false
	}
	if err != nil {
		c.fail(err)
		return false
	}
	c.connected = true
	c.out.Confirmed(c.tokens.add(pending{answer: packet.Connack, connack: c.connack(p, o.Expiry)}), nil)
	c.out.Wake()
	c.sub.Limit(c.inflight)
	return true
}

// checkConnect judges what the codec can't. Identifiers may be longer, and of other characters,
// than all brokers have to allow [MQTT-3.1.3-5]; will and subscriptions may have any QoS, and a
// will may be retained [MQTT-3.2.2-9] [MQTT-3.2.2-10] [MQTT-3.2.2-12] [MQTT-3.2.2-13].
func (c *connection) checkConnect(p *packet.Packet) error {
	l := &p.Login
	switch {
	case len(l.ClientID) > maxClientID:
		return &packet.Error{Reason: packet.ClientIDNotValid, Text: "client identifier is too long"}
	case len(l.ClientID) == 0 && !l.CleanStart && c.version != packet.V5: // [MQTT-3.1.3-7] [MQTT-3.1.3-8]
		return &packet.Error{Reason: packet.ClientIDNotValid, Text: "client identifier is empty"}
	}
	if _, ok := p.Properties.Find(packet.AuthMethod); ok { // [MQTT-4.12.0-1]
		// Nor is AUTH ever sent, or a method named [MQTT-4.12.0-4] [MQTT-4.12.0-6].
		return &packet.Error{Reason: packet.BadAuthMethod, Text: "no authentication method is offered"}
	}
	return nil
}

// sessionExpiry returns how long the session outlives its connection [MQTT-3.1.2-23]. It lasts at
// least as long as that [MQTT-4.1.0-1] [MQTT-4.1.0-2].
func (c *connection) sessionExpiry(p *packet.Packet) time.Duration {
	if c.version == packet.V5 {
		return c.expiryOf(p.Properties.Num(packet.SessionExpiry, 0))
	}
	// Clean session is clean start, and an end with the connection, in one [MQTT-3.1.2-6].
	switch {
	case p.Login.CleanStart:
		return 0
	case c.o.SessionExpiry > 0:
		return c.o.SessionExpiry
	}
	return broker.Forever
}

// expiryOf returns a session expiry interval, lowered to what is allowed.
func (c *connection) expiryOf(seconds uint32) time.Duration {
	d := time.Duration(seconds) * time.Second
	if seconds == math.MaxUint32 {
		d = broker.Forever
	}
	if c.o.MaxSessionExpiry > 0 {
		d = min(d, c.o.MaxSessionExpiry)
	}
	return d
}

// takeLimits takes what the client says that it can take, and what limits its silence.
func (c *connection) takeLimits(p *packet.Packet) {
	c.inflight = uint64(c.o.Inflight)
	if c.version == packet.V5 {
		// The quota begins anew with each connection [MQTT-4.9.0-1] [MQTT-3.3.4-9].
		c.inflight = min(c.inflight, uint64(p.Properties.Num(packet.ReceiveMaximum, 0xffff)))
		c.maxPacket = int(p.Properties.Num(packet.MaximumPacketSize, 0))
		c.aliasMax = min(int(p.Properties.Num(packet.TopicAliasMaximum, 0)), c.o.SendAliases)
		c.quiet = p.Properties.Num(packet.RequestProblemInfo, 1) == 0
		c.receiving.maximum = c.o.ReceiveMaximum
	}
	alive := c.keepAlive(p.Login.KeepAlive)
	c.readLimit = alive + alive/2 // [MQTT-3.1.2-24] [MQTT-3.1.2-22] [MQTT-3.2.2-21]
	if alive == 0 {
		_ = c.net.SetReadDeadline(time.Time{})
	}
}

// keepAlive returns the keep alive interval that holds; 0 is none.
func (c *connection) keepAlive(seconds uint16) time.Duration {
	d := time.Duration(seconds) * time.Second
	if most := c.o.MaxKeepAlive; most > 0 && (d == 0 || d > most) {
		return most
	}
	return d
}

// connack returns the CONNACK that accepts [MQTT-3.1.4-4] [MQTT-3.1.4-5] [MQTT-3.2.0-2]. A session
// that was there is present, unless a clean start was asked for [MQTT-3.2.2-1] [MQTT-3.2.2-2]
// [MQTT-3.2.2-3]. It has no response information, which no client gets [MQTT-3.1.2-28].
func (c *connection) connack(p *packet.Packet, expiry time.Duration) []byte {
	present := c.session.Present()
	if c.version != packet.V5 {
		return packet.AppendConnack(nil, c.version, present, packet.Success, nil)
	}
	var b []byte
	if asked := p.Properties.Num(packet.SessionExpiry, 0); expiry != broker.Forever && time.Duration(asked)*time.Second != expiry {
		b = packet.AppendNum(b, packet.SessionExpiry, uint32(expiry/time.Second))
	}
	b = packet.AppendNum(b, packet.ReceiveMaximum, uint32(c.o.ReceiveMaximum))
	if c.o.MaxPacket < packet.MaxRemaining {
		b = packet.AppendNum(b, packet.MaximumPacketSize, uint32(c.o.MaxPacket))
	}
	if c.o.TopicAliasMaximum > 0 {
		b = packet.AppendNum(b, packet.TopicAliasMaximum, uint32(c.o.TopicAliasMaximum))
	}
	if len(p.Login.ClientID) == 0 { // [MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16]
		b = packet.AppendText(b, packet.AssignedClientID, c.core.ClientID())
	}
	if alive := c.keepAlive(p.Login.KeepAlive); alive != time.Duration(p.Login.KeepAlive)*time.Second { // [MQTT-3.2.2-22]
		b = packet.AppendNum(b, packet.ServerKeepAlive, uint32(alive/time.Second))
	}
	return packet.AppendConnack(nil, c.version, present, packet.Success, b)
}

// refuse answers a CONNECT that is not accepted, where the specification has an answer, and ends
// the connection [MQTT-3.2.2-5] [MQTT-3.2.2-7] [MQTT-3.1.4-1] [MQTT-3.1.4-2].
func (c *connection) refuse(err error) {
	v := c.version
	if v == 0 {
		v = c.reader.Claimed()
	}
	reason := answerOf(err).connack
	var b []byte
	switch {
	case v != 0 && reason == packet.UnsupportedVersion:
		// In the form of 3.1.1, which clients of all versions know [MQTT-3.1.2-2].
		b = packet.AppendConnack(nil, packet.V311, false, 1, nil)
	case v == packet.V5:
		var props packet.Properties
		if text := textOf(err); text != "" {
			props = c.fitting(packet.AppendText(nil, packet.ReasonString, text))
		}
		b = packet.AppendConnack(nil, v, false, reason, props) // [MQTT-3.2.2-6]
	case v == packet.V31 || v == packet.V311:
		// Of a malformed packet 3.x has nothing to say [MQTT-3.1.4-1].
		if code := returnCode(reason); code != 0 && (!isPacketError(err) || reason == packet.ClientIDNotValid) {
			b = packet.AppendConnack(nil, v, false, code, nil) // [MQTT-3.2.2-4]
		}
	}
	if fault.Is(err, fault.Unauthenticated) {
		c.o.Log.Info("login refused", "protocol", "mqtt", "remote", c.net.RemoteAddr(), "error", err)
	}
	if b != nil {
		c.out.Raw(b)
		c.leaving = true
	}
}
