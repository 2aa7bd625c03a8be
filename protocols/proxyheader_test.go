package protocols

import (
	"strings"
	"testing"
)

func TestProxyProtocol(t *testing.T) {
	t.Parallel()
	const (
		v1    = "PROXY TCP4 198.51.100.7 203.0.113.9 4711 61613\r\n"
		sig   = "\r\n\r\n\x00\r\nQUIT\n"
		v2    = sig + "\x21\x11\x00\x0c\xc6\x33\x64\x07\xcb\x00\x71\x09\x12\x67\xf0\xad"
		here  = "here" // the peer's own address
		close = ""
	)
	long := sig + "\x21\x11\x4e\x2c\xc6\x33\x64\x07\xcb\x00\x71\x09\x12\x67\xf0\xad" + strings.Repeat("t", 20000)
	loopback, elsewhere := []string{"10.0.0.0/8", "127.0.0.1"}, []string{"10.0.0.0/8", "::1"}
	for _, c := range []struct {
		about   string
		mode    ProxyMode
		trusted []string
		in      string // before what the protocol gets
		from    string // close: not served
		to      string
		log     string
	}{
		{"off", ProxyOff, nil, "", here, here, ""},
		{"off, with a header", ProxyOff, nil, v1, close, close, "speaks no known protocol"},
		{"version 1", ProxyRequired, nil, v1, "198.51.100.7:4711", "203.0.113.9:61613", ""},
		{"version 2", ProxyRequired, loopback, v2, "198.51.100.7:4711", "203.0.113.9:61613", ""},
		{"with long extensions", ProxyRequired, loopback, long, "198.51.100.7:4711", "203.0.113.9:61613", ""},
		{"local", ProxyRequired, loopback, sig + "\x20\x00\x00\x00", here, here, ""},
		{"unknown", ProxyRequired, loopback, "PROXY UNKNOWN\r\n", here, here, ""},
		{"none", ProxyRequired, loopback, "", close, close, "no PROXY protocol header"},
		{"damaged", ProxyRequired, loopback, "PROXY TCP4 a b c d\r\n", close, close, "not of TCP4"},
		{"twice", ProxyRequired, loopback, v1 + v1, close, close, "speaks no known protocol"},
		{"of a stranger", ProxyRequired, elsewhere, v1, close, close, "the peer is not one of trusted_proxies"},
		{"a stranger without", ProxyRequired, elsewhere, "", close, close, "the peer is not one of trusted_proxies"},
		{"optional", ProxyOptional, loopback, v1, "198.51.100.7:4711", "203.0.113.9:61613", ""},
		{"optional, none", ProxyOptional, loopback, "", here, here, ""},
		{"optional, damaged", ProxyOptional, loopback, "PROXY \r\n", close, close, "is not of the form"},
		{"optional, of a stranger", ProxyOptional, elsewhere, v1, close, close, "speaks no known protocol"},
		{"optional, a stranger without", ProxyOptional, elsewhere, "", here, here, ""},
	} {
		t.Run(c.about, func(t *testing.T) {
			t.Parallel()
			journal, log := newJournal()
			served := make(chan *Conn, 1)
			s := start(t, Options{Log: log, Listeners: []ListenerOptions{{
				Protocols: []Protocol{echo{name: "alpha", served: served}, echo{name: "beta"}}, ProxyProtocol: c.mode, TrustedProxies: c.trusted,
			}}})
			for _, drip := range []bool{false, true} {
				conn := dial(t, s)
				if drip && len(c.in) < 200 {
					for _, b := range []byte(c.in + "alpha") {
						if _, err := conn.Write([]byte{b}); err != nil {
							break // refused before the end
						}
					}
				} else {
					say(t, conn, c.in+"alpha")
				}
				if c.from == close {
					expectEnd(t, conn, false)
					journal.wait(t, c.log)
					continue
				}
				expect(t, conn, "alpha")
				from, to := c.from, c.to
				if from == here {
					from, to = conn.LocalAddr().String(), conn.RemoteAddr().String()
				}
				sc := receive(t, served)
				if sc.RemoteAddr().String() != from || sc.LocalAddr().String() != to || sc.Peer().String() != conn.LocalAddr().String() {
					t.Errorf("from %v to %v by %v", sc.RemoteAddr(), sc.LocalAddr(), sc.Peer())
				}
			}
		})
	}
}

func TestProxyProtocolBeforeTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	served := make(chan *Conn, 1)
	s := start(t, Options{
		Limits: Limits{PerAddress: 1},
		Listeners: []ListenerOptions{{
			Protocols: []Protocol{echo{name: "alpha", served: served}}, Known: AllKnown(), ProxyProtocol: ProxyRequired, TLS: ca.server(t, "localhost"),
		}},
	})
	for _, client := range []string{"198.51.100.7", "198.51.100.8"} { // each counts for itself
		raw := dial(t, s)
		say(t, raw, "PROXY TCP4 "+client+" 203.0.113.9 4711 61613\r\n")
		conn := secure(raw, ca.client(t, ""))
		say(t, conn, "alpha")
		expect(t, conn, "alpha")
		c := receive(t, served)
		if got := c.RemoteAddr().String(); got != client+":4711" || c.TLS == nil {
			t.Errorf("from %s", got)
		}
	}
	raw := dial(t, s)
	say(t, raw, "PROXY TCP4 198.51.100.7 203.0.113.9 4712 61613\r\n")
	expectEnd(t, raw, false)
}
