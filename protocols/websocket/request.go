package websocket

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/manifoldmq/manifold/protocols"
)

// handshake reads the one request of a listener's connection and answers it. An HTTP server
// would keep buffers and a goroutine of its own for each connection.
func (p *Protocol) handshake(outer *protocols.Conn) (serve func(ctx context.Context)) {
	_ = outer.SetReadDeadline(time.Now().Add(p.o.Handshake))
	limited := &io.LimitedReader{R: outer, N: maxRequest}
	reader := bufio.NewReader(limited)
	r, err := http.ReadRequest(reader)
	w := &answer{conn: outer, reader: reader, header: http.Header{}}
	switch broken, _ := err.(net.Error); {
	case broken != nil:
		return nil
	case limited.N == 0 && reader.Buffered() == 0:
		refuse(w, r, http.StatusRequestHeaderFieldsTooLarge, errRequest)
	case err == io.EOF:
		return nil
	case err != nil:
		refuse(w, r, http.StatusBadRequest, errRequest)
	case IsUpgrade(r):
		r.RemoteAddr = outer.RemoteAddr().String()
		serve = p.Upgrade(w, r, outer)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		// ActiveMQ answers so, and load balancers ask whether somebody is there.
		w.WriteHeader(http.StatusOK)
	default:
		refuse(w, r, http.StatusMethodNotAllowed, errRequest)
	}
	if !w.hijacked {
		w.send()
	}
	return serve
}

type requestError string

func (e requestError) Error() string { return string(e) }

const errRequest = requestError("this is for WebSocket connections")

// answer is the answer to the request.
type answer struct {
	conn     *protocols.Conn
	reader   *bufio.Reader
	header   http.Header
	status   int
	body     bytes.Buffer
	hijacked bool
}

// Header implements http.ResponseWriter.
func (w *answer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *answer) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *answer) Write(b []byte) (int, error) { return w.body.Write(b) }

// Hijack implements http.Hijacker.
func (w *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.hijacked = true
	return w.conn, bufio.NewReadWriter(w.reader, bufio.NewWriterSize(w.conn, 16)), nil
}

// send writes the answer and ends the connection.
func (w *answer) send() {
	response := http.Response{
		StatusCode: w.status, ProtoMajor: 1, ProtoMinor: 1, Header: w.header, Close: true,
		ContentLength: int64(w.body.Len()), Body: io.NopCloser(&w.body),
	}
	_ = w.conn.SetWriteDeadline(time.Now().Add(closeTime))
	if response.Write(w.conn) == nil {
		_ = w.conn.CloseGently()
	}
}
