package packet

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// unhex reads hexadecimal digits with blanks between them.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// describe renders what a packet says.
func describe(p *Packet) string {
	s := fmt.Sprintf("%v %v", p.Type, p.Version)
	switch p.Type {
	case Connect:
		l := &p.Login
		s += fmt.Sprintf(" id=%s clean=%t keepalive=%d", l.ClientID, l.CleanStart, l.KeepAlive)
		if l.Bridge {
			s += " bridge"
		}
		if l.HasWill {
			s += fmt.Sprintf(" will=%s:%s/%d/%t[%x]", l.WillTopic, l.WillPayload, l.WillQoS, l.WillRetain, []byte(l.WillProperties))
		}
		if l.HasUser {
			s += fmt.Sprintf(" user=%s", l.User)
		}
		if l.HasPassword {
			s += fmt.Sprintf(" password=%s", l.Password)
		}
	case Publish:
		s += fmt.Sprintf(" %s=%s dup=%t qos=%d retain=%t id=%d", p.Topic, p.Payload, p.Dup, p.QoS, p.Retain, p.ID)
	case Subscribe, Unsubscribe:
		s += fmt.Sprintf(" id=%d", p.ID)
		p.Filters(func(f Filter) bool { s += fmt.Sprintf(" %s:%02x", f.Filter, byte(f.Options)); return true })
	case Suback, Unsuback:
		s += fmt.Sprintf(" id=%d %x", p.ID, p.Codes())
	case Connack:
		s += fmt.Sprintf(" present=%t %d", p.SessionPresent, p.Reason)
	case Puback, Pubrec, Pubrel, Pubcomp:
		s += fmt.Sprintf(" id=%d %d", p.ID, p.Reason)
	case Disconnect, Auth:
		s += fmt.Sprintf(" %d", p.Reason)
	}
	for props := p.Properties; len(props) > 0; {
		v, ok := props.Next()
		if !ok {
			return s + " UNREADABLE"
		}
		s += fmt.Sprintf(" %02x=%d%s%s", v.ID, v.Num, v.Name, v.Text)
	}
	return s
}

// streams are what real clients put on the wire, and what they said.
var streams = []struct{ client, wire, want string }{
	{"paho.mqtt.golang 1.5.1", `
		10 1f 0004 4d515454 04 cc 001e 0003 676f33 0003 772f74 0003 627965 0001 75 0001 70
		82 0a 0001 0005 612f2b2f63 02
		30 09 0005 612f622f63 6869
		33 0b 0005 612f622f63 0002 6869
		34 0b 0005 612f622f63 0003 6869
		62 02 0003`, `
		CONNECT 3.1.1 id=go3 clean=false keepalive=30 will=w/t:bye/1/false[] user=u password=p
		SUBSCRIBE 3.1.1 id=1 a/+/c:02
		PUBLISH 3.1.1 a/b/c=hi dup=false qos=0 retain=false id=0
		PUBLISH 3.1.1 a/b/c=hi dup=false qos=1 retain=true id=2
		PUBLISH 3.1.1 a/b/c=hi dup=false qos=2 retain=false id=3
		PUBREL 3.1.1 id=3 0`},
	{"mosquitto_sub 2.0", `
		10 18 0004 4d515454 05 02 003c 08 21000a 110000003c 0003 6d7335
		82 18 0001 02 0b07 000c 24736861 72652f67 2f612f23 01 0001 62 01
		e0 00`, `
		CONNECT 5 id=ms5 clean=true keepalive=60 21=10 11=60
		SUBSCRIBE 5 id=1 $share/g/a/#:01 b:01 0b=7
		DISCONNECT 5 0`},
	{"mosquitto_pub 2.0", `
		10 13 0004 4d515454 05 02 003c 03 210014 0003 6d7035
		34 20 0001 62 0001 19 03000a746578742f706c61696e 2600016b000176 0200000009 78
		62 02 0001
		e0 00`, `
		CONNECT 5 id=mp5 clean=true keepalive=60 21=20
		PUBLISH 5 b=x dup=false qos=2 retain=false id=1 03=0text/plain 26=0kv 02=9
		PUBREL 5 id=1 0
		DISCONNECT 5 0`},
	{"MQTT.js 5", `
		10 18 0004 4d515454 05 02 003c 08 220005 110000001e 0003 6a7335
		82 09 f4f3 00 0003 712f23 01
		32 09 0003 712f31 f4f4 00 78
		40 02 0001
		e0 02 00 00`, `
		CONNECT 5 id=js5 clean=true keepalive=60 22=5 11=30
		SUBSCRIBE 5 id=62707 q/#:01
		PUBLISH 5 q/1=x dup=false qos=1 retain=false id=62708
		PUBACK 5 id=1 0
		DISCONNECT 5 0`},
	{"mosquitto_pub -V mqttv31", `
		10 11 0006 4d5149736470 03 02 003c 0003 6d7033
		32 06 0001 62 0001 78
		e0 00`, `
		CONNECT 3.1 id=mp3 clean=true keepalive=60
		PUBLISH 3.1 b=x dup=false qos=1 retain=false id=1
		DISCONNECT 3.1 0`},
}

// halting returns one octet per Read.
type halting struct{ r *bytes.Reader }

func (h halting) Read(p []byte) (int, error) { return h.r.Read(p[:min(1, len(p))]) }

func TestRealClients(t *testing.T) {
	t.Parallel()
	for _, s := range streams {
		wire := unhex(t, strings.Join(strings.Fields(s.wire), ""))
		for _, slow := range []bool{false, true} {
			var r *Reader
			if slow {
				r = NewReader(halting{bytes.NewReader(wire)}, ReaderOptions{Limits: DefaultLimits()})
			} else {
				r = NewReader(bytes.NewReader(wire), ReaderOptions{Limits: DefaultLimits()})
			}
			var got []string
			var again []byte
			for {
				p, err := r.Next()
				if err != nil {
					break
				}
				got = append(got, describe(p))
				again = Append(again, p)
			}
			want := strings.Split(strings.TrimSpace(s.want), "\n")
			for i := range want {
				want[i] = strings.TrimSpace(want[i])
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("%s:\n%s\nwant\n%s", s.client, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			// MQTT.js writes its DISCONNECT longer than need be.
			if long := unhex(t, "e0020000"); !bytes.Equal(again, wire) && !bytes.HasSuffix(wire, long) {
				t.Errorf("%s: encoded again it is\n%x\nand was\n%x", s.client, again, wire)
			}
		}
	}
}

// TestRefused goes through what a decoder has to refuse, and with which reason.
func TestRefused(t *testing.T) {
	t.Parallel()
	const connect5 = "101000044d515454050200 3c 00 0003 6d7035"
	for _, c := range []struct {
		about, wire string
		v           Version // 0: the wire begins with CONNECT
		want        Reason
	}{
		{"type 0", "0000", V5, MalformedPacket},
		{"AUTH before version 5", "f000", V311, MalformedPacket},
		{"packet before CONNECT", "c000", 0, ProtocolError},
		{"second CONNECT", connect5 + connect5, 0, ProtocolError},
		{"QoS 3", "3605000161000178", V5, MalformedPacket},
		{"DUP with QoS 0", "38040001 6178", V5, MalformedPacket},
		{"flags of CONNECT", "1110", 0, MalformedPacket},
		{"flags of PUBACK", "41020001", V5, MalformedPacket},
		{"flags of PUBREL", "60020001", V5, MalformedPacket},
		{"flags of SUBSCRIBE", "800600010001 6100", V311, MalformedPacket},
		{"flags of UNSUBSCRIBE", "a00500010001 61", V311, MalformedPacket},
		{"flags of PINGREQ", "c100", V311, MalformedPacket},
		{"flags of DISCONNECT", "e100", V311, MalformedPacket},
		{"length of five octets", "30ffffffff01", V5, MalformedPacket},
		{"four octets that go on", "3080808080", V5, MalformedPacket},
		{"length longer than need be", "308000", V5, MalformedPacket},
		{"packet identifier 0 of PUBLISH", "320600016100000000", V5, MalformedPacket},
		{"packet identifier 0 of SUBSCRIBE", "8206000000016100", V311, MalformedPacket},
		{"packet identifier 0 of UNSUBSCRIBE", "a205000000 0161", V311, MalformedPacket},
		{"packet identifier 0 of PUBACK", "40020000", V5, MalformedPacket},
		{"invalid UTF-8 topic", "30040001 ff78", V311, MalformedPacket},
		{"surrogate in topic", "3006 0003 eda080 78", V311, MalformedPacket},
		{"overlong form", "3005 0002 c080 78", V311, MalformedPacket},
		{"NUL in topic", "3005 0002 6100 78", V311, MalformedPacket},
		{"wildcard + in topic", "3005 0001 2b 00 78", V5, TopicNameInvalid},
		{"wildcard # in topic", "3006 0003 612f23 78", V311, TopicNameInvalid},
		{"empty topic", "3003 0000 78", V311, MalformedPacket},
		{"empty topic without alias", "3004 0000 00 78", V5, ProtocolError},
		{"topic longer than the packet", "3003 0009 78", V311, MalformedPacket},
		{"PUBLISH without identifier", "3203 0001 61", V311, MalformedPacket},
		{"PUBACK too short", "4001 00", V311, MalformedPacket},
		{"PUBACK too long", "4003 0001 00", V311, MalformedPacket},
		{"PUBACK with a code of others", "4003 0001 92", V5, MalformedPacket},
		{"PUBREL with a code of others", "6203 0001 80", V5, MalformedPacket},
		{"SUBSCRIBE without filters", "8202 0001", V311, ProtocolError},
		{"UNSUBSCRIBE without filters", "a202 0001", V311, ProtocolError},
		{"SUBSCRIBE QoS 3", "8206 0001 0001 61 03", V311, MalformedPacket},
		{"SUBSCRIBE reserved bits", "8206 0001 0001 61 04", V311, MalformedPacket},
		{"SUBSCRIBE reserved bits of 5", "8207 0001 00 0001 61 40", V5, MalformedPacket},
		{"retain handling 3", "8207 0001 00 0001 61 30", V5, ProtocolError},
		{"no local in a shared subscription", "8210 0001 00 000a 24736861 72652f67 2f61 04", V5, ProtocolError},
		{"filter without options", "8205 0001 0001 61", V311, MalformedPacket},
		{"filter of invalid UTF-8", "8206 0001 0001 ff 00", V311, MalformedPacket},
		{"PINGREQ with a body", "c001 00", V311, MalformedPacket},
		{"DISCONNECT with a body", "e001 00", V311, MalformedPacket},
		{"DISCONNECT with an unknown code", "e001 03", V5, MalformedPacket},
		{"AUTH with an unknown code", "f001 80", V5, MalformedPacket},
		{"property length beyond the packet", "3005 0001 61 05 01", V5, MalformedPacket},
		{"property length longer than need be", "3005 0001 61 8000", V5, MalformedPacket},
		{"unknown property", "3006 0001 61 02 7f00", V5, MalformedPacket},
		{"property of another packet", "3007 0001 61 03 210001", V5, MalformedPacket},
		{"property twice", "3008 0001 61 04 0100 0100", V5, ProtocolError},
		{"payload format 2", "3006 0001 61 02 0102", V5, ProtocolError},
		{"topic alias 0", "3007 0001 61 03 230000", V5, TopicAliasInvalid},
		{"subscription identifier 0", "8209 0001 02 0b00 0001 61 00", V5, ProtocolError},
		{"subscription identifier too long", "820c 0001 05 0b80808080 0001 61 00", V5, MalformedPacket},
		{"response topic with a wildcard", "3008 0001 61 04 08000123", V5, ProtocolError},
		{"content type of invalid UTF-8", "3008 0001 61 04 030001ff", V5, MalformedPacket},
		{"user property with a NUL", "300b 0001 61 07 26000100000161", V5, MalformedPacket},
		{"user property cut off", "3008 0001 61 04 26000161", V5, MalformedPacket},
		{"receive maximum 0", "1013 00044d515454 05 02 003c 03 210000 0003 6d7035", 0, ProtocolError},
		{"maximum packet size 0", "1015 00044d515454 05 02 003c 05 2700000000 0003 6d7035", 0, ProtocolError},
		{"authentication data without a method", "1013 00044d515454 05 02 003c 03 160000 0003 6d7035", 0, ProtocolError},
		{"request problem information 2", "1012 00044d515454 05 02 003c 02 1702 0003 6d7035", 0, ProtocolError},
		{"unknown level", "1007 00044d515454 06", 0, UnsupportedVersion},
		{"level 3 by the name of 4", "100c 00044d515454 03 02 003c 0000", 0, UnsupportedVersion},
		{"level 4 by the name of 3", "100e 00064d5149736470 04 02 003c 0000", 0, UnsupportedVersion},
		{"another protocol", "100c 00044d515458 04 02 003c 0000", 0, ProtocolError},
		{"reserved connect flag", "100c 00044d515454 04 03 003c 0000", 0, MalformedPacket},
		{"will QoS without will", "100c 00044d515454 04 0a 003c 0000", 0, MalformedPacket},
		{"will retain without will", "100c 00044d515454 04 22 003c 0000", 0, MalformedPacket},
		{"will QoS 3", "1012 00044d515454 04 1e 003c 0000 0001 61 0001 62", 0, MalformedPacket},
		{"will topic with wildcards", "1012 00044d515454 04 06 003c 0000 0001 23 0001 62", 0, TopicNameInvalid},
		{"will missing", "100c 00044d515454 04 06 003c 0000", 0, MalformedPacket},
		{"will delay in CONNECT's own properties", "1011 00044d515454 05 02 003c 05 1800000001 00", 0, MalformedPacket},
		{"password without user", "100f 00044d515454 04 42 003c 0000 0001 70", 0, MalformedPacket},
		{"octets after CONNECT", "100d 00044d515454 04 02 003c 0000 00", 0, MalformedPacket},
		{"CONNECT cut off", "1003 00044d", 0, MalformedPacket},
	} {
		r := NewReader(bytes.NewReader(unhex(t, c.wire)), ReaderOptions{Version: c.v, Limits: DefaultLimits()})
		var err error
		for err == nil {
			_, err = r.Next()
		}
		var e *Error
		if !errors.As(err, &e) || e.Reason != c.want {
			t.Errorf("%s: %v (%v), want %v", c.about, err, reasonOf(err), c.want)
		}
	}
}

func reasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return Success
}

// TestTolerated goes through what looks odd and is allowed.
func TestTolerated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		about, wire string
		v           Version
		want        string
	}{
		{"bridge", "100c 00044d515454 84 02 003c 0000", 0, "CONNECT 3.1.1 id= clean=true keepalive=60 bridge"},
		{"password without user in 5", "1010 00044d515454 05 42 003c 00 0000 0001 70", 0, "CONNECT 5 id= clean=true keepalive=60 password=p"},
		{"password without user in 3.1", "1011 00064d5149736470 03 42 003c 0000 0001 70", 0, "CONNECT 3.1 id= clean=true keepalive=60 password=p"},
		{"user name in Latin-1 in 3.1", "1011 00064d5149736470 03 82 003c 0000 0001 e4", 0, "CONNECT 3.1 id= clean=true keepalive=60 user=\xe4"},
		{"DUP of SUBSCRIBE in 3.1", "8a06 0001 0001 61 00", V31, "SUBSCRIBE 3.1 id=1 a:00"},
		{"topic with only a slash", "3004 0001 2f 78", V311, "PUBLISH 3.1.1 /=x dup=false qos=0 retain=false id=0"},
		{"byte order mark", "3006 0003 efbbbf 78", V311, "PUBLISH 3.1.1 \ufeff=x dup=false qos=0 retain=false id=0"},
		{"control character", "3004 0001 01 78", V311, "PUBLISH 3.1.1 \x01=x dup=false qos=0 retain=false id=0"},
		{"empty payload", "3003 0001 61", V311, "PUBLISH 3.1.1 a= dup=false qos=0 retain=false id=0"},
		{"alias alone", "3006 0000 03 230001", V5, "PUBLISH 5 = dup=false qos=0 retain=false id=0 23=1"},
		{"several subscription identifiers", "3008 0001 61 04 0b01 0b02", V5, "PUBLISH 5 a= dup=false qos=0 retain=false id=0 0b=1 0b=2"},
		{"PUBREL with a reason", "6203 0001 92", V5, "PUBREL 5 id=1 146"},
		{"PUBACK with empty properties", "4004 0001 00 00", V5, "PUBACK 5 id=1 0"},
		{"DISCONNECT with a will", "e001 04", V5, "DISCONNECT 5 4"},
	} {
		r := NewReader(bytes.NewReader(unhex(t, c.wire)), ReaderOptions{Version: c.v, Limits: DefaultLimits()})
		p, err := r.Next()
		if err != nil {
			t.Errorf("%s: %v", c.about, err)
		} else if got := describe(p); got != c.want {
			t.Errorf("%s: %s, want %s", c.about, got, c.want)
		}
	}
}

func TestTopics(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]bool{
		"a": true, "/": true, "//": true, "+": true, "#": true, "a/#": true, "a/+/b": true, "+/+": true, "/+": true,
		"": false, "a#": false, "#/a": false, "a+": false, "+a": false, "a/b#": false, "##": false, "+/#a": false, "a/++": false,
		strings.Repeat("/", MaxLevels-1): true, strings.Repeat("/", MaxLevels): false,
	} {
		if ValidFilter([]byte(filter)) != want {
			t.Errorf("filter %q is valid: %t", filter, !want)
		}
	}
	for filter, want := range map[string]string{
		"$share/g/a/#": "g a/# true", "$share/g//": "g / true", "$share/g": "  true", "$share//a": "  true", "$share/g/": "  true",
		"$share/+/a": "  true", "$share/g#/a": "  true", "$share": " $share true", "a/$share/g": " a/$share/g false", "$shared/g/a": " $shared/g/a false",
	} {
		name, rest, shared := Shared([]byte(filter))
		if got := fmt.Sprintf("%s %s %t", name, rest, shared); got != want {
			t.Errorf("%q: %q, want %q", filter, got, want)
		}
	}
}
