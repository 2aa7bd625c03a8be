package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/manifoldmq/manifold/broker/fault"
)

// identify finds who sends a request: by a session, or by a password or token that comes with it. If
// nobody, it has answered: people get to the form, programs a status.
func (x *exchange) identify() bool {
	if x.r.Header.Get("Authorization") == "" {
		if k, err := x.r.Cookie(cookieName); err == nil {
			if caller := x.c.sessions.find(k.Value); caller != nil {
				if x.caller = x.c.o.Gate.Again(caller); x.caller != nil {
					x.identity = "session " + k.Value
					return true
				}
				x.c.sessions.end(k.Value)
			}
		}
		if !x.json() {
			to := "login"
			if path := strings.TrimPrefix(x.r.URL.EscapedPath(), Prefix); path != "" && path != "logout" && x.r.Method != http.MethodPost {
				to += "?to=" + url.QueryEscape(path+"?"+x.r.URL.RawQuery)
			}
			http.Redirect(x.w, x.r, Prefix+to, http.StatusSeeOther)
			return false
		}
	}
	return x.authenticate()
}

// authenticate finds who sends a request by what comes with it.
func (x *exchange) authenticate() bool {
	caller, err := x.c.o.Gate.Request(x.r)
	if err != nil {
		if fault.Is(err, fault.Unauthenticated) {
			x.w.Header().Set("WWW-Authenticate", `Basic realm="manifold", charset="UTF-8"`)
		}
		x.fail(err)
		return false
	}
	x.caller, x.identity = caller, "user "+caller.Name
	return true
}

// maxName is the longest name that anybody is asked for and that gets into the log, in bytes.
const maxName = 1024

// loginPage is the form.
type loginPage struct {
	To      string `json:"to"`
	Name    string `json:"name"`
	Problem string `json:"problem,omitempty"`
}

func (x *exchange) login() {
	switch x.r.Method {
	case http.MethodGet, http.MethodHead:
		x.render("login", http.StatusOK, page{Title: "Log in", Data: loginPage{To: x.r.URL.Query().Get("to")}})
		return
	case http.MethodPost:
	default:
		x.w.Header().Set("Allow", "GET, HEAD, POST")
		x.failWith(http.StatusMethodNotAllowed, "this page is for GET and POST")
		return
	}
	if !x.readForm() {
		return
	}
	if x.c.origin.Check(x.r) != nil {
		x.failWith(http.StatusForbidden, "this was sent by a page of another site")
		return
	}
	name := x.form("name")
	if len(name) > maxName {
		x.failWith(http.StatusUnauthorized, "the name is too long")
		return
	}
	caller, err := x.c.o.Gate.Login(x.r.Context(), name, x.form("password"))
	if err != nil {
		x.c.o.Log.Info("login to the console refused", "user", name, "remote", x.r.RemoteAddr, "error", err)
		x.render("login", x.c.o.Status(err), page{Title: "Log in", Data: loginPage{To: x.form("to"), Name: name, Problem: err.Error()}})
		return
	}
	http.SetCookie(x.w, x.cookie(x.c.sessions.start(caller)))
	http.Redirect(x.w, x.r, Prefix+local(x.form("to")), http.StatusSeeOther)
}

// local returns where to go after the login: a page of the console, never another site.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || strings.ContainsAny(u.Path, "/\\") || u.Path == "login" {
		return ""
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

func (x *exchange) logout() {
	if x.r.Method != http.MethodPost {
		x.w.Header().Set("Allow", "POST")
		x.failWith(http.StatusMethodNotAllowed, "this is for POST")
		return
	}
	if !x.readForm() || !x.genuine() {
		return
	}
	if k, err := x.r.Cookie(cookieName); err == nil {
		x.c.sessions.end(k.Value)
	}
	http.SetCookie(x.w, x.cookie(""))
	http.Redirect(x.w, x.r, Prefix+"login", http.StatusSeeOther)
}
