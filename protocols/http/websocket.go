package httpd

import (
	"context"
	"net/http"
	"strings"

	"github.com/manifoldmq/manifold/protocols"
)

// Upgrader takes requests for a WebSocket over. It answers the request, and returns what serves
// the connection then, or nil if it has refused. The connection is that of a listener, or nil
// for requests to the server's own address.
type Upgrader interface {
	Upgrade(w http.ResponseWriter, r *http.Request, c *protocols.Conn) (serve func(ctx context.Context))
}

// webSocketPath is where WebSockets are on the server's own address. On listeners, where clients
// of every protocol meet, they are at any path.
const webSocketPath = "/ws"

// upgrade lets the upgrader take a request for a WebSocket. It reports whether it was one.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) bool {
	if s.o.WebSocket == nil || !isUpgrade(r) {
		return false
	}
	t := trackedOf(r)
	if t != nil {
		if serve := s.o.WebSocket.Upgrade(w, r, t.Conn); serve != nil {
			t.next = serve
			close(t.upgraded)
		}
		return true
	}
	path := r.URL.EscapedPath()
	if path != webSocketPath && !strings.HasPrefix(path, webSocketPath+"/") {
		return false
	}
	if serve := s.o.WebSocket.Upgrade(w, r, nil); serve != nil {
		// The HTTP server's goroutine ends with this request, and lets go of its buffers. The
		// connection ends with whoever has adopted it.
		go serve(context.WithoutCancel(r.Context()))
	}
	return true
}

// isUpgrade reports whether a request asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	for _, v := range r.Header.Values("Upgrade") {
		if strings.EqualFold(strings.TrimSpace(v), "websocket") {
			return true
		}
	}
	return false
}
