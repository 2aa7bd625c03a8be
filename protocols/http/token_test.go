package httpd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker"
)

func TestTokenFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "api.token")
	first, err := loadToken(name)
	if err != nil || len(first) < minToken {
		t.Fatalf("%q, %v", first, err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if again, err := loadToken(name); err != nil || again != first {
		t.Errorf("%q, %v", again, err)
	}
	if err := os.Truncate(name, 0); err != nil { // a start that was cut off
		t.Fatal(err)
	}
	if other, err := loadToken(name); err != nil || other == first || len(other) < minToken {
		t.Errorf("%q, %v", other, err)
	}
	if left, err := os.ReadDir(filepath.Dir(name)); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestTokenFileRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 30)
	for _, c := range []struct {
		name string
		make func(path string) error
		want string
	}{
		{"others can read", func(p string) error {
			// Chmod, since the mask for new files would take the bit away.
			return errors.Join(os.WriteFile(p, []byte(long), 0o600), os.Chmod(p, 0o640))
		}, "others can read"},
		{"too short", func(p string) error { return os.WriteFile(p, []byte("admin"), 0o600) }, "fewer than"},
		{"huge", func(p string) error { return os.WriteFile(p, make([]byte, 1<<20), 0o600) }, "too long"},
		{"directory", func(p string) error { return os.Mkdir(p, 0o700) }, "not a plain file"},
		{"link", func(p string) error { return os.Symlink("/dev/null", p) }, "not a plain file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "api.token")
			if err := c.make(path); err != nil {
				t.Fatal(err)
			}
			_, err := New(Options{Broker: broker.New(broker.Options{}), TokenFile: path})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "none", "api.token")
	if _, err := New(Options{Broker: broker.New(broker.Options{}), TokenFile: missing}); err == nil {
		t.Error("made a token in a directory that isn't there")
	}
	if _, err := New(Options{}); err == nil {
		t.Error("made a server without a broker")
	}
}
