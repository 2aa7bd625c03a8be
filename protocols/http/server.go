package httpd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/http/access"
	"github.com/manifoldmq/manifold/protocols/http/console"
	"github.com/manifoldmq/manifold/protocols/http/jolokia"
	"github.com/manifoldmq/manifold/store"
)

// Server answers HTTP requests about one broker.
type Server struct {
	o       Options
	secret  secret
	since   time.Time
	routes  []route
	metrics http.Handler // nil: off
	gate    *access.Gate
	jolokia *jolokia.Server  // nil: off
	console *console.Console // nil: off
	http    *http.Server

	unlisten func()
	diskLow  atomic.Bool  // the store says so
	refused  atomic.Int64 // requests without the right token
	backup   sync.Mutex   // one at a time
}

// New returns a server that serves nothing yet. It reads the token's file, or makes it. Close or
// Shutdown must follow.
func New(o Options) (*Server, error) {
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	token := o.Token
	if token == "" && o.TokenFile != "" {
		var err error
		if token, err = loadToken(o.TokenFile); err != nil {
			return nil, err
		}
	}
	o.Token = "" // only its hash is kept
	key, err := newSecret(token)
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, secret: key, since: time.Now(), routes: routes()}
	s.gate, err = access.New(access.Options{
		Authority: o.Broker.Security, Token: s.secret.is, Administrator: o.Administrator, Admins: o.Admins, Monitors: o.Monitors,
	})
	if err != nil {
		return nil, err
	}
	if o.Jolokia {
		s.jolokia = jolokia.New(jolokia.Options{Broker: o.Broker, Log: o.Log, Version: o.Version, Since: s.since, Exec: o.JolokiaExec, DiskLow: s.diskLow.Load})
	}
	if o.Console {
		if s.console, err = s.newConsole(); err != nil {
			return nil, err
		}
	}
	if o.Metrics {
		if s.metrics, err = s.newMetrics(); err != nil {
			return nil, err
		}
	}
	s.http = &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       connContext,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	s.unlisten = o.Broker.Listen(s.hear)
	return s, nil
}

// hear keeps what only events tell.
func (s *Server) hear(e broker.Event) {
	if e.Kind != broker.StoreEvent {
		return
	}
	switch e.Store.Kind {
	case store.DiskLow:
		s.diskLow.Store(true)
	case store.DiskOK:
		s.diskLow.Store(false)
	}
}

// Handler returns the whole surface as a handler, for use in another HTTP server, which has to
// have limits of its own on headers and times.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.handle) }

// Serve answers on a listener of its own until Shutdown or Close, and then returns nil. It closes
// the listener. TLS is the listener's matter.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown takes no new requests and returns when those under way are answered, or with ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.unlisten()
	return s.http.Shutdown(ctx)
}

// Close ends all connections at once.
func (s *Server) Close() error {
	s.unlisten()
	return s.http.Close()
}

// handle finds who answers. It compares paths as they were sent: nothing here is a file, and a
// destination's name may hold dots and slashes.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	if s.upgrade(w, r) {
		return
	}
	admitted(r)
	secure(w.Header())
	path := r.URL.EscapedPath()
	switch {
	case r.ProtoMajor != 1: // the preface of HTTP/2, which is handed on as a request
		w.Header().Set("Connection", "close")
		s.answer(w, http.StatusHTTPVersionNotSupported, problem{Error: "this is for HTTP/1.1", Kind: fault.Unsupported.String()})
	case s.jolokia != nil && isJolokia(path):
		s.serveJolokia(w, r, path)
	case strings.HasPrefix(path, apiPrefix):
		s.serveAPI(w, r, strings.TrimPrefix(path, apiPrefix))
	case s.console != nil && console.Owns(path):
		s.console.Serve(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead && isPage(path):
		s.refuseMethod(w, "GET, HEAD")
	case path == "/livez":
		s.serveLive(w, r)
	case path == "/readyz":
		s.serveReady(w, r)
	case path == "/metrics" && s.metrics != nil:
		if s.o.ProtectMetrics && !s.secret.authorized(r) {
			s.refuse(w, r)
			return
		}
		s.metrics.ServeHTTP(w, r)
	default:
		s.fail(w, r, notFound(r))
	}
}

func isPage(path string) bool { return path == "/livez" || path == "/readyz" || path == "/metrics" }

// secure sets the headers that keep browsers from making anything else of an answer.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
