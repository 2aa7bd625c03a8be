package httpd

import (
	"errors"
	"net/http"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/http/console"
)

func (s *Server) newConsole() (*console.Console, error) {
	return console.New(console.Options{
		Broker: s.o.Broker, Gate: s.gate, Log: s.o.Log, Version: s.o.Version, Since: s.since, DiskLow: s.diskLow.Load,
		Exec: s.o.Jolokia && s.o.JolokiaExec, Status: statusOf, Encrypted: encrypted,
	})
}

// statusOf returns the HTTP status of an error.
func statusOf(err error) int {
	var f *fault.Error
	if errors.As(err, &f) {
		return statuses[f.Kind]
	}
	return http.StatusInternalServerError
}

// encrypted reports whether a request came by a listener with TLS.
func encrypted(r *http.Request) bool {
	t := trackedOf(r)
	return t != nil && t.TLS != nil
}
