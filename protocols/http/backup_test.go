package httpd_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker"
	httpd "github.com/manifoldmq/manifold/protocols/http"
	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/memory"
)

// copying is a store that can be copied: snapshot says how.
type copying struct {
	*memory.Store
	snapshot func(ctx context.Context, dir string) error
}

func (s copying) Snapshot(ctx context.Context, dir string) error { return s.snapshot(ctx, dir) }

func makeDir(_ context.Context, dir string) error { return os.MkdirAll(dir, 0o700) }

// copyNode is a node whose store can be copied into dir's backups.
func copyNode(t *testing.T, dir string, anywhere bool, snapshot func(ctx context.Context, dir string) error) *node {
	t.Helper()
	n := newNode(t, broker.Limits{}, func(o *httpd.Options) {
		o.Backups, o.AnyBackupDir = filepath.Join(dir, "backups"), anywhere
	})
	n.wrap = func(s *memory.Store) store.Store { return copying{s, snapshot} }
	n.activate()
	return n
}

func (n *node) backup(dir string) answer {
	n.t.Helper()
	body, err := json.Marshal(map[string]string{"dir": dir})
	if err != nil {
		n.t.Fatal(err)
	}
	return n.api("POST", "backup", string(body))
}

func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := copyNode(t, dir, false, makeDir)
	outside := t.TempDir()
	for _, name := range []string{"monday", "weekly/1", "a..b"} {
		a := n.backup(name)
		var got struct{ Dir string }
		a.into(t, &got)
		want := filepath.Join(dir, "backups", name)
		if a.status != 200 || got.Dir != want {
			t.Fatalf("%s: %d %s", name, a.status, a.body)
		}
		if info, err := os.Stat(want); err != nil || !info.IsDir() {
			t.Errorf("%s: %v", want, err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "backups", "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "new"), filepath.Join(dir, "backups", "dangling")); err != nil {
		t.Fatal(err)
	}
	for name, status := range map[string]int{
		"":               400,
		".":              403,
		"./.":            403,
		"..":             403,
		"../x":           403,
		"a/../../x":      403,
		"link/x":         403,
		"link/x/y":       403,
		"monday/x\x00y":  403,
		"\x00":           403,
		"dangling":       409,
		"link":           409,
		"monday":         409,
		outside + "/x":   403,
		"/":              403,
		"/etc/cron.d/me": 403,
	} {
		if a := n.backup(name); a.status != status {
			t.Errorf("%q: %d, not %d: %s", name, a.status, status, a.body)
		}
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("something was made outside: %v, %v", left, err)
	}
	for body, status := range map[string]int{
		`{"path":"by-the-other-name"}`: 200,
		``:                             400,
		`{`:                            400,
		`[]`:                           400,
		`{"dir":1}`:                    400,
		`{"dir":"x"}{"dir":"y"}`:       400,
		`{"dir":"x"} trailing`:         400,
		`{"dri":"x"}`:                  400,
		`{"dir":"` + strings.Repeat("x", 65<<10) + `"}`:    413,
		strings.Repeat("[", 32<<10):                        400,
		`{"dir":"x"}` + strings.Repeat(" ", 65<<10) + `{}`: 413,
	} {
		if a := n.api("POST", "store/backup", body); a.status != status {
			t.Errorf("%.30q: %d, not %d: %s", body, a.status, status, a.body)
		}
	}
}

func TestBackupAnywhere(t *testing.T) {
	t.Parallel()
	n := copyNode(t, t.TempDir(), true, makeDir)
	target := filepath.Join(t.TempDir(), "copy")
	if a := n.backup(target); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := n.backup(target); a.status != 409 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := n.backup("../up"); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestBackupFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
	}{
		{fmt.Errorf("snapshot: %w", store.ErrDiskFull), 507},
		{fmt.Errorf("snapshot: %w", os.ErrExist), 409},
		{fmt.Errorf("snapshot: %w", os.ErrPermission), 403},
		{store.ErrStopped, 503},
		{context.Canceled, 504},
		{errors.New("cable pulled"), 500},
	} {
		n := copyNode(t, t.TempDir(), false, func(context.Context, string) error { return c.err })
		if a := n.backup("x"); a.status != c.status || !strings.Contains(a.body, c.err.Error()) {
			t.Errorf("%v: %d %s", c.err, a.status, a.body)
		}
	}
	if a := startNode(t, nil).backup("x"); a.status != 501 {
		t.Errorf("a store that can't be copied: %d", a.status)
	}
	n := newNode(t, broker.Limits{}, nil)
	n.wrap = func(s *memory.Store) store.Store { return copying{s, makeDir} }
	n.activate()
	if a := n.backup("x"); a.status != 403 {
		t.Errorf("no directory for backups: %d", a.status)
	}
}

func TestOneBackupAtATime(t *testing.T) {
	t.Parallel()
	began, finish := make(chan struct{}), make(chan struct{})
	n := copyNode(t, t.TempDir(), false, func(ctx context.Context, dir string) error {
		close(began)
		<-finish
		return makeDir(ctx, dir)
	})
	first := make(chan answer)
	go func() { first <- n.backup("one") }()
	<-began
	if a := n.backup("two"); a.status != 409 || !strings.Contains(a.body, "under way") {
		t.Errorf("%d %s", a.status, a.body)
	}
	close(finish)
	if a := <-first; a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
