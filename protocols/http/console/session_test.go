package console

import (
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/http/access"
)

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	s := sessions{now: func() time.Time { return now }}
	caller := new(access.Caller)
	idle, busy := s.start(caller), s.start(caller)
	begun := now
	for now.Sub(begun) < longestTime-time.Minute {
		now = now.Add(idleTime - time.Minute)
		if now.Sub(begun) <= longestTime && s.find(busy) != caller {
			t.Fatalf("a session that is used ended after %v", now.Sub(begun))
		}
	}
	if s.find(idle) != nil {
		t.Error("an idle session goes on")
	}
	now = begun.Add(longestTime + time.Second)
	if s.find(busy) != nil {
		t.Error("a session goes on for ever")
	}
	if s.find("") != nil || s.find("guessed") != nil {
		t.Error("a session out of nothing")
	}
	ended := s.start(caller)
	s.end(ended)
	if s.find(ended) != nil {
		t.Error("a session goes on after its end")
	}
	for range maxSessions {
		s.start(caller)
	}
	if len(s.by) > maxSessions {
		t.Errorf("%d sessions", len(s.by))
	}
}

func TestLocal(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"queues": "queues", "queue?name=a%2Fb": "queue?name=a%2Fb", "": "", "login": "", "//evil.example": "", "https://evil.example": "",
		"/etc": "", `\evil`: "", "javascript:alert(1)": "", "a/b": "", "%zz": "", "?x": "?x", "#x": "",
	} {
		if got := local(to); got != want {
			t.Errorf("%q leads to %q, not %q", to, got, want)
		}
	}
}

func TestHumanBytes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 1 << 20: "1 MiB", 5 << 40: "5 TiB", 1<<63 - 1: "8192 PiB"} {
		if got := humanBytes(n); got != want {
			t.Errorf("%d is %q, not %q", n, got, want)
		}
	}
}
