package httpd

import (
	"context"
	"fmt"
	"net/http"

	"github.com/manifoldmq/manifold/broker"
)

// checkView is one check's outcome.
type checkView struct {
	Name     string `json:"name"`
	OK       bool   `json:"ok"`
	Advisory bool   `json:"advisory,omitempty"` // not OK, and ready all the same
	Percent  *int   `json:"percent,omitempty"`  // how far it has come
	Reason   string `json:"reason,omitempty"`
	private  bool   // the reason is for those who have the token
}

type readyView struct {
	Status string      `json:"status"` // ready, degraded, or waiting
	Waits  []string    `json:"waits,omitempty"`
	Checks []checkView `json:"checks"`
}

// serveLive says that the process works, whatever its role. A broker whose store has stopped
// doesn't: it confirms nothing any more and must be started again.
func (s *Server) serveLive(w http.ResponseWriter, _ *http.Request) {
	if s.o.Broker.Failure() != nil {
		s.answer(w, http.StatusServiceUnavailable, readyView{Status: "failed", Checks: []checkView{{Name: "store", Reason: "the store has stopped"}}})
		return
	}
	s.answer(w, http.StatusOK, readyView{Status: "alive", Checks: []checkView{{Name: "store", OK: true}}})
}

// serveReady says whether clients can be sent here, and what is waited for. A full disk or
// memory is shown and does not count: it makes producers wait, and a load balancer that sent
// consumers away for it would keep it full for ever.
func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	checks := s.check(r.Context())
	detail := s.secret.authorized(r)
	v := readyView{Status: "ready", Checks: checks}
	for i := range checks {
		c := &checks[i]
		switch {
		case c.OK:
			c.Advisory = false
		case c.Advisory:
			if v.Status == "ready" {
				v.Status = "degraded"
			}
		default:
			v.Status = "waiting"
			v.Waits = append(v.Waits, c.Name)
		}
		if c.private && !detail {
			c.Reason = ""
		}
	}
	status := http.StatusOK
	if v.Waits != nil {
		status = http.StatusServiceUnavailable
	}
	s.answer(w, status, v)
}

func (s *Server) check(ctx context.Context) []checkView {
	checks := []checkView{s.checkRole(), s.checkStore(), s.checkDisk(), s.checkMemory()}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	for _, c := range s.o.Checks {
		v := checkView{Name: c.Name, OK: true, Advisory: c.Advisory, private: true}
		if err := c.Func(ctx); err != nil {
			v.OK, v.Reason = false, err.Error()
		}
		checks = append(checks, v)
	}
	return checks
}

func (s *Server) checkRole() checkView {
	v := checkView{Name: "role", OK: true}
	if role := s.o.Broker.Role(); role != broker.Active {
		v.OK, v.Reason = false, "the broker is "+role.String()
	}
	return v
}

func (s *Server) checkStore() checkView {
	b := s.o.Broker
	percent := b.Progress()
	v := checkView{Name: "store", Percent: &percent}
	switch role := b.Role(); {
	case b.Failure() != nil:
		v.Reason = "the store has stopped"
	case role == broker.Activating:
		v.Reason = fmt.Sprintf("recovered %d %%", percent)
	case role == broker.Active:
		v.OK = true
	default:
		v.Percent, v.Reason = nil, "the store is closed"
	}
	return v
}

func (s *Server) checkDisk() checkView {
	v := checkView{Name: "disk", OK: true, Advisory: true}
	u := s.o.Broker.Usage()
	switch {
	case s.diskLow.Load():
		v.OK, v.Reason = false, "the disk is nearly full: producers wait"
	case u.Store >= u.StoreLimit:
		v.OK, v.Reason = false, "the store has reached its limit"
	case u.Temp >= u.TempLimit:
		v.OK, v.Reason = false, "messages that are not durable have reached their limit on disk: their producers wait"
	}
	return v
}

func (s *Server) checkMemory() checkView {
	v := checkView{Name: "memory", OK: true, Advisory: true}
	if u := s.o.Broker.Usage(); u.Memory >= u.MemoryLimit {
		v.OK, v.Reason = false, "messages have reached the memory limit: producers wait"
	}
	return v
}
