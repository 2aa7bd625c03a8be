package httpd

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
)

const apiPrefix = "/api/v1/"

// route is one operation of the API. A segment * of the path stands for any name.
type route struct {
	method, path string
	active       bool // needs the broker to be active
	long         bool // may take longer than an answer usually does
	serve        func(s *Server, r *http.Request, name string) (answer any, err error)
}

func routes() []route {
	return []route{
		{method: "GET", path: "status", serve: (*Server).status},
		{method: "POST", path: "reload", long: true, serve: (*Server).reload},
		{method: "POST", path: "backup", long: true, active: true, serve: (*Server).makeBackup},
		{method: "POST", path: "store/backup", long: true, active: true, serve: (*Server).makeBackup},
		{method: "GET", path: "destinations", active: true, serve: (*Server).listDestinations},
		{method: "GET", path: "queues/*", active: true, serve: (*Server).showQueue},
		{method: "POST", path: "queues/*/purge", long: true, active: true, serve: (*Server).purgeQueue},
		{method: "POST", path: "queues/*/pause", active: true, serve: (*Server).pauseQueue},
		{method: "POST", path: "queues/*/resume", active: true, serve: (*Server).resumeQueue},
		{method: "GET", path: "connections", active: true, serve: (*Server).listConnections},
	}
}

// match compares the escaped segments of a path with a route's, and returns the name that is
// among them.
func (r *route) match(segments []string) (name string, ok bool) {
	for pattern := range strings.SplitSeq(r.path, "/") {
		if len(segments) == 0 {
			return "", false
		}
		if pattern == "*" {
			var err error
			if name, err = url.PathUnescape(segments[0]); err != nil || name == "" {
				return "", false
			}
		} else if pattern != segments[0] {
			return "", false
		}
		segments = segments[1:]
	}
	return name, len(segments) == 0
}

// serveAPI answers for a path below the prefix. Without the token nobody learns what is there.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request, path string) {
	if !s.secret.authorized(r) {
		s.refuse(w, r)
		return
	}
	segments := strings.Split(path, "/")
	var allow []string
	for i := range s.routes {
		k := &s.routes[i]
		name, ok := k.match(segments)
		switch {
		case !ok:
		case k.method == r.Method || k.method == http.MethodGet && r.Method == http.MethodHead:
			s.serveRoute(w, r, k, name)
			return
		case !slices.Contains(allow, k.method):
			allow = append(allow, k.method)
		}
	}
	if allow != nil {
		s.refuseMethod(w, strings.Join(allow, ", "))
		return
	}
	s.fail(w, r, notFound(r))
}

func (s *Server) serveRoute(w http.ResponseWriter, r *http.Request, k *route, name string) {
	if role := s.o.Broker.Role(); k.active && role != broker.Active {
		s.fail(w, r, fault.New(fault.Closed, k.path, s.o.Broker.Name, "the broker is %s", role))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if k.long {
		// Not every writer has deadlines; one without has none to lift.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	}
	answer, err := k.serve(s, r, name)
	log := s.o.Log.With("operation", k.path, "object", name, "remote", r.RemoteAddr)
	switch {
	case err != nil:
		log.Info("administrator's request refused", "error", err)
		s.fail(w, r, err)
	default:
		if k.method != http.MethodGet {
			log.Info("administrator's request done")
		}
		s.answer(w, http.StatusOK, answer)
	}
}

// decode reads the one JSON object that a request's body holds. Unknown members are an error: a
// misspelt one would be a request for something else.
func decode(r *http.Request, into any) error {
	malformed := func(format string, args ...any) error {
		return fault.New(fault.Malformed, r.Method, "body", format, args...)
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return malformed("the body must be application/json")
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err = d.Decode(into)
	if err == nil {
		if _, err = d.Token(); err == nil {
			err = errors.New("there is more than one value")
		} else if errors.Is(err, io.EOF) {
			return nil
		}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return fault.New(fault.TooLarge, r.Method, "body", "the body is longer than %d bytes", large.Limit)
	}
	return malformed("the body is not what is expected here: %v", err)
}
