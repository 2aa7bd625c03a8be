package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/protocols/http/access"
)

const (
	cookieName  = "manifold_session"
	idleTime    = 30 * time.Minute // after which a session without requests ends
	longestTime = 12 * time.Hour   // after which any session ends
	maxSessions = 1000
)

// session is somebody who has logged in by the form.
type session struct {
	caller        *access.Caller
	started, used time.Time
}

// sessions are those that are open, by the hash of what their cookies hold: a dump of them lets
// nobody in.
type sessions struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[[sha256.Size]byte]*session
}

// start opens a session and returns what its cookie holds. At the limit the one that has been
// idle longest ends.
func (s *sessions) start(caller *access.Caller) (id string) {
	id = rand.Text()
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = make(map[[sha256.Size]byte]*session)
	}
	var oldest *[sha256.Size]byte
	for key, x := range s.by {
		if x.over(now) {
			delete(s.by, key)
		} else if oldest == nil || x.used.Before(s.by[*oldest].used) {
			oldest = &key
		}
	}
	if len(s.by) >= maxSessions && oldest != nil {
		delete(s.by, *oldest)
	}
	s.by[sha256.Sum256([]byte(id))] = &session{caller, now, now}
	return id
}

func (x *session) over(now time.Time) bool {
	return now.Sub(x.used) > idleTime || now.Sub(x.started) > longestTime
}

// find returns who has a session; nil if it is over.
func (s *sessions) find(id string) *access.Caller {
	key := sha256.Sum256([]byte(id))
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.by[key]
	if x == nil {
		return nil
	}
	now := s.now()
	if x.over(now) {
		delete(s.by, key)
		return nil
	}
	x.used = now
	return x.caller
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.by, sha256.Sum256([]byte(id)))
}

// cookie returns a session's cookie; an empty id deletes it.
func (x *exchange) cookie(id string) *http.Cookie {
	k := &http.Cookie{Name: cookieName, Value: id, Path: Prefix, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: x.encrypted()}
	if id == "" {
		k.MaxAge = -1
	}
	return k
}

func (x *exchange) encrypted() bool {
	return x.r.TLS != nil || x.c.o.Encrypted != nil && x.c.o.Encrypted(x.r)
}

// token returns the token against forgery that belongs to a session, or to a user who sends his
// password with each request.
func (c *Console) token(identity string) string {
	mac := hmac.New(sha256.New, c.key)
	_, _ = mac.Write([]byte(identity))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (c *Console) isToken(identity, token string) bool {
	return subtle.ConstantTimeCompare([]byte(c.token(identity)), []byte(token)) == 1
}
