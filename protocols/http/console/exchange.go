package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/http/access"
)

// exchange is one request and its answer.
type exchange struct {
	c        *Console
	b        *broker.Broker
	w        http.ResponseWriter
	r        *http.Request
	caller   *access.Caller
	identity string // what the token against forgery belongs to
	query    url.Values
}

// page is what a template gets. Data is what the page shows, also as JSON.
type page struct {
	Title string
	Data  any
	Live  bool // it shows figures that change

	// The following are set by render.
	Path    string
	Broker  string
	Version string
	User    string
	Admin   bool
	Token   string
	Pages   []link
}

// outcome is what an action has done.
type outcome struct {
	Done    string   `json:"done"`
	Count   int64    `json:"count"`
	Back    string   `json:"back"`              // the page to go on with
	Command []string `json:"command,omitempty"` // what does the same from a shell
}

// link is a page in the navigation.
type link struct{ Path, Name string }

// json reports whether the answer is to be JSON.
func (x *exchange) json() bool { return x.param("format") == "json" }

// param returns a parameter of the query.
func (x *exchange) param(name string) string {
	if x.query == nil {
		x.query = x.r.URL.Query()
	}
	return x.query.Get(name)
}

func (x *exchange) form(name string) string { return x.r.PostForm.Get(name) }

// readForm reads the body of a POST; if it can't, it has answered.
func (x *exchange) readForm() bool {
	err := x.r.ParseForm()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		x.fail(fault.New(fault.TooLarge, "send", "", "the form is longer than %d bytes", large.Limit))
	case err != nil:
		x.fail(fault.New(fault.Malformed, "send", "", "the form can't be read"))
	}
	return err == nil
}

// genuine reports whether a POST comes from a page of ours; if not, it has answered.
func (x *exchange) genuine() bool {
	if err := x.c.origin.Check(x.r); err != nil {
		x.failWith(http.StatusForbidden, "this was sent by a page of another site")
		return false
	}
	if !x.c.isToken(x.identity, x.form("csrf")) {
		x.failWith(http.StatusForbidden, "the form has no valid token; go back, reload the page, and try again")
		return false
	}
	return true
}

func (x *exchange) active() bool {
	if role := x.b.Role(); role != broker.Active || x.b.Store() == nil {
		x.fail(fault.New(fault.Closed, "look", x.b.Name, "the broker is %s", role))
		return false
	}
	return true
}

func (x *exchange) get(k *route) {
	if k.path != "" && !x.active() {
		return
	}
	p, err := k.show(x)
	if err != nil {
		x.fail(err)
		return
	}
	name := k.path
	if name == "" {
		name = "overview"
	}
	x.render(name, http.StatusOK, p)
}

func (x *exchange) post(k *route) {
	if !x.readForm() || !x.genuine() || !x.active() {
		return
	}
	// What is done to many messages may take longer than a page does.
	_ = http.NewResponseController(x.w).SetWriteDeadline(time.Time{})
	done, err := k.act(x)
	log := x.c.o.Log.With("page", k.path, "action", clip(x.form("action")), "object", clip(x.form("name")), "user", x.caller.Name, "remote", x.r.RemoteAddr)
	if err != nil {
		log.Info("administrator's request refused", "error", err)
		x.fail(err)
		return
	}
	log.Info("administrator's request done", "count", done.Count)
	x.render("done", http.StatusOK, page{Title: "Done", Data: done})
}

// admin is what an action needs that is about no destination.
func (x *exchange) admin() error { return x.caller.Admin() }

// fail answers with an error. What is not a fault is a defect of ours: the log gets it, the client
// doesn't.
func (x *exchange) fail(err error) {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind == fault.Internal {
		x.c.o.Log.Error("request failed", "surface", "console", "path", x.r.URL.Path, "error", err)
		x.failWith(http.StatusInternalServerError, "internal error; the log has more")
		return
	}
	x.failWith(x.c.o.Status(err), f.Error())
}

type failed struct {
	Status int    `json:"status"`
	Error  string `json:"error"`
}

func (x *exchange) failWith(status int, text string) {
	x.render("error", status, page{Title: http.StatusText(status), Data: failed{status, text}})
}

// render answers with a page, or with its data as JSON. It is made first: what can't be is no half
// answer.
func (x *exchange) render(name string, status int, p page) {
	var body bytes.Buffer
	kind := "text/html; charset=utf-8"
	var err error
	if x.json() {
		kind = "application/json"
		enc := json.NewEncoder(&body)
		enc.SetIndent("", "  ")
		err = enc.Encode(p.Data)
	} else {
		p.Path, p.Broker, p.Version, p.Pages = name, x.b.Name, x.c.o.Version, x.c.links
		if x.caller != nil {
			p.User, p.Admin, p.Token = x.caller.Name, x.caller.Admin() == nil, x.c.token(x.identity)
		}
		err = x.c.pages[name].ExecuteTemplate(&body, "layout", p)
	}
	if err != nil {
		x.c.o.Log.Error("page can't be made", "page", name, "error", err)
		http.Error(x.w, "internal error; the log has more", http.StatusInternalServerError)
		return
	}
	h := x.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body.Bytes())
}

// paging is which part of a list a page shows.
type paging struct {
	Page  int `json:"page"` // from 1
	Pages int `json:"pages"`
	Total int `json:"total"`
}

// pageSize is how many rows a page has.
const pageSize = 100

// paged returns the bounds of the page that the query asks for.
func (x *exchange) paged(total int) (p paging, from, to int) {
	p.Total, p.Pages = total, max(1, (total+pageSize-1)/pageSize)
	n, err := strconv.Atoi(x.param("page"))
	if err != nil {
		n = 1
	}
	p.Page = max(1, min(n, p.Pages))
	from = (p.Page - 1) * pageSize
	return p, from, min(from+pageSize, total)
}

func clip(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
