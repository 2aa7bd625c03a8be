package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/manifoldmq/manifold/protocols"
	httpd "github.com/manifoldmq/manifold/protocols/http"
)

// web is the management surface on its own address.
type web struct {
	server  *httpd.Server
	address string
	socket  net.Listener
}

func newWeb(s *Server) (*web, error) {
	o := s.options
	srv, err := httpd.New(httpd.Options{
		Broker: s.core, Log: o.Log, Version: o.Version, Token: o.HTTP.Token, Reload: o.OnReload,
		WebSocket: s.sockets, Backups: o.HTTP.Backups, AnyBackupDir: true, Metrics: true, ActiveMQNames: true,
		Administrator: o.HTTP.Administrator, Console: !o.HTTP.NoConsole, Jolokia: !o.HTTP.NoJolokia, JolokiaExec: o.HTTP.JolokiaExec, Admins: o.HTTP.Admins, Monitors: o.HTTP.Monitors,
		Checks: []httpd.Check{{Name: "listeners", Func: s.checkListeners}},
	})
	if err != nil {
		return nil, err
	}
	return &web{server: srv, address: o.HTTP.Address}, nil
}

// checkListeners tells whether clients can connect.
func (s *Server) checkListeners(context.Context) error {
	for _, l := range s.accept.Listeners() {
		if l.Addr() == nil {
			return errors.New("listener " + l.Name() + " is closed")
		}
	}
	return nil
}

// listen opens the socket and serves it.
func (w *web) listen() error {
	if w.address == "" {
		return nil
	}
	socket, err := net.Listen("tcp", w.address)
	if err != nil {
		return errors.Join(protocols.ErrAddressInUse, err)
	}
	w.socket = socket
	go func() {
		if err := w.server.Serve(socket); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			_ = socket.Close()
		}
	}()
	return nil
}

func (w *web) addr() net.Addr {
	if w.socket == nil {
		return nil
	}
	return w.socket.Addr()
}

func (w *web) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if w.server.Shutdown(ctx) != nil {
		_ = w.server.Close()
	}
}
