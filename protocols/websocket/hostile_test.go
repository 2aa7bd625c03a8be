package websocket_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/server"
	"github.com/manifoldmq/manifold/protocols/websocket"
)

type serverOptions = server.Options

var withHTTP = brokertest.With(func(o *serverOptions) { o.HTTP.Address = "127.0.0.1:0" })

// claim returns the header of a masked frame that claims a length.
func claim(first byte, length uint64) []byte {
	b := binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, length)
	return append(b, 0, 0, 0, 0)
}

// repeat returns many copies of a frame.
func repeat(f []byte, n int) [][]byte {
	list := make([][]byte, n)
	for i := range list {
		list[i] = f
	}
	return list
}

// TestHostileFrames sends what RFC 6455 forbids, and what is larger than allowed: the answer is a
// close message with its code, and the end.
func TestHostileFrames(t *testing.T) {
	t.Parallel()
	address := start(t, websocket.Options{MaxMessage: 64 << 10}, protocols.Limits{})
	const (
		text, binary, final = gorilla.TextMessage, gorilla.BinaryMessage, 0x80
	)
	for name, c := range map[string]struct {
		subprotocol string
		frames      [][]byte
		code        int
	}{
		"not masked":               {"stomp", [][]byte{{final | text, 1, 'a'}}, gorilla.CloseProtocolError},
		"reserved bit":             {"stomp", [][]byte{frame(final|0x40|text, "a")}, gorilla.CloseProtocolError},
		"reserved opcode":          {"stomp", [][]byte{frame(final|3, "a")}, gorilla.CloseProtocolError},
		"reserved control":         {"stomp", [][]byte{frame(final|0xb, "a")}, gorilla.CloseProtocolError},
		"long control":             {"stomp", [][]byte{frame(final|gorilla.PingMessage, strings.Repeat("a", 126))}, gorilla.CloseProtocolError},
		"control in fragments":     {"stomp", [][]byte{frame(gorilla.PingMessage, "a")}, gorilla.CloseProtocolError},
		"continuation of nothing":  {"stomp", [][]byte{frame(final, "a")}, gorilla.CloseProtocolError},
		"message in a message":     {"stomp", [][]byte{frame(text, "a"), frame(final|text, "b")}, gorilla.CloseProtocolError},
		"close with a bad code":    {"stomp", [][]byte{frame(final|gorilla.CloseMessage, "\x03\xed")}, gorilla.CloseProtocolError},
		"close with a bad text":    {"stomp", [][]byte{frame(final|gorilla.CloseMessage, "\x03\xe8\xff")}, gorilla.CloseProtocolError},
		"length of 2^63":           {"stomp", [][]byte{claim(final|binary, 1<<63)}, gorilla.CloseMessageTooBig},
		"length of 2^62":           {"stomp", [][]byte{claim(final|binary, 1<<62)}, gorilla.CloseMessageTooBig},
		"length of 64 KiB + 1":     {"stomp", [][]byte{claim(final|binary, 64<<10+1)}, gorilla.CloseMessageTooBig},
		"fragments without end":    {"stomp", append([][]byte{frame(binary, "a")}, repeat(frame(0, strings.Repeat("a", 1000)), 100)...), gorilla.CloseMessageTooBig},
		"text that is none":        {"stomp", [][]byte{frame(final|text, "a\xff")}, gorilla.CloseInvalidFramePayloadData},
		"text that ends too early": {"stomp", [][]byte{frame(text, "a\xe2\x82"), frame(final, "")}, gorilla.CloseInvalidFramePayloadData},
		"text cut wrongly":         {"stomp", [][]byte{frame(text, "a\xe2\x82"), frame(final, "a")}, gorilla.CloseInvalidFramePayloadData},
		"text for MQTT":            {"mqtt", [][]byte{frame(final|text, "\x10")}, gorilla.CloseUnsupportedData},
		"text found to be MQTT":    {"", [][]byte{frame(final|text, "\x10")}, gorilla.CloseUnsupportedData},
		"goodbye":                  {"stomp", [][]byte{frame(final|gorilla.CloseMessage, "\x03\xe9")}, gorilla.CloseGoingAway},
		"goodbye without a code":   {"mqtt", [][]byte{frame(final|gorilla.CloseMessage, "")}, gorilla.CloseNormalClosure},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := openRaw(t, address, c.subprotocol)
			if c.subprotocol == "stomp" {
				peer.say(frame(final|binary, "fine"))
				if _, got, err := peer.next(); err != nil || got != "fine" {
					t.Fatalf("got %q, %v", got, err)
				}
			}
			go peer.say(c.frames...)
			peer.closedWith(c.code)
		})
	}
}

// TestClaimedLength shows that nothing is allocated for what a frame merely claims.
func TestClaimedLength(t *testing.T) {
	t.Parallel()
	address := start(t, websocket.Options{}, protocols.Limits{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		c := openRaw(t, address, "stomp")
		c.say(claim(0x80|gorilla.BinaryMessage, 1<<40), []byte("x"))
		b := make([]byte, 1)
		for string(b) != "x" { // it has been read, and what is to come is awaited
			if _, err := io.ReadFull(c.r, b); err != nil {
				t.Fatal(err)
			}
		}
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 64<<20 {
		t.Errorf("%d bytes were allocated", grown)
	}
}

// TestRefusedRequests shows the answers to requests that lead to no WebSocket.
func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	address := start(t, websocket.Options{Settings: websocket.Settings{Open: true}}, protocols.Limits{LoginBytes: 64 << 10})
	const upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	for name, c := range map[string]struct {
		request string
		status  int
		body    string
	}{
		"no upgrade":           {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", http.StatusOK, ""},
		"head":                 {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", http.StatusOK, ""},
		"another method":       {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", http.StatusMethodNotAllowed, "this is for WebSocket"},
		"upgrade by post":      {"POST / HTTP/1.1\r\nHost: a\r\n" + upgrade + "\r\n", http.StatusMethodNotAllowed, "not GET"},
		"another version":      {"GET / HTTP/1.1\r\nHost: a\r\n" + strings.Replace(upgrade, "13", "8", 1) + "\r\n", http.StatusBadRequest, "unsupported version"},
		"no key":               {"GET / HTTP/1.1\r\nHost: a\r\n" + strings.Replace(upgrade, "dGhl", "d", 1) + "\r\n", http.StatusBadRequest, "Sec-WebSocket-Key"},
		"unknown sub-protocol": {"GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Protocol: wamp.2.json, soap\r\n" + upgrade + "\r\n", http.StatusBadRequest, "v12.stomp"},
		"wrong origin":         {"GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\n" + upgrade + "\r\n", http.StatusForbidden, "origin"},
		"two origins":          {"GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://localhost\r\nOrigin: http://localhost\r\n" + upgrade + "\r\n", http.StatusForbidden, "origin"},
		"headers without end":  {"GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: "+strings.Repeat("b", 100)+"\r\n", 1000), http.StatusRequestHeaderFieldsTooLarge, ""},
		"line without end":     {"GET /" + strings.Repeat("a", 100<<10), http.StatusRequestHeaderFieldsTooLarge, ""},
		"no request":           {"GET \r\n\r\n", http.StatusBadRequest, "this is for WebSocket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(patience))
			go func() { _, _ = io.WriteString(conn, c.request) }()
			method, _, _ := strings.Cut(c.request, " ")
			r := bufio.NewReader(conn)
			answer, err := http.ReadResponse(r, &http.Request{Method: method})
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			if answer.StatusCode != c.status || !strings.Contains(string(body), c.body) || c.body == "" && c.status == 200 && len(body) > 0 || err != nil {
				t.Errorf("got %d, %q, %v", answer.StatusCode, body, err)
			}
			if _, err := r.ReadByte(); err == nil {
				t.Error("the connection goes on")
			}
		})
	}
}

// TestOrigins shows which web pages may connect.
func TestOrigins(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		allowed []string
		open    bool
		origin  string
		ok      bool
	}{
		{nil, false, "https://app.example.com", true}, // it must know a password
		{nil, false, "null", true},
		{nil, true, "https://app.example.com", false},
		{nil, true, "null", false},
		{nil, true, "http://localhost:3000", true},
		{nil, true, "http://127.0.0.1", true},
		{nil, true, "http://[::1]:80", true},
		{nil, true, "http://localhost.example.com", false},
		{nil, true, "", true}, // no browser
		{[]string{"*"}, true, "https://app.example.com", true},
		{[]string{"app.example.com"}, false, "https://app.example.com:8443", true},
		{[]string{"app.example.com"}, false, "https://APP.example.com", true},
		{[]string{"app.example.com"}, false, "https://app.example.com.evil.example", false},
		{[]string{"app.example.com"}, true, "http://localhost", false},
		{[]string{"*.example.com"}, false, "https://a.b.example.com", true},
		{[]string{"*.example.com"}, false, "https://example.com", false},
		{[]string{"*.example.com"}, false, "https://evilexample.com", false},
		{[]string{"https://app.example.com"}, false, "https://app.example.com:443", true},
		{[]string{"https://app.example.com"}, false, "http://app.example.com", false},
		{[]string{"https://app.example.com:8443"}, false, "https://app.example.com", false},
		{[]string{"http://a", "http://[::1]:3000"}, false, "http://[::1]:3000", true},
		{[]string{"null"}, false, "null", true},
	} {
		t.Run(fmt.Sprint(c.allowed, c.open, c.origin), func(t *testing.T) {
			t.Parallel()
			address := start(t, websocket.Options{Settings: websocket.Settings{Origins: c.allowed, Open: c.open}}, protocols.Limits{})
			header := http.Header{}
			if c.origin != "" {
				header.Set("Origin", c.origin)
			}
			ws, answer, err := gorilla.DefaultDialer.Dial("ws://"+address, header)
			if err == nil {
				ws.Close()
			}
			if (err == nil) != c.ok || !c.ok && answer.StatusCode != http.StatusForbidden {
				t.Errorf("got %v, %v", answer, err)
			}
		})
	}
}

// TestSlowHandshake shows that who does not send a request, or sends it drop by drop, is let go.
func TestSlowHandshake(t *testing.T) {
	t.Parallel()
	const short = 100 * time.Millisecond
	for begin, address := range map[string]string{
		"G":                             start(t, websocket.Options{}, protocols.Limits{Handshake: short}),
		"GET / HTTP/1.1\r\nHost: a\r\n": start(t, websocket.Options{Handshake: short}, protocols.Limits{}),
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, begin)
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if n, err := io.Copy(io.Discard, conn); n > 0 || err != nil {
			t.Errorf("after %q: %d bytes, %v", begin, n, err)
		}
	}
}

// TestBeforeLogin shows that the limits until the login hold inside a WebSocket as well, on the
// address of the HTTP server too.
func TestBeforeLogin(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, withHTTP, brokertest.With(func(o *serverOptions) {
		o.Accept = protocols.Limits{Connections: 10, Handshake: 300 * time.Millisecond, LoginBytes: 2000}
	}))
	for name, url := range map[string]string{
		"own": b.URL("ws", "ws"), "auto": b.URL("ws", "auto"), "http": b.URL("ws", "http") + "/ws",
	} {
		t.Run(name, func(t *testing.T) {
			silent := open(t, url, nil, "stomp")
			if _, _, err := silent.ReadMessage(); err == nil {
				t.Error("a client that says nothing was answered")
			}
			loud := open(t, url, nil, "stomp")
			_ = loud.WriteMessage(gorilla.TextMessage, []byte("CONNECT\na:"+strings.Repeat("b", 3000)))
			if _, body, err := loud.ReadMessage(); err == nil && !strings.HasPrefix(string(body), "ERROR\n") {
				t.Errorf("got %q", body)
			}
			login := open(t, url, nil, "stomp")
			_ = login.WriteMessage(gorilla.TextMessage, []byte("CONNECT\naccept-version:1.2\nhost:a\n\n\x00"))
			if _, body, err := login.ReadMessage(); err != nil || !strings.HasPrefix(string(body), "CONNECTED\n") {
				t.Fatalf("got %q, %v", body, err)
			}
			_ = login.WriteMessage(gorilla.TextMessage, []byte("SEND\ndestination:/topic/a\nreceipt:1\n\n"+strings.Repeat("b", 5000)+"\x00"))
			if _, body, err := login.ReadMessage(); err != nil || !strings.HasPrefix(string(body), "RECEIPT\n") {
				t.Errorf("got %q, %v", body, err)
			}
		})
	}
}

// TestConnectionLimit shows that WebSockets count, wherever they come in.
func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, withHTTP, brokertest.With(func(o *serverOptions) { o.Accept = protocols.Limits{Connections: 2} }))
	first := open(t, b.URL("ws", "http")+"/ws", nil, "stomp")
	open(t, b.URL("ws", "http")+"/ws", nil, "stomp")
	url := b.URL("ws", "http") + "/ws"
	if c, _, err := gorilla.DefaultDialer.Dial(url, nil); err == nil {
		c.Close()
		t.Error("one too many")
	}
	first.Close()
	deadline := time.Now().Add(patience)
	for {
		c, _, err := gorilla.DefaultDialer.Dial(url, nil)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the place of a connection that has ended stays taken")
		}
		runtime.Gosched()
	}
}
