package websocket

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	gorilla "github.com/gorilla/websocket"

	"github.com/manifoldmq/manifold/protocols"
)

// IsUpgrade reports whether a request asks for a WebSocket.
func IsUpgrade(r *http.Request) bool { return gorilla.IsWebSocketUpgrade(r) }

// Upgrade answers a request for a WebSocket at any path, and returns what serves the connection
// then, which blocks until that is over; nil if the request is refused. The connection that the
// request came by is outer, or nil where its HTTP server has a socket of its own.
func (p *Protocol) Upgrade(w http.ResponseWriter, r *http.Request, outer *protocols.Conn) (serve func(ctx context.Context)) {
	log := p.o.Log.With("remote", r.RemoteAddr)
	if !p.allowed(r, outer) {
		log.Info("websocket refused", "origin", r.Header.Get("Origin"), "error", "origin not allowed by websocket.origins")
		refuse(w, r, http.StatusForbidden, errors.New("pages of this origin may not connect"))
		return nil
	}
	header := http.Header{}
	offers := offered(r)
	name, chosen := p.choose(offers)
	if chosen != nil {
		header.Set("Sec-WebSocket-Protocol", name)
	} else if len(offers) > 0 {
		// Browsers fail such a connection anyhow, and say less about it (RFC 6455, 4.2.2).
		refuse(w, r, http.StatusBadRequest, errors.New("none of the sub-protocols is known here; these are: "+p.known()))
		return nil
	}
	h := &hijacker{ResponseWriter: w, p: p, outer: outer}
	upgrader := p.upgrader
	upgrader.CheckOrigin = func(*http.Request) bool { return true } // see above
	ws, err := upgrader.Upgrade(h, r, header)
	if err != nil {
		log.Debug("websocket refused", "error", err)
		if h.adopted != nil {
			h.adopted.Release()
		}
		return nil
	}
	return func(ctx context.Context) {
		if h.adopted != nil {
			defer h.adopted.Release()
			ctx = h.adopted.Context
		}
		p.serve(ctx, newConn(ws, h, p.o.MaxMessage), chosen)
	}
}

// serve lets a protocol serve the connection. Without one it is recognised.
func (p *Protocol) serve(ctx context.Context, c *conn, chosen *carried) {
	defer func() { _ = c.Close() }()
	stop := c.watch(p.o.PingInterval)
	defer stop()
	if chosen == nil {
		c.textual = true // one of them may be
		var err error
		if chosen, err = p.recognise(c); err != nil {
			return
		}
		if !chosen.text && c.text.Load() {
			c.part(gorilla.CloseUnsupportedData, "binary messages only")
			_ = c.outer.CloseGently()
			return
		}
	}
	c.textual, c.split = chosen.text, chosen.split
	chosen.Serve(ctx, c.outer.Carry(c, chosen.Name()))
	if ctx.Err() != nil {
		c.part(gorilla.CloseGoingAway, "")
		return
	}
	c.part(gorilla.CloseNormalClosure, "")
	_ = c.outer.CloseGently()
}

// refuse answers a request that leads to no WebSocket.
func refuse(w http.ResponseWriter, _ *http.Request, status int, reason error) {
	w.Header().Set("Sec-WebSocket-Version", "13")
	w.Header().Set("Connection", "close")
	http.Error(w, reason.Error(), status)
}

// hijacker gives the library the connection with what it must know of it.
type hijacker struct {
	http.ResponseWriter
	p         *Protocol
	outer     *protocols.Conn
	adopted   *protocols.Adopted // if nobody had counted it
	transport *transport
}

var errNotCounted = errors.New("the HTTP server's connections can't be taken over")

// Hijack implements http.Hijacker.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	inner, ok := h.ResponseWriter.(http.Hijacker)
	if !ok || h.outer == nil && h.p.o.Adopt == nil {
		return nil, nil, errNotCounted
	}
	c, buffers, err := inner.Hijack()
	if err != nil {
		return nil, nil, err
	}
	if h.outer == nil {
		if h.adopted, err = h.p.o.Adopt(c, nil); err != nil {
			_ = c.SetDeadline(time.Now().Add(closeTime))
			_, _ = c.Write([]byte("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
			_ = c.Close()
			return nil, nil, err
		}
		h.outer = h.adopted.Conn
		c = h.outer
	}
	h.transport = &transport{Conn: c}
	return h.transport, buffers, nil
}
