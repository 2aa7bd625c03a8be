package httpd

import (
	"errors"
	"net/http"

	"github.com/manifoldmq/manifold/broker/fault"
)

// reload makes the broker read its configuration again.
func (s *Server) reload(r *http.Request, _ string) (any, error) {
	if s.o.Reload == nil {
		return nil, fault.New(fault.Unsupported, "reload", "", "this broker has no configuration to reload")
	}
	changes, err := s.o.Reload(r.Context())
	if err != nil {
		var f *fault.Error
		if errors.As(err, &f) {
			return nil, err
		}
		return nil, rejected{err}
	}
	if changes == nil {
		changes = []string{}
	}
	return struct {
		Changes []string `json:"changes"`
	}{changes}, nil
}
