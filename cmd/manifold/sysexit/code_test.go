package sysexit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/manifoldmq/manifold/store"
)

func TestOf(t *testing.T) {
	t.Parallel()
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	_, inUse := net.Listen("tcp", held.Addr().String())
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	_, refused := net.Dial("tcp", gone.Addr().String())
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		err  error
		want Code
	}{
		{"nothing", nil, OK},
		{"given", Errorf(Data, "x: %w", fs.ErrNotExist), Data},
		{"given inside", fmt.Errorf("x: %w", With(Usage, errors.New("y"))), Usage},
		{"locked", fmt.Errorf("open: %w", store.ErrLocked), StoreLocked},
		{"newer", fmt.Errorf("open: %w", store.ErrFormat), StoreNewer},
		{"corrupt", fmt.Errorf("open: %w", store.ErrCorrupt), StoreCorrupt},
		{"stopped", fmt.Errorf("fsync: %w", store.ErrStopped), IO},
		{"port in use", inUse, PortInUse},
		{"refused", refused, Unavailable},
		{"deadline", fmt.Errorf("x: %w", context.DeadlineExceeded), Timeout},
		{"permission", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, Permission},
		{"missing", func() error { _, err := os.Open(file + "x"); return err }(), NoInput},
		{"directory below a file", os.Mkdir(filepath.Join(file, "x"), 0o700), CantCreate},
		{"anything else", errors.New("x"), Software},
	} {
		if got := Of(c.err); got != c.want {
			t.Errorf("%s (%v): got %d, want %d", c.name, c.err, got, c.want)
		}
	}
	if With(Data, nil) != nil {
		t.Error("With made an error of nil")
	}
}

func TestCodesAreDistinct(t *testing.T) {
	t.Parallel()
	seen := map[Code]bool{}
	for _, m := range Codes() {
		if seen[m.Code] || m.Text == "" || m.Code < 0 || m.Code > 125 {
			t.Errorf("code %d: %q", m.Code, m.Text)
		}
		seen[m.Code] = true
	}
}
