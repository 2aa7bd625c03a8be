package httpd_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols"
	httpd "github.com/manifoldmq/manifold/protocols/http"
)

// listen serves the node on a socket of its own and returns its address.
func (n *node) listen() string {
	n.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		n.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- n.http.Serve(l) }()
	n.t.Cleanup(func() {
		_ = n.http.Close()
		if err := <-done; err != nil {
			n.t.Error(err)
		}
	})
	return l.Addr().String()
}

// detect serves the node where the protocol is found out from the first bytes.
func (n *node) detect(limits protocols.Limits) (*protocols.Server, string) {
	n.t.Helper()
	s, err := protocols.New(protocols.Options{
		Limits: limits,
		Listeners: []protocols.ListenerOptions{
			{Name: "auto", Address: "127.0.0.1:0", Protocols: []protocols.Protocol{n.http.Protocol()}, Known: protocols.AllKnown()},
		},
	})
	if err != nil {
		n.t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = s.Close() })
	return s, s.Listeners()[0].Addr().String()
}

func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestHostileBytes sends bytes as they are. Each gets a clean refusal or a closed connection, and
// the next client is served.
func TestHostileBytes(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	_, detected := n.detect(protocols.Limits{})
	bearer := "Authorization: Bearer " + token + "\r\n"
	for name, address := range map[string]string{"own": n.listen(), "detected": detected} {
		for _, c := range []struct {
			name, bytes string
			status      string // of the answer; empty: none
		}{
			{"endless header", "GET /livez HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "431"},
			{"many headers", "GET /livez HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 20<<10) + "\r\n", "431"},
			{"long path", "GET /" + strings.Repeat("x", 64<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", "431"},
			{"no host", "GET /livez HTTP/1.1\r\n\r\n", "400"},
			{"NUL in the path", "GET /\x00livez HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
			{"space in a header's name", "GET /livez HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", "400"},
			{"two lengths", "POST /api/v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "400"},
			{"negative length", "POST /api/v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"},
			{"length that lies", "POST /api/v1/backup HTTP/1.1\r\nHost: x\r\n" + bearer + "Content-Type: application/json\r\nContent-Length: 9223372036854775807\r\n\r\n" + strings.Repeat(" ", 70<<10), "413"},
			{"chunks without end", "POST /api/v1/backup HTTP/1.1\r\nHost: x\r\n" + bearer + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", "400"},
			{"unknown encoding", "POST /api/v1/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
			{"other version", "GET /livez HTTP/9.9\r\nHost: x\r\n\r\n", "505"},
			{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
			{"proxy request", "GET http://elsewhere/api/v1/status HTTP/1.1\r\nHost: elsewhere\r\n\r\n", "401"},
			{"tunnel", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n", "404"},
			{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "200"},
			{"traversal", "GET /api/v1/../../../../etc/passwd HTTP/1.1\r\nHost: x\r\n" + bearer + "\r\n", "404"},
			{"escaped traversal", "GET /%2e%2e%2f%2e%2e%2fetc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "404"},
			{"two tokens", "GET /api/v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n" + bearer + "\r\n", "401"},
			{"cut off", "GET /livez HTT", "400"},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				conn := dial(t, address)
				_, _ = io.WriteString(conn, c.bytes) // fails where the server has closed already
				if err := conn.(*net.TCPConn).CloseWrite(); err != nil && !errors.Is(err, net.ErrClosed) {
					t.Log(err)
				}
				line, err := bufio.NewReader(conn).ReadString('\n')
				if err != nil {
					// What the server has not read resets the connection, the answer with it.
					var netErr net.Error
					if errors.As(err, &netErr) && netErr.Timeout() {
						t.Fatal("neither an answer nor the end")
					}
				} else if fields := strings.Fields(line); len(fields) < 2 || fields[1] != c.status {
					t.Errorf("got %q", line)
				}
			})
		}
		resp, err := http.Get("http://" + address + "/livez")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Error(resp.Status)
		}
	}
}

// A client found by its first bytes keeps its connection, past the limits on those who never
// said anything.
func TestDetectedConnectionIsKept(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	s, address := n.detect(protocols.Limits{LoginBytes: 512})
	conn := dial(t, address)
	in := bufio.NewReader(conn)
	for i := range 50 {
		if _, err := io.WriteString(conn, "GET /api/v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
			t.Fatalf("request %d: %d, %v", i, resp.StatusCode, err)
		}
	}
	if got := s.Connections(); got != 1 {
		t.Errorf("%d connections", got)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Drain(ctx); err != nil { // the connection's handler has returned
		t.Error(err)
	}
}

// An idle connection ends with the server that found it, and with the HTTP server.
func TestIdleConnectionsEnd(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*node, *protocols.Server) error{
		"listeners": func(_ *node, s *protocols.Server) error { return s.Close() },
		"shutdown":  func(n *node, _ *protocols.Server) error { return n.http.Shutdown(context.Background()) },
		"close":     func(n *node, _ *protocols.Server) error { return n.http.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startNode(t, nil)
			s, address := n.detect(protocols.Limits{})
			conn := dial(t, address)
			in := bufio.NewReader(conn)
			if _, err := io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Fatal(err)
			}
			if err := stop(n, s); err != nil {
				t.Fatal(err)
			}
			var netErr net.Error
			if _, err := in.ReadByte(); err == nil || errors.As(err, &netErr) && netErr.Timeout() {
				t.Errorf("the connection goes on: %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := s.Drain(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// A server that has ended serves no connection that is found later.
func TestClosedServerTakesNothing(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	_, address := n.detect(protocols.Limits{})
	if err := n.http.Close(); err != nil {
		t.Fatal(err)
	}
	conn := dial(t, address)
	_, _ = io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
	var netErr net.Error
	if b, err := io.ReadAll(conn); len(b) > 0 || errors.As(err, &netErr) && netErr.Timeout() {
		t.Errorf("%q, %v", b, err)
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	p := newNode(t, broker.Limits{}, nil).http.Protocol()
	if p.Name() != "http" {
		t.Error(p.Name())
	}
	for prefix, want := range map[string]protocols.Verdict{
		"GET / HTTP/1.1\r\n": protocols.Yes, "POST ": protocols.Yes, "GE": protocols.Maybe, "CONNECT\n": protocols.No, "AMQP": protocols.No,
	} {
		if got := p.Detect([]byte(prefix)); got != want {
			t.Errorf("%q: %s", prefix, got)
		}
	}
}

// FuzzRequest sends any request. It is answered with a known status, and the API never without
// the token.
func FuzzRequest(f *testing.F) {
	n := newNode(f, broker.Limits{}, func(o *httpd.Options) { o.Backups, o.ActiveMQNames = f.TempDir(), true })
	n.activate()
	n.connect("c").send(queueAt("q"), "x")
	f.Add("GET", "/api/v1/queues/q", "", true, "")
	f.Add("POST", "/api/v1/queues/%2e%2e/purge", "", true, "{}")
	f.Add("POST", "/api/v1/backup", "application/json", true, `{"dir":"x"}`)
	f.Add("GET", "/api/v1/destinations?limit=1&after=queue://a&kind=queue", "", true, "")
	f.Add("GET", "/api/v1/status", "", false, "")
	f.Add("GET", "/readyz", "", false, "")
	f.Add("BREW", "/%", "a/b;c", false, "\x00")
	f.Fuzz(func(t *testing.T, method, target, kind string, authorized bool, body string) {
		r, err := http.NewRequest(method, target, strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		r.RemoteAddr = "192.0.2.1:1"
		r.Header.Set("Content-Type", kind)
		if authorized {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		n.http.Handler().ServeHTTP(w, r)
		if w.Code < 200 || w.Code > 599 || http.StatusText(w.Code) == "" || w.Code == 500 {
			t.Errorf("%s %q: %d %s", method, target, w.Code, w.Body)
		}
		if strings.HasPrefix(r.URL.EscapedPath(), "/api/v1/") && !authorized && w.Code != 401 {
			t.Errorf("%s %q without the token: %d", method, target, w.Code)
		}
	})
}
