package mqtttest_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	paho5 "github.com/eclipse/paho.golang/paho"
	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/manifoldmq/manifold/protocols/mqtt/mqtttest"
)

// patience bounds each wait for something that must come.
const patience = 20 * time.Second

// message is what a session received.
type message struct {
	topic, payload string
	qos            byte
	retained       bool
	properties     *paho5.PublishProperties
}

// session is one connection of a Go library. Its methods fail the test where something fails.
type session interface {
	subscribe(filter string, qos byte) (granted byte)
	unsubscribe(filter string)
	publish(topic, payload string, qos byte, retained bool)
	messages() <-chan message
	present() bool
	ended() <-chan struct{}
	close()
	cut() // breaks the socket without a word
}

// options are what a session is opened with.
type options struct {
	suffix string
	keep   bool   // the session, when the connection ends
	will   string // payload for the topic's "/will"
}

// goLibrary runs one test of a Go library.
type goLibrary struct {
	*testing.T
	target  mqtttest.Target
	version string
	name    string
	topic   string
	ws      bool
}

// goCommands are what the libraries are put through: the same as the programs in testdata/clients.
func goCommands() map[string]func(*goLibrary) {
	return map[string]func(*goLibrary){
		"roundtrip": (*goLibrary).roundtrip, "big": (*goLibrary).big, "burst": (*goLibrary).burst,
		"retained": (*goLibrary).retained, "wildcard": (*goLibrary).wildcard, "unsubscribe": (*goLibrary).unsubscribed,
		"session": (*goLibrary).session, "will": (*goLibrary).will, "takeover": (*goLibrary).takeover,
		"properties": (*goLibrary).properties,
	}
}

func runGoLibraries(t *testing.T, target mqtttest.Target) {
	for _, version := range versionsOf(target) {
		for _, ws := range []bool{false, true} {
			if ws && (target.WebSocket == "" || version == "5") {
				continue // the library of version 5 takes any connection; the others are asked for one
			}
			for name, run := range goCommands() {
				label := version + "/" + name
				if ws {
					label += "/ws"
				}
				t.Run(label, func(t *testing.T) {
					t.Parallel()
					if reason := lacks(target, version, name); reason != "" {
						t.Skip(reason)
					}
					unique := "go" + name + rand.Text()[:8]
					run(&goLibrary{T: t, target: target, version: version, name: unique, topic: "foreign/" + unique, ws: ws})
				})
			}
		}
	}
}

func (l *goLibrary) must(what string, err error) {
	l.Helper()
	if err != nil {
		l.Fatalf("%s: %v", what, err)
	}
}

func (l *goLibrary) open(o options) session {
	l.Helper()
	if l.version == "5" {
		return l.open5(o)
	}
	return l.open3(o)
}

// config returns the TLS configuration, nil without TLS.
func (l *goLibrary) config() *tls.Config {
	if l.target.TLS == nil {
		return nil
	}
	config, err := l.target.TLS.Config()
	l.must("TLS", err)
	return config
}

// session3 is a session of paho.mqtt.golang.
type session3 struct {
	l       *goLibrary
	client  paho.Client
	arrived chan message
	lost    chan struct{}
	socket  net.Conn
	kept    bool
}

func (l *goLibrary) open3(o options) session {
	l.Helper()
	s := &session3{l: l, arrived: make(chan message, 1000), lost: make(chan struct{})}
	scheme, address := "tcp", l.target.Address
	if l.target.TLS != nil {
		scheme = "ssl"
	}
	if l.ws {
		scheme, address = "ws", l.target.WebSocket+"/mqtt"
		if l.target.TLS != nil {
			scheme = "wss"
		}
	}
	po := paho.NewClientOptions().AddBroker(scheme + "://" + address).SetClientID(l.name + o.suffix).
		SetCleanSession(!o.keep).SetAutoReconnect(false).SetConnectRetry(false).SetOrderMatters(true).
		SetTLSConfig(l.config()).SetUsername(l.target.User).SetPassword(l.target.Pass).SetConnectTimeout(patience).
		SetProtocolVersion(map[string]uint{"3.1": 3, "3.1.1": 4}[l.version]).
		SetConnectionLostHandler(func(paho.Client, error) { close(s.lost) }).
		SetDefaultPublishHandler(s.received)
	if o.will != "" {
		po.SetWill(l.topic+"/will", o.will, 1, false)
	}
	if !l.ws && l.target.TLS == nil {
		po.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
			c, err := net.DialTimeout("tcp", address, patience)
			s.socket = c
			return c, err
		})
	}
	s.client = paho.NewClient(po)
	token := s.client.Connect()
	s.wait("connect", token)
	s.kept = token.(*paho.ConnectToken).SessionPresent()
	l.Cleanup(func() { s.client.Disconnect(0) })
	return s
}

func (s *session3) received(_ paho.Client, m paho.Message) {
	s.arrived <- message{topic: m.Topic(), payload: string(m.Payload()), qos: m.Qos(), retained: m.Retained()}
}

func (s *session3) wait(what string, token paho.Token) {
	s.l.Helper()
	if !token.WaitTimeout(patience) {
		s.l.Fatalf("%s: no answer", what)
	}
	s.l.must(what, token.Error())
}

func (s *session3) subscribe(filter string, qos byte) byte {
	s.l.Helper()
	token := s.client.Subscribe(filter, qos, nil)
	s.wait("subscribe", token)
	return token.(*paho.SubscribeToken).Result()[filter]
}

func (s *session3) unsubscribe(filter string) {
	s.l.Helper()
	s.wait("unsubscribe", s.client.Unsubscribe(filter))
}

func (s *session3) publish(topic, payload string, qos byte, retained bool) {
	s.l.Helper()
	s.wait("publish", s.client.Publish(topic, qos, retained, payload))
}

func (s *session3) messages() <-chan message { return s.arrived }
func (s *session3) present() bool            { return s.kept }
func (s *session3) ended() <-chan struct{}   { return s.lost }
func (s *session3) close()                   { s.client.Disconnect(250) }
func (s *session3) cut()                     { _ = s.socket.Close() }

// session5 is a session of paho.golang.
type session5 struct {
	l       *goLibrary
	client  *paho5.Client
	arrived chan message
	lost    chan struct{}
	end     sync.Once
	socket  net.Conn
	kept    bool
}

func (l *goLibrary) open5(o options) session {
	l.Helper()
	s := &session5{l: l, arrived: make(chan message, 1000), lost: make(chan struct{})}
	conn, err := l.target.Dial()
	l.must("dial", err)
	s.socket = conn
	s.client = paho5.NewClient(paho5.ClientConfig{
		ClientID: l.name + o.suffix, Conn: conn, PacketTimeout: patience,
		OnPublishReceived:  []func(paho5.PublishReceived) (bool, error){s.received},
		OnServerDisconnect: func(*paho5.Disconnect) { s.end.Do(func() { close(s.lost) }) },
		OnClientError:      func(error) { s.end.Do(func() { close(s.lost) }) }, // may come as well
	})
	connect := &paho5.Connect{ClientID: l.name + o.suffix, KeepAlive: 60, CleanStart: !o.keep, Properties: &paho5.ConnectProperties{}}
	if o.keep {
		expiry := uint32(300)
		connect.Properties.SessionExpiryInterval = &expiry
	}
	if l.target.User != "" {
		connect.UsernameFlag, connect.PasswordFlag = true, true
		connect.Username, connect.Password = l.target.User, []byte(l.target.Pass)
	}
	if o.will != "" {
		connect.WillMessage = &paho5.WillMessage{Topic: l.topic + "/will", Payload: []byte(o.will), QoS: 1}
	}
	answer, err := s.client.Connect(s.context(), connect)
	l.must("connect", err)
	s.kept = answer.SessionPresent
	l.Cleanup(func() { _ = conn.Close() })
	return s
}

func (s *session5) context() context.Context {
	ctx, cancel := context.WithTimeout(s.l.Context(), patience)
	s.l.Cleanup(cancel)
	return ctx
}

func (s *session5) received(r paho5.PublishReceived) (bool, error) {
	p := r.Packet
	s.arrived <- message{topic: p.Topic, payload: string(p.Payload), qos: p.QoS, retained: p.Retain, properties: p.Properties}
	return true, nil
}

func (s *session5) subscribe(filter string, qos byte) byte {
	s.l.Helper()
	a, err := s.client.Subscribe(s.context(), &paho5.Subscribe{Subscriptions: []paho5.SubscribeOptions{{Topic: filter, QoS: qos}}})
	s.l.must("subscribe", err)
	return a.Reasons[0]
}

func (s *session5) unsubscribe(filter string) {
	s.l.Helper()
	_, err := s.client.Unsubscribe(s.context(), &paho5.Unsubscribe{Topics: []string{filter}})
	s.l.must("unsubscribe", err)
}

func (s *session5) publish(topic, payload string, qos byte, retained bool) {
	s.l.Helper()
	_, err := s.client.Publish(s.context(), &paho5.Publish{Topic: topic, QoS: qos, Retain: retained, Payload: []byte(payload)})
	s.l.must("publish", err)
}

func (s *session5) messages() <-chan message { return s.arrived }
func (s *session5) present() bool            { return s.kept }
func (s *session5) ended() <-chan struct{}   { return s.lost }
func (s *session5) close()                   { _ = s.client.Disconnect(&paho5.Disconnect{}) }
func (s *session5) cut()                     { _ = s.socket.Close() }

// next returns the next message of a session.
func (l *goLibrary) next(s session) message {
	l.Helper()
	select {
	case m := <-s.messages():
		return m
	case <-time.After(patience):
		l.Fatal("no message")
	}
	return message{}
}

func (l *goLibrary) want(s session, words string) {
	l.Helper()
	for word := range strings.FieldsSeq(words) {
		if m := l.next(s); m.payload != word {
			l.Fatalf("got %+v, want %s of %q", m, word, words)
		}
	}
}

// quiet fails if something comes before a message to oneself that was sent last.
func (l *goLibrary) quiet(s session) {
	l.Helper()
	s.subscribe(l.topic+"/sentinel", 1)
	s.publish(l.topic+"/sentinel", "sentinel", 1, false)
	l.want(s, "sentinel")
	s.unsubscribe(l.topic + "/sentinel")
}

func (l *goLibrary) roundtrip() {
	s := l.open(options{})
	for qos := range byte(3) {
		topic := fmt.Sprint(l.topic, "/", qos)
		if got := s.subscribe(topic, qos); got != qos {
			l.Errorf("granted %d, want %d", got, qos)
		}
		for _, payload := range []string{"Grüße € 😀", "\x00\xff", ""} {
			s.publish(topic, payload, qos, false)
			if m := l.next(s); m.topic != topic || m.payload != payload || m.qos != qos || m.retained {
				l.Errorf("got %+v", m)
			}
		}
	}
	s.close()
}

func (l *goLibrary) big() {
	s := l.open(options{})
	s.subscribe(l.topic, 2)
	payload := strings.Repeat("0123456789abcdef", 1<<16)
	for qos := range byte(3) {
		s.publish(l.topic, payload, qos, false)
		if m := l.next(s); m.payload != payload {
			l.Errorf("got %d bytes", len(m.payload))
		}
	}
	s.close()
}

func (l *goLibrary) burst() {
	reader, s := l.open(options{suffix: "r"}), l.open(options{suffix: "w"})
	reader.subscribe(l.topic+"/#", 2)
	for i := range 300 {
		s.publish(fmt.Sprint(l.topic, "/", 1+i%2), strconv.Itoa(i), byte(1+i%2), false)
	}
	next := [2]int{0, 1}
	for range 300 {
		n, err := strconv.Atoi(l.next(reader).payload)
		l.must("payload", err)
		if n != next[n%2] {
			l.Fatalf("got %d, want %d", n, next[n%2])
		}
		next[n%2] += 2
	}
	l.quiet(reader)
}

func (l *goLibrary) retained() {
	s, reader := l.open(options{suffix: "w"}), l.open(options{suffix: "r"})
	s.publish(l.topic, "kept", 1, true)
	reader.subscribe(l.topic, 1)
	if m := l.next(reader); m.payload != "kept" || !m.retained {
		l.Errorf("got %+v", m)
	}
	s.publish(l.topic, "live", 1, true)
	if m := l.next(reader); m.payload != "live" || m.retained {
		l.Errorf("got %+v", m)
	}
	s.publish(l.topic, "", 1, true)
	if m := l.next(reader); m.payload != "" {
		l.Errorf("got %+v", m)
	}
	reader.unsubscribe(l.topic)
	reader.subscribe(l.topic, 1)
	l.quiet(reader)
}

func (l *goLibrary) wildcard() {
	s := l.open(options{})
	s.subscribe(l.topic+"/+/c", 1)
	s.subscribe(l.topic+"/d/#", 1)
	for _, name := range []string{"/a/c", "/a/x", "/a/b/c", "/d", "/d/e/f", "//c"} {
		s.publish(l.topic+name, name, 1, false)
	}
	l.want(s, "/a/c /d /d/e/f //c")
	l.quiet(s)
}

func (l *goLibrary) unsubscribed() {
	s := l.open(options{})
	s.subscribe(l.topic, 1)
	s.publish(l.topic, "one", 1, false)
	l.want(s, "one")
	s.unsubscribe(l.topic)
	s.publish(l.topic, "two", 1, false)
	l.quiet(s)
}

func (l *goLibrary) session() {
	s, writer := l.open(options{suffix: "s", keep: true}), l.open(options{suffix: "w"})
	s.subscribe(l.topic, 2)
	s.close()
	var want, got []string
	for i := range 20 {
		want = append(want, strconv.Itoa(i))
		writer.publish(l.topic, want[i], byte(1+i%2), false)
	}
	s = l.open(options{suffix: "s", keep: true})
	if l.version != "3.1" && l.target.Peer != mqtttest.ActiveMQ && !s.present() {
		l.Error("no session present")
	}
	for range 20 {
		got = append(got, l.next(s).payload)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		l.Errorf("got %v", got)
	}
	s.close()
	s = l.open(options{suffix: "s"})
	if s.present() {
		l.Error("a session is present")
	}
	writer.publish(l.topic, "lost", 1, false)
	l.quiet(s)
}

func (l *goLibrary) will() {
	if l.ws || l.version != "5" && l.target.TLS != nil {
		l.Skip("the library keeps its socket to itself")
	}
	reader := l.open(options{suffix: "r"})
	reader.subscribe(l.topic+"/will", 1)
	l.open(options{suffix: "w", will: "gone"}).close()
	l.open(options{suffix: "w", will: "cut"}).cut()
	l.want(reader, "cut")
	l.quiet(reader)
}

func (l *goLibrary) takeover() {
	first, second := l.open(options{}), l.open(options{})
	select {
	case <-first.ended():
	case <-time.After(patience):
		l.Error("the first one goes on")
	}
	l.quiet(second)
}

func (l *goLibrary) properties() {
	if l.version != "5" {
		l.Skip("not in " + l.version)
	}
	s := l.open5(options{}).(*session5)
	s.subscribe(l.topic, 1)
	expiry, format := uint32(100), byte(1)
	_, err := s.client.Publish(s.context(), &paho5.Publish{Topic: l.topic, QoS: 1, Payload: []byte("x"), Properties: &paho5.PublishProperties{
		User:        paho5.UserProperties{{Key: "b", Value: "1"}, {Key: "a", Value: "2"}, {Key: "b", Value: "3"}},
		ContentType: "text/plain", ResponseTopic: "r/t", CorrelationData: []byte{0, 255}, MessageExpiry: &expiry, PayloadFormat: &format,
	}})
	l.must("publish", err)
	p := l.next(s).properties
	if fmt.Sprint(p.User) != "[{b 1} {a 2} {b 3}]" || p.ContentType != "text/plain" || p.ResponseTopic != "r/t" ||
		string(p.CorrelationData) != "\x00\xff" || p.PayloadFormat == nil || *p.PayloadFormat != 1 {
		l.Errorf("got %+v", p)
	}
	if p.MessageExpiry == nil || *p.MessageExpiry > 100 || *p.MessageExpiry < 90 {
		l.Errorf("expiry %v", p.MessageExpiry)
	}
}
