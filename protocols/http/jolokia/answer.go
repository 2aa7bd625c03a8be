package jolokia

import (
	"errors"
	"net/http"
	"time"

	"github.com/manifoldmq/manifold/broker/fault"
)

// answer is what one request gets.
type answer struct {
	Request   map[string]any `json:"request,omitempty"`
	Value     any            `json:"value"`
	Timestamp int64          `json:"timestamp"` // Unix seconds
	Status    int            `json:"status"`
}

// failure is what a request gets that went wrong. The HTTP status stays 200.
type failure struct {
	Request   map[string]any `json:"request,omitempty"`
	ErrorType string         `json:"error_type"`
	Error     string         `json:"error"`
	Timestamp int64          `json:"timestamp"`
	Status    int            `json:"status"`
}

// problem is an error in Java's words: the class of an exception, and its message.
type problem struct {
	status        int
	class, reason string
}

// Error implements error.
func (p *problem) Error() string { return p.class + " : " + p.reason }

func illegal(reason string) *problem {
	return &problem{http.StatusBadRequest, "java.lang.IllegalArgumentException", reason}
}

func forbidden(reason string) *problem {
	return &problem{http.StatusForbidden, "java.lang.SecurityException", reason}
}

func noInstance(reason string) *problem {
	return &problem{http.StatusNotFound, "javax.management.InstanceNotFoundException", reason}
}

func noAttribute(attribute string) *problem {
	return &problem{http.StatusNotFound, "javax.management.AttributeNotFoundException", "No such attribute: " + clip(attribute)}
}

func exhausted() *problem {
	return &problem{http.StatusInternalServerError, "java.lang.IllegalStateException", "the request asks for too much at once"}
}

// problemOf says in Java's words what has gone wrong. internal is set for a defect of ours, whose
// text is for the log.
func problemOf(err error) (p *problem, internal bool) {
	if errors.As(err, &p) {
		return p, false
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind == fault.Internal {
		return &problem{http.StatusInternalServerError, "java.lang.Exception", "internal error; the log has more"}, true
	}
	class, status := "java.lang.Exception", http.StatusInternalServerError
	switch f.Kind {
	case fault.Forbidden, fault.Unauthenticated:
		class, status = "java.lang.SecurityException", http.StatusForbidden
	case fault.InvalidSelector:
		class = "javax.jms.InvalidSelectorException"
	case fault.NotFound, fault.InvalidName:
		class = "javax.jms.InvalidDestinationException"
	case fault.InUse, fault.Exists, fault.StoreFull, fault.Timeout:
		class = "javax.jms.JMSException"
	}
	return &problem{status, class, f.Error()}, false
}

func (q *request) fail(p *problem) failure {
	out := failure{ErrorType: p.class, Error: p.Error(), Timestamp: time.Now().Unix(), Status: p.status}
	if q != nil {
		out.Request = q.echo()
	}
	return out
}
