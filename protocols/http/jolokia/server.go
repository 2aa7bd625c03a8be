package jolokia

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols/http/access"
)

// The versions that the agent gives: of itself, and of Jolokia's protocol.
const (
	agentVersion    = "1.7.1"
	protocolVersion = "7.2"
)

// Options make a Server.
type Options struct {
	Broker  *broker.Broker // required; it need not be active
	Log     *slog.Logger   // required
	Version string         // of the program
	Since   time.Time      // when the process started
	Exec    bool           // operations that change something are allowed
	// DiskLow reports whether the disk is nearly full; nil: it is not known.
	DiskLow func() bool
}

// Server answers Jolokia requests about one broker. It is safe for use by many goroutines.
type Server struct {
	o         Options
	classes   classes
	described map[*class]map[string]any // what list tells of each

	mu    sync.Mutex
	bases map[*broker.Destination]counts // figures at their last reset
}

// New returns a server.
func New(o Options) *Server {
	s := &Server{o: o, classes: newClasses(), bases: make(map[*broker.Destination]counts), described: make(map[*class]map[string]any)}
	k := &s.classes
	for _, c := range []*class{k.broker, k.queue, k.topic, k.consumer, k.durable, k.connector, k.connection, k.health, k.scheduler} {
		s.described[c] = c.describe(o.Exec)
	}
	return s
}

// Serve answers a request of a caller. path is what follows the agent's path in the URL, with its
// percent-encoding. The body's length is bounded here.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, caller *access.Caller, path string) {
	v := &view{s: s, b: s.o.Broker, store: s.o.Broker.Store(), r: r, caller: caller, now: time.Now(), left: maxWork}
	o := optionsOf(query(r))
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		q, err := parseGet(path, o)
		s.write(w, v.answer(q, err))
	case http.MethodPost:
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		list, bulk, err := readBody(r)
		if err != nil {
			s.write(w, v.answer(nil, err))
			return
		}
		answers := make([]any, 0, len(list))
		for _, text := range list {
			q, err := parsePost(text, o)
			answers = append(answers, v.answer(q, err))
		}
		if bulk {
			s.write(w, answers)
			return
		}
		s.write(w, answers[0])
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func query(r *http.Request) url.Values {
	if r.URL.RawQuery == "" {
		return nil
	}
	return r.URL.Query()
}

// answer carries a request out, unless it could not be read.
func (v *view) answer(q *request, err error) any {
	var value any
	if err == nil {
		value, err = v.do(q)
	}
	if err != nil {
		p, internal := problemOf(err)
		if internal {
			v.s.o.Log.Error("request failed", "surface", "jolokia", "error", err)
		}
		return q.fail(p)
	}
	return answer{Request: q.echo(), Value: value, Timestamp: v.now.Unix(), Status: http.StatusOK}
}

func (v *view) do(q *request) (any, error) {
	if q.kind != "version" && v.store == nil {
		return nil, &problem{http.StatusServiceUnavailable, "java.lang.IllegalStateException", "the broker is " + v.b.Role().String()}
	}
	switch q.kind {
	case "version":
		return v.version(), nil
	case "search":
		return v.search(q)
	case "list":
		return v.list(q)
	case "read":
		return v.read(q)
	case "exec":
		return v.exec(q)
	}
	return nil, forbidden("attributes can't be written")
}

func (v *view) version() any {
	return map[string]any{
		"agent": agentVersion, "protocol": protocolVersion,
		"config": map[string]string{"agentId": v.b.Name, "agentContext": "/api/jolokia", "canonicalNaming": "true", "maxDepth": "15", "maxCollectionSize": "0", "maxObjects": "0"},
		"info":   map[string]string{"product": "manifold", "vendor": "Manifold", "version": v.s.o.Version},
	}
}

// exec lets an object do something.
func (v *view) exec(q *request) (any, error) {
	o, ok := v.find(q.name)
	if !ok || q.name.pattern {
		return nil, noInstance(q.name.String())
	}
	run, err := o.class.operation(q, &o.name)
	switch {
	case err != nil:
		return nil, err
	case q.get:
		return nil, forbidden("operations need a POST")
	case !run.reads && !v.s.o.Exec:
		return nil, forbidden("operations that change something are turned off: http.jolokia_exec")
	case !run.reads && crossSite(v.r):
		return nil, forbidden("operations are not for web pages of other sites")
	}
	args, err := run.convert(q.arguments, &o.name)
	if err != nil {
		return nil, err
	}
	value, err := run.run(v, o.at, args)
	if !run.reads {
		v.forget()
	}
	log := v.s.o.Log.With("operation", run.name, "object", o.name.canonical(), "user", v.caller.Name, "remote", v.r.RemoteAddr)
	switch {
	case err != nil:
		log.Info("administrator's request refused", "error", err)
	case !run.reads:
		log.Info("administrator's request done")
	}
	return value, err
}

// crossSite reports whether a browser sends the request for a page of another site. Scripts send
// Origin: http://localhost, as ActiveMQ's agent asks for one; no browser of today does without
// Sec-Fetch-Site.
func crossSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "":
	case "same-origin", "none":
		return false
	default:
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" || origin == "http://localhost" || origin == "https://localhost" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host != r.Host
}

// write answers with a value as JSON. It is encoded first: what can't be encoded is no half answer.
func (s *Server) write(w http.ResponseWriter, value any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false) // names have ampersands, which are easier to read as they are
	if err := enc.Encode(value); err != nil {
		s.o.Log.Error("answer can't be encoded", "surface", "jolokia", "error", err)
		http.Error(w, "{}", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	_, _ = w.Write(body.Bytes())
}
