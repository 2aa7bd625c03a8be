package console

import (
	"crypto/rand"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/http/access"
)

// Prefix is where the console's pages are.
const Prefix = "/console/"

//go:embed templates/*.html static/*
var files embed.FS

// Options make a Console. All but DiskLow and Encrypted are required.
type Options struct {
	Broker  *broker.Broker // it need not be active
	Gate    *access.Gate
	Log     *slog.Logger
	Version string
	Since   time.Time // when the process started
	// Status returns the HTTP status of an error.
	Status func(err error) int
	// DiskLow reports whether the disk is nearly full.
	DiskLow func() bool
	// Encrypted reports whether a request came by TLS.
	Encrypted func(r *http.Request) bool
	// Exec says that Jolokia's operations may change something, so that pages may name them.
	Exec bool
}

// Console answers for the pages of the console. It is safe for use by many goroutines.
type Console struct {
	o        Options
	pages    map[string]*template.Template
	sessions sessions
	origin   *http.CrossOriginProtection
	key      []byte // of the tokens against forgery
	routes   []route
	links    []link
}

// route is one page. A page without act changes nothing.
type route struct {
	path  string
	show  func(x *exchange) (page, error)
	act   func(x *exchange) (outcome, error)
	about string // in the navigation; empty: not there
}

// New returns a console.
func New(o Options) (*Console, error) {
	c := &Console{o: o, origin: http.NewCrossOriginProtection(), key: []byte(rand.Text()), routes: routes()}
	c.sessions.now = time.Now
	for _, k := range c.routes {
		if k.about != "" {
			c.links = append(c.links, link{Prefix + k.path, k.about})
		}
	}
	var err error
	c.pages, err = parseTemplates()
	return c, err
}

func routes() []route {
	return []route{
		{path: "", show: (*exchange).overview, about: "Overview"},
		{path: "queues", show: (*exchange).queues, act: (*exchange).createDestination, about: "Queues"},
		{path: "queue", show: (*exchange).queue, act: (*exchange).actOnQueue},
		{path: "browse", show: (*exchange).browse, act: (*exchange).actOnMessages},
		{path: "message", show: (*exchange).message, act: (*exchange).actOnMessages},
		{path: "topics", show: (*exchange).topics, act: (*exchange).actOnTopic, about: "Topics"},
		{path: "subscribers", show: (*exchange).subscribers, act: (*exchange).actOnSubscriber, about: "Subscribers"},
		{path: "connections", show: (*exchange).connections, act: (*exchange).closeConnection, about: "Connections"},
		{path: "scheduled", show: (*exchange).scheduled, act: (*exchange).deleteScheduled, about: "Scheduled"},
		{path: "deadletters", show: (*exchange).deadLetters, act: (*exchange).actOnQueue, about: "Dead letters"},
		{path: "send", show: (*exchange).sendForm, act: (*exchange).send, about: "Send"},
	}
}

// Owns reports whether a path, with its percent-encoding, is one of the console's.
func Owns(path string) bool {
	return path == "/" || path == "/console" || strings.HasPrefix(path, Prefix) || path == "/admin" || strings.HasPrefix(path, "/admin/")
}

// limits of what a request may bring.
const maxForm = 2 << 20

// Serve answers a request whose path is one of the console's.
func (c *Console) Serve(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	path := r.URL.EscapedPath()
	if path == "/" || path == "/console" {
		http.Redirect(w, r, Prefix, http.StatusSeeOther)
		return
	}
	if rest, ok := strings.CutPrefix(path, Prefix); ok {
		c.serve(w, r, rest)
		return
	}
	c.serveAdmin(w, r, strings.TrimPrefix(strings.TrimPrefix(path, "/admin"), "/"))
}

func (c *Console) serve(w http.ResponseWriter, r *http.Request, path string) {
	x := &exchange{c: c, b: c.o.Broker, w: w, r: r}
	switch path {
	case "style.css", "refresh.js":
		c.serveFile(x, path)
		return
	case "login":
		x.login()
		return
	}
	i := slices.IndexFunc(c.routes, func(k route) bool { return k.path == path })
	switch {
	case !x.identify():
	case path == "logout":
		x.logout()
	case i < 0:
		x.fail(fault.New(fault.NotFound, r.Method, "", "there is no such page"))
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		x.get(&c.routes[i])
	case r.Method == http.MethodPost && c.routes[i].act != nil:
		x.post(&c.routes[i])
	default:
		w.Header().Set("Allow", "GET, HEAD")
		x.failWith(http.StatusMethodNotAllowed, "this page is for GET")
	}
}

// secure sets the headers that hold for each page: nothing from elsewhere, no script in a page, no
// frame around it.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	// Browsers send POSTs of pages without referrers with a null Origin.
	h.Set("Referrer-Policy", "same-origin")
}

func (c *Console) serveFile(x *exchange, name string) {
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
		x.w.Header().Set("Allow", "GET, HEAD")
		x.failWith(http.StatusMethodNotAllowed, "this is for GET")
		return
	}
	kind := "text/css; charset=utf-8"
	if strings.HasSuffix(name, ".js") {
		kind = "text/javascript; charset=utf-8"
	}
	body, err := files.ReadFile("static/" + name)
	if err != nil {
		x.fail(err)
		return
	}
	x.w.Header().Set("Content-Type", kind)
	x.w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = x.w.Write(body)
}
