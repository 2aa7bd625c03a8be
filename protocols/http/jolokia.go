package httpd

import (
	"net/http"
	"strings"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/http/access"
)

// jolokiaPaths are where ActiveMQ's agent is: that of old, and that of its successor.
var jolokiaPaths = [...]string{"/api/jolokia", "/console/jolokia"}

func isJolokia(path string) bool {
	for _, at := range jolokiaPaths {
		if rest, ok := strings.CutPrefix(path, at); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

func (s *Server) serveJolokia(w http.ResponseWriter, r *http.Request, path string) {
	caller := s.caller(w, r)
	if caller == nil {
		return
	}
	for _, at := range jolokiaPaths {
		path = strings.TrimPrefix(path, at)
	}
	s.jolokia.Serve(w, r, caller, path)
}

// caller returns who sends a request, or nil when it has refused him.
func (s *Server) caller(w http.ResponseWriter, r *http.Request) *access.Caller {
	caller, err := s.gate.Request(r)
	if err == nil {
		return caller
	}
	s.refused.Add(1)
	if fault.Is(err, fault.Unauthenticated) {
		w.Header().Set("WWW-Authenticate", `Basic realm="manifold", charset="UTF-8"`)
	}
	s.fail(w, r, err)
	return nil
}
