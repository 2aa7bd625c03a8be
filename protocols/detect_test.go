package protocols

import (
	"strings"
	"testing"
)

func TestDetect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ about, in, want string }{ // want: the one protocol that says yes
		{"STOMP", "CONNECT\nlogin:a\n\n\x00", "stomp"},
		{"STOMP with CR LF", "CONNECT\r\naccept-version:1.2\r\n", "stomp"},
		{"STOMP 1.1", "STOMP\naccept-version:1.1\n", "stomp"},
		{"STOMP with CR LF too", "STOMP\r\n", "stomp"},
		{"STOMP after line ends", "\n\r\n\nCONNECT\n", "stomp"},
		{"STOMP with a space", "STOMP \n", ""},
		{"STOMP in lower case", "connect\n", ""},
		{"another command of STOMP", "SEND\ndestination:a\n\n\x00", ""},
		{"CONNECTED", "CONNECTED\n", ""},
		{"MQTT", "\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", "mqtt"},
		{"MQTT with a long length", "\x10\x8c\x80\x80\x00\x00\x04MQTT\x05", "mqtt"},
		{"MQTT 3.1", "\x10\x0e\x00\x06MQIsdp\x03", "mqtt"},
		{"MQTT with an endless length", "\x10\xff\xff\xff\xff\x01\x00\x04MQTT", ""},
		{"MQTT with flags", "\x11\x0c\x00\x04MQTT", ""},
		{"MQTT, other name", "\x10\x0c\x00\x04MQTX", ""},
		{"MQTT PUBLISH", "\x30\x0c\x00\x04MQTT", ""},
		{"AMQP", "AMQP\x00\x01\x00\x00", "amqp"},
		{"AMQP with SASL", "AMQP\x03\x01\x00\x00", "amqp"},
		{"AMQP 0-9-1", "AMQP\x00\x00\x09\x01", "amqp"},
		{"OpenWire", "\x00\x00\x00\xf0\x01ActiveMQ\x00\x00\x00\x0c", "openwire"},
		{"OpenWire of a strange size", "\x7f\xff\xff\xff\x01ActiveMQ", ""},
		{"OpenWire like TLS", "\x16\x03\x01\x02\x01ActiveMQ", "tls"},
		{"OpenWire, other command", "\x00\x00\x00\xf0\x02ActiveMQ", ""},
		{"OpenWire, other magic", "\x00\x00\x00\xf0\x01ActiveMX", ""},
		{"HTTP", "GET / HTTP/1.1\r\nHost: a\r\n", "http"},
		{"HTTP POST", "POST /api HTTP/1.1\r\n", "http"},
		{"HTTP CONNECT", "CONNECT a:1 HTTP/1.1\r\n", "http"},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http"},
		{"HTTP in lower case", "get / HTTP/1.1\r\n", ""},
		{"no method", "GETTING", ""},
		{"TLS", "\x16\x03\x01\x02\x00\x01", "tls"},
		{"SSL 2", "\x80\x2e\x01\x00\x02", ""},
		{"zeros", strings.Repeat("\x00", MaxPrefix), ""},
		{"noise", "\xff\xfe\xfd\xfc\xfb\xfa", ""},
	} {
		var got []string
		for _, k := range AllKnown() {
			if k.Detect([]byte(c.in)) == Yes {
				got = append(got, k.Name)
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %q, want %q", c.about, s, c.want)
		}
		// Byte by byte: the right one never says no, nobody else ever says yes.
		for n := 1; n <= len(c.in); n++ {
			for _, k := range AllKnown() {
				v := k.Detect([]byte(c.in[:n]))
				if k.Name == c.want && v == No || k.Name != c.want && v == Yes {
					t.Errorf("%s: %s says %s after %d bytes", c.about, k.Name, v, n)
				}
			}
		}
	}
}

func TestDetectIsPatientForLineEndsOnly(t *testing.T) {
	t.Parallel()
	for _, k := range AllKnown() {
		v := k.Detect([]byte(strings.Repeat("\n", MaxPrefix/2)))
		if (v == Maybe) != (k.Name == "stomp") {
			t.Errorf("%s says %s to line ends", k.Name, v)
		}
		if v := k.Detect([]byte(strings.Repeat("\n", MaxPrefix))); v != No {
			t.Errorf("%s says %s to nothing but line ends", k.Name, v)
		}
	}
}

// FuzzDetect checks that an answer does not change with more bytes, and that no two protocols
// claim the same ones.
func FuzzDetect(f *testing.F) {
	for _, s := range []string{"CONNECT\n", "\r\nSTOMP\r\n", "\x10\x0c\x00\x04MQTT", "\x10\xff\xff\xff\x7f\x00\x06MQIsdp", "AMQP", "\x00\x00\x00\xf0\x01ActiveMQ", "CONNECT a", "\x16\x03\x01"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		claims := ""
		for _, k := range AllKnown() {
			last := Maybe
			for n := 1; n <= len(b); n++ {
				v := k.Detect(b[:n])
				if last != Maybe && v != last {
					t.Fatalf("%s says %s after %d bytes, and before that %s", k.Name, v, n, last)
				}
				last = v
			}
			if last == Maybe && len(b) >= MaxPrefix {
				t.Fatalf("%s has no answer after %d bytes", k.Name, len(b))
			}
			if last == Yes {
				if claims != "" {
					t.Fatalf("%s and %s both claim it", claims, k.Name)
				}
				claims = k.Name
			}
		}
	})
}
