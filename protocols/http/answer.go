package httpd

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/manifoldmq/manifold/broker/fault"
)

// statuses answers each kind of fault.
var statuses = [fault.Kinds]int{
	fault.Internal:        http.StatusInternalServerError,
	fault.NotFound:        http.StatusNotFound,
	fault.Exists:          http.StatusConflict,
	fault.InvalidName:     http.StatusBadRequest,
	fault.InvalidSelector: http.StatusBadRequest,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.InUse:           http.StatusConflict,
	fault.Malformed:       http.StatusBadRequest,
	fault.TooLarge:        http.StatusRequestEntityTooLarge,
	fault.LimitReached:    http.StatusTooManyRequests,
	fault.StoreFull:       http.StatusInsufficientStorage,
	fault.Unsupported:     http.StatusNotImplemented,
	fault.Timeout:         http.StatusGatewayTimeout,
	fault.Moved:           http.StatusMisdirectedRequest,
	fault.Closed:          http.StatusServiceUnavailable,
}

// problem is the body of each refusal.
type problem struct {
	Error  string `json:"error"`
	Kind   string `json:"kind"`
	Object string `json:"object,omitempty"`
	Where  string `json:"where,omitempty"` // the broker that serves the object now
}

// rejected is an error whose text is meant for the caller: what he gave is understood, and bad.
type rejected struct{ error }

// fail answers with an error. What is not a fault is a defect of ours: the log gets it, the
// client doesn't.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var f *fault.Error
	var bad rejected
	switch {
	case errors.As(err, &f):
		if f.Kind == fault.Internal {
			s.o.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err, "cause", f.Err)
		}
		s.answer(w, statuses[f.Kind], problem{f.Error(), f.Kind.String(), f.Object, f.Where})
	case errors.As(err, &bad):
		s.answer(w, http.StatusUnprocessableEntity, problem{Error: bad.Error(), Kind: fault.Malformed.String()})
	default:
		s.o.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		s.answer(w, http.StatusInternalServerError, problem{Error: "internal error; the log has more", Kind: fault.Internal.String()})
	}
}

// refuse answers a request without the right token.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request) {
	s.refused.Add(1)
	w.Header().Set("WWW-Authenticate", `Bearer realm="manifold"`)
	s.fail(w, r, fault.New(fault.Unauthenticated, r.Method, "", "this needs the broker's API token as a bearer token"))
}

func (s *Server) refuseMethod(w http.ResponseWriter, allow string) {
	w.Header().Set("Allow", allow)
	s.answer(w, http.StatusMethodNotAllowed, problem{Error: "this path is for " + allow, Kind: fault.Unsupported.String()})
}

func notFound(r *http.Request) error {
	return fault.New(fault.NotFound, r.Method, "", "there is nothing here")
}

// answer writes a value as JSON. It is encoded first: what can't be encoded is no half answer.
func (s *Server) answer(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		s.o.Log.Error("answer can't be encoded", "error", err)
		http.Error(w, `{"error":"internal error; the log has more"}`, http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}
