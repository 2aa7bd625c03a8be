package httpd

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
)

// Every kind of fault has an answer of its own, which names the kind and keeps the cause.
func TestFaults(t *testing.T) {
	t.Parallel()
	s, err := New(Options{Broker: broker.New(broker.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	want := map[fault.Kind]int{
		fault.Internal: 500, fault.NotFound: 404, fault.Exists: 409, fault.InvalidName: 400, fault.InvalidSelector: 400,
		fault.Unauthenticated: 401, fault.Forbidden: 403, fault.InUse: 409, fault.Malformed: 400, fault.TooLarge: 413,
		fault.LimitReached: 429, fault.StoreFull: 507, fault.Unsupported: 501, fault.Timeout: 504, fault.Moved: 421, fault.Closed: 503,
	}
	if len(want) != fault.Kinds {
		t.Errorf("%d kinds here, %d there", len(want), fault.Kinds)
	}
	for k := range fault.Kind(fault.Kinds) {
		e := fault.Wrap(k, "purge", "queue://q", errors.New("secret cause"))
		e.Where = "tcp://elsewhere:1"
		w := httptest.NewRecorder()
		s.fail(w, httptest.NewRequest("GET", "/", nil), fmt.Errorf("secret context: %w", e))
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatalf("%s: %v", k, err)
		}
		if w.Code != want[k] || p.Kind != k.String() || p.Object != "queue://q" || p.Where != e.Where || p.Error != e.Error() {
			t.Errorf("%s: %d %+v", k, w.Code, p)
		}
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s tells its cause: %s", k, w.Body)
		}
	}
	for _, c := range []struct {
		err    error
		status int
		text   string
	}{
		{errors.New("secret"), 500, "internal error; the log has more"},
		{rejected{errors.New("line 3: no such key")}, 422, "line 3: no such key"},
	} {
		w := httptest.NewRecorder()
		s.fail(w, httptest.NewRequest("GET", "/", nil), c.err)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.text) {
			t.Errorf("%v: %d %s", c.err, w.Code, w.Body)
		}
	}
}

// Nothing of the API answers without the token, whatever it is.
func TestEveryRouteIsGuarded(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{Token: "a-token-that-is-long-enough"}, {}} {
		o.Broker = broker.New(broker.Options{})
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		paths := []string{"", "nothing", "queues", "../livez"}
		for _, k := range s.routes {
			paths = append(paths, strings.ReplaceAll(k.path, "*", "q"))
		}
		for _, path := range paths {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "x"} {
				for _, auth := range []string{
					"", "Bearer", "Bearer ", "Bearer a-token-that-is-long-enougi", "Bearer a-token-that-is-long-enough2",
					"Basic a-token-that-is-long-enough", "a-token-that-is-long-enough", "Bearer \x00",
				} {
					r := httptest.NewRequest("GET", apiPrefix+path, nil)
					r.Method = method
					r.Header.Set("Authorization", auth)
					w := httptest.NewRecorder()
					s.Handler().ServeHTTP(w, r)
					if w.Code != 401 || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
						t.Errorf("%s %s with %q: %d", method, path, auth, w.Code)
					}
				}
			}
		}
	}
}
