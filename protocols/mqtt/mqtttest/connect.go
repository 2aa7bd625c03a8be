package mqtttest

import (
	"testing"
	"time"
)

func connectScenarios() []Scenario {
	return []Scenario{
		{
			Name: "connect/accepted", Clauses: "MQTT-3.2.0-1 MQTT-3.2.2-1",
			Ref: "a CONNECT is answered by CONNACK 0 without a session",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				if c.Connack.Present || c.Connack.Flags != 0 {
					t.Errorf("got %v", c.Connack)
				}
				c.Ping()
				c.Disconnect()
			},
		},
		{
			Name: "connect/byte-by-byte",
			Ref:  "packets may come in any pieces",
			Run: func(_ *testing.T, e *Env) {
				c := e.Dial()
				for _, b := range append(c.connect(Connect{ClientID: e.ClientID("")}), Raw(PINGREQ<<4, nil)...) {
					c.Write([]byte{b})
				}
				c.Expect(CONNACK)
				c.Expect(PINGRESP)
			},
		},
		{
			Name: "connect/pipelined", Clauses: "MQTT-3.2.0-1",
			Ref: "packets may follow CONNECT before its answer, and take effect after it",
			Run: func(_ *testing.T, e *Env) {
				c := e.Dial()
				c.Write(c.connect(Connect{ClientID: e.ClientID("")}), subscribe(e.Version, 1, nil, Filter{e.Topic(""), 1}),
					Message{Topic: e.Topic(""), Payload: "one", QoS: 1, ID: 2}.encode(e.Version), Raw(PINGREQ<<4, nil))
				c.Expect(CONNACK)
				c.await(SUBACK, 1)
				c.await(PUBACK, 2)
				c.await(PINGRESP, 0)
				c.Want("one")
			},
		},
		{
			Name: "connect/unknown-level", Versions: []byte{4}, Clauses: "MQTT-3.1.2-2",
			Ref: "a level that nobody knows is answered by code 1 in the form of 3.1.1, and closed",
			Run: func(t *testing.T, e *Env) {
				c := e.Dial()
				c.Write(c.connect(Connect{ClientID: e.ClientID(""), Level: 9}))
				if p := c.Expect(CONNACK); p.Code != 1 || p.Present {
					t.Errorf("got %v", p)
				}
				c.Closed()
			},
		},
		{
			Name: "connect/bridge", Versions: []byte{3, 4},
			Ref:    "the highest bit of the level, which bridges of mosquitto set, is accepted",
			Others: map[Peer]string{ActiveMQ: "closes the connection"},
			Why:    "a mosquitto bridge connects with its own settings",
			Run: func(t *testing.T, e *Env) {
				c := e.Dial()
				c.Write(c.connect(Connect{ClientID: e.ClientID(""), Level: e.Version | 0x80}))
				if e.Differs() {
					for _, p := range c.Closed() {
						if p.Code == 0 {
							t.Errorf("got %v", p)
						}
					}
					return
				}
				if p := c.Expect(CONNACK); p.Code != 0 {
					t.Errorf("got %v", p)
				}
			},
		},
		{
			Name: "connect/another-name", Versions: []byte{4, 5}, Clauses: "MQTT-3.1.2-1",
			Ref: "another protocol name is closed",
			Run: func(_ *testing.T, e *Env) {
				c := e.Dial()
				c.Write(c.connect(Connect{ClientID: e.ClientID(""), Name: "MQTX"}))
				c.Closed()
			},
		},
		{
			Name: "connect/reserved-flag", Versions: []byte{4, 5}, Clauses: "MQTT-3.1.2-3 MQTT-3.1.4-1",
			Ref:    "the reserved flag of CONNECT must be zero; otherwise the connection is closed",
			Others: map[Peer]string{ActiveMQ: "accepts it"},
			Why:    "the standards demand it: a client that sets it is broken",
			Run: func(_ *testing.T, e *Env) {
				c := e.Dial()
				c.Write(c.connect(Connect{ClientID: e.ClientID(""), Flags: 1}))
				if e.Differs() {
					c.Expect(CONNACK)
					return
				}
				c.Refused(0x81, 0x82)
			},
		},
		{
			Name: "connect/twice", Clauses: "MQTT-3.1.0-2",
			Ref: "a second CONNECT closes the connection",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Write(c.connect(Connect{ClientID: e.ClientID("x")}))
				c.Refused(0x82)
			},
		},
		{
			Name: "connect/first", Clauses: "MQTT-3.1.0-1",
			Ref: "any other packet before CONNECT closes the connection without a word",
			Run: func(t *testing.T, e *Env) {
				for _, p := range [][]byte{Raw(PINGREQ<<4, nil), subscribe(e.Version, 1, nil, Filter{"a", 0}), Message{Topic: "a"}.encode(e.Version), ack(PUBREL, 1), Raw(DISCONNECT<<4, nil)} {
					c := e.Dial()
					_ = c.TryWrite(p)
					if list := c.Closed(); len(list) > 0 {
						t.Errorf("got %v", list)
					}
				}
			},
			Others: map[Peer]string{ActiveMQ: "ignores PINGREQ, DISCONNECT and acknowledgements there, and leaves the connection open"},
			Why:    "the standards demand it; a connection that never logs in must not stay",
			Skip:   map[Peer]string{ActiveMQ: "it waits for its connection time-out of 30 s"},
		},
		{
			Name: "connect/empty-id", Clauses: "MQTT-3.1.3-6 MQTT-3.1.3-7", Versions: []byte{4, 5},
			Ref: "an empty client identifier gets one from the broker, which version 5 tells",
			Run: func(t *testing.T, e *Env) {
				first, second := e.ConnectWith(Connect{}), e.ConnectWith(Connect{})
				if e.Version == 5 && (first.Connack.All(0x12) == nil || first.Connack.All(0x12)[0].Text == second.Connack.All(0x12)[0].Text) {
					t.Errorf("got %v and %v", first.Connack, second.Connack)
				}
				first.Ping()
				second.Ping()
			},
		},
		{
			Name: "connect/empty-id-kept", Clauses: "MQTT-3.1.3-8", Versions: []byte{4},
			Ref: "an empty client identifier without clean session is refused with code 2",
			Run: func(t *testing.T, e *Env) {
				c := e.Dial()
				c.Write(c.connect(Connect{Keep: true}))
				if p := c.Expect(CONNACK); p.Code != 2 || p.Present {
					t.Errorf("got %v", p)
				}
				c.Closed()
			},
		},
		{
			Name: "connect/long-id", Versions: []byte{4, 5}, Clauses: "MQTT-3.1.3-5",
			Ref: "client identifiers may be longer than 23 characters, and any text",
			Run: func(_ *testing.T, e *Env) {
				for _, id := range []string{e.ClientID("-0123456789012345678901234567890123456789"), e.ClientID(" ü/+#:.>*'\"<b>")} {
					e.ConnectWith(Connect{ClientID: id}).Quiet()
				}
			},
		},
		{
			Name: "connect/password-without-user", Versions: []byte{4}, Clauses: "MQTT-3.1.2-22",
			Ref: "a password without a user name closes the connection in 3.1.1",
			Run: func(_ *testing.T, e *Env) {
				c := e.Dial()
				c.Write(Connect{ClientID: e.ClientID(""), Pass: "p"}.encode(e.Version))
				for _, p := range c.Closed() {
					if p.Code == 0 {
						e.t.Errorf("got %v", p)
					}
				}
			},
		},
		{
			Name: "connect/take-over", Clauses: "MQTT-3.1.4-2 MQTT-3.1.4-3",
			Ref: "a second connection with the same client identifier ends the first",
			Run: func(t *testing.T, e *Env) {
				first := e.ConnectWith(Connect{ClientID: e.ClientID("")})
				second := e.ConnectWith(Connect{ClientID: e.ClientID("")})
				for _, p := range first.Closed() {
					if e.Version < 5 || p.Type != DISCONNECT || p.Code != 0x8e {
						t.Errorf("got %v", p)
					}
				}
				second.Quiet()
			},
		},
		{
			Name: "connect/keep-alive", Clauses: "MQTT-3.1.2-22 MQTT-3.1.2-24",
			Ref: "a client that is silent for one and a half times its keep-alive time is closed",
			Run: func(t *testing.T, e *Env) {
				c := e.ConnectWith(Connect{ClientID: e.ClientID(""), KeepAlive: 1})
				begun := time.Now()
				c.Refused(0x8d)
				if time.Since(begun) < time.Second {
					t.Error("it was closed too early")
				}
			},
		},
		{
			Name: "connect/wrong-password", Login: true, Clauses: "MQTT-3.2.2-5",
			Ref: "a wrong password is refused with code 5, in version 5 with 0x86, and nothing behind it is done",
			Run: func(t *testing.T, e *Env) {
				c := e.Dial()
				want := byte(5)
				if e.Version == 5 {
					want = 0x86
				}
				_ = c.TryWrite(c.connect(Connect{ClientID: e.ClientID(""), User: e.target.User, Pass: e.target.Pass + "x"}), Message{Topic: e.Topic(""), QoS: 1, ID: 1}.encode(e.Version))
				if p := c.Expect(CONNACK); p.Code != want || p.Present {
					t.Errorf("got %v", p)
				}
				if list := c.Closed(); len(list) > 0 {
					t.Errorf("got %v behind it", list)
				}
			},
		},
		{
			Name: "connect/disconnect",
			Ref:  "after DISCONNECT the broker closes the connection",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Write(Raw(DISCONNECT<<4, nil))
				if list := c.Closed(); len(list) > 0 {
					t.Errorf("got %v", list)
				}
			},
		},
	}
}
