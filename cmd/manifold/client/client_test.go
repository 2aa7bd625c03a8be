package client

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3"
	"github.com/go-stomp/stomp/v3/frame"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url  string
		want Target
	}{
		{"stomp://127.0.0.1/queue/orders", Target{Address: "127.0.0.1:61613", Host: "127.0.0.1", Destination: "/queue/orders"}},
		{"stomp://h:1/topic/a.>", Target{Address: "h:1", Host: "h", Destination: "/topic/a.>"}},
		{"stomp://u:p%40s@h:1/queue/a", Target{Address: "h:1", Host: "h", User: "u", Password: "p@s", Destination: "/queue/a"}},
		{"stomp+ssl://[::1]/queue/a%20b", Target{Address: "[::1]:61614", Host: "::1", TLS: true, Destination: "/queue/a b"}},
		{"stomps://h/queue/a?consumer.exclusive=true", Target{Address: "h:61614", Host: "h", TLS: true, Destination: "/queue/a?consumer.exclusive=true"}},
		{"stomp+tls://h:61612/temp-queue/a/b", Target{Address: "h:61612", Host: "h", TLS: true, Destination: "/temp-queue/a/b"}},
		{"mqtt://h/a/b", Target{Address: "h:1883", Host: "h", MQTT: true, Destination: "a/b"}},
		{"mqtt://u:p@h:1/+/a?b/#", Target{Address: "h:1", Host: "h", MQTT: true, User: "u", Password: "p", Destination: "+/a?b/#"}},
		{"mqtt://h//a%20b%23", Target{Address: "h:1883", Host: "h", MQTT: true, Destination: "/a b#"}},
		{"mqtts://h/#", Target{Address: "h:8883", Host: "h", MQTT: true, TLS: true, Destination: "#"}},
		{"ws://h/queue/a", Target{Address: "h:61614", Host: "h", WebSocket: true, Destination: "/queue/a"}},
		{"wss+stomp://h/topic/a", Target{Address: "h:61619", Host: "h", WebSocket: true, TLS: true, Destination: "/topic/a"}},
		{"ws+mqtt://h:8161/a/+", Target{Address: "h:8161", Host: "h", WebSocket: true, MQTT: true, Destination: "a/+"}},
		{"tcp://h/queue/a?consumer.priority=1", Target{Address: "h:61616", Host: "h", OpenWire: true, Destination: "/queue/a?consumer.priority=1"}},
		{"nio+ssl://u:p@h/topic/a", Target{Address: "h:61617", Host: "h", OpenWire: true, TLS: true, User: "u", Password: "p", Destination: "/topic/a"}},
		{"failover:(tcp://h,ssl://u:p@i:1)/queue/a", Target{OpenWire: true, User: "u", Password: "p", Destination: "/queue/a", Failover: &Failover{
			Brokers: []Target{
				{Address: "h:61616", Host: "h", OpenWire: true}, {Address: "i:1", Host: "i", OpenWire: true, TLS: true, User: "u", Password: "p"},
			},
			Random: true, Attempts: -1, Delay: 10 * time.Millisecond, MaxDelay: time.Second,
		}}},
		{"failover://(nio://h)/queue/a?randomize=false&maxReconnectAttempts=3&consumer.exclusive=true&initialReconnectDelay=5&maxReconnectDelay=7", Target{
			OpenWire: true, Destination: "/queue/a?consumer.exclusive=true",
			Failover: &Failover{Brokers: []Target{{Address: "h:61616", Host: "h", OpenWire: true}}, Attempts: 3, Delay: 5 * time.Millisecond, MaxDelay: 7 * time.Millisecond},
		}},
		{"wss+mqtt://h/a", Target{Address: "h:61619", Host: "h", WebSocket: true, TLS: true, MQTT: true, Destination: "a"}},
	} {
		got, err := ParseTarget(c.url)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v; want %+v", c.url, got, err, c.want)
		}
	}
	for url, want := range map[string]string{
		"":                             "no scheme",
		"127.0.0.1:61613":              "not a URL",
		"localhost/queue/a":            "no scheme",
		"http://h/queue/a":             `scheme "http"`,
		"failover:tcp://h/queue/a":     "a failover URL looks like",
		"failover:(tcp://h":            "a failover URL looks like",
		"failover:(tcp://h)":           "no destination",
		"failover:(stomp://h)/queue/a": "no broker of OpenWire",
		"failover:(tcp://u:secret@h?x=y)/queue/a":      "no broker of OpenWire",
		"failover:(tcp://u:secret@h:x)/queue/a":        "not a URL",
		"failover:(tcp://)/queue/a":                    "no host",
		"failover:(tcp://h)/queue/a?backup=true":       "option backup",
		"failover:(tcp://h)/queue/a?randomize=perhaps": "option randomize",
		"stomp:///queue/a":                             "no host",
		"mqtt://h":                                     "no topic",
		"mqtt://h/":                                    "no topic",
		"stomp://h":                                    "no destination",
		"stomp://h/queue/":                             "no destination",
		"stomp://h/orders":                             "no destination",
		"stomp://u:secret@h:x/queue/a":                 "not a URL",
	} {
		_, err := ParseTarget(url)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is in the message: %v", err)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	refused := func(message, body string) *frame.Frame {
		f := frame.New(frame.ERROR, frame.Message, message, frame.ContentType, "text/plain")
		f.Body = []byte(body)
		return f
	}
	broken := stomp.Error{Message: "connection closed", Frame: frame.New(frame.ERROR, frame.Message, "connection closed")}
	for _, c := range []struct {
		name string
		err  error
		of   func(error) error
		want sysexit.Code
		text string
	}{
		{"login", stomp.Error{Message: "User name [a] or password is invalid.", Frame: refused("User name [a] or password is invalid.", "")}, connectError, sysexit.Permission, "password is invalid."},
		{"right", stomp.Error{Message: "no", Frame: refused("no", "java.lang.SecurityException: User a is not authorized to write to: queue://x\n\tat x")}, brokerError, sysexit.Permission, "(java.lang.SecurityException: User a is not authorized to write to: queue://x)"},
		{"selector", &stomp.Error{Message: "bad selector", Frame: refused("bad selector", "")}, brokerError, sysexit.Data, "the broker refused: bad selector"},
		{"broken value", broken, brokerError, sysexit.Unavailable, ""},
		{"broken pointer", &broken, brokerError, sysexit.Unavailable, ""},
		{"receipt", stomp.ErrMsgReceiptTimeout, brokerError, sysexit.Timeout, ""},
		{"receipt pointer", fmt.Errorf("x: %w", &stomp.ErrUnsubscribeReceiptTimeout), brokerError, sysexit.Timeout, ""},
		{"closed", stomp.ErrAlreadyClosed, brokerError, sysexit.Unavailable, ""},
		{"end", io.EOF, brokerError, sysexit.Unavailable, ""},
		{"deadline", os.ErrDeadlineExceeded, connectError, sysexit.Timeout, ""},
		{"name", &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, connectError, sysexit.Unavailable, ""},
		{"other", errors.New("x"), brokerError, sysexit.Unavailable, ""},
	} {
		err := c.of(c.err)
		if got := sysexit.Of(err); got != c.want || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %d, %v; want %d", c.name, got, err, c.want)
		}
	}
	if brokerError(nil) != nil {
		t.Error("no error became one")
	}
}

func TestDialNobody(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := Target{Address: l.Addr().String(), Host: "127.0.0.1", Destination: "/queue/x"}
	l.Close()
	if _, err := Dial(t.Context(), target, Options{}); sysexit.Of(err) != sysexit.Unavailable {
		t.Errorf("got %d, %v", sysexit.Of(err), err)
	}
}

func TestDialSomebodySilent(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, secure := range []bool{false, true} {
		target := Target{Address: l.Addr().String(), Host: "127.0.0.1", TLS: secure, Destination: "/queue/x"}
		if _, err := Dial(t.Context(), target, Options{Timeout: 1}); sysexit.Of(err) != sysexit.Timeout {
			t.Errorf("TLS %v: got %d, %v", secure, sysexit.Of(err), err)
		}
	}
}

func TestBadCertificateFiles(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.pem")
	if err := os.WriteFile(file, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{CA: file}, {CA: file + "x"}, {Certificate: file, Key: file}} {
		if _, err := o.tls("h"); sysexit.Of(err) != sysexit.NoInput {
			t.Errorf("%+v: %v", o, err)
		}
	}
	config, err := Options{Insecure: true}.tls("h")
	if err != nil || config.ServerName != "h" || !config.InsecureSkipVerify {
		t.Errorf("got %+v, %v", config, err)
	}
}
