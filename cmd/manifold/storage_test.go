package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/pebble"
)

// ableStore is a store with all optional abilities, whose content is one file.
type ableStore struct {
	store.Store // nil: nothing else may be called
	dir         string
	problems    []store.Problem
}

func (s *ableStore) content() string { return filepath.Join(s.dir, "pebble", "content") }

func (s *ableStore) Check(_ context.Context, report func(store.Problem)) error {
	for _, p := range s.problems {
		report(p)
	}
	return nil
}

func (s *ableStore) Export(_ context.Context, w io.Writer) error {
	text, err := os.ReadFile(s.content())
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

func (s *ableStore) Import(_ context.Context, r io.Reader) error {
	text, err := io.ReadAll(r)
	if err == nil && string(text) == "damaged" {
		err = store.ErrCorrupt
	}
	return errors.Join(err, os.WriteFile(s.content(), text, 0o600))
}

func (s *ableStore) Snapshot(_ context.Context, dir string) error {
	return os.CopyFS(dir, os.DirFS(s.dir))
}

func (s *ableStore) Close(context.Context) error { return nil }

// storeCommand runs a store command on a directory with ableStore as the engine.
func storeCommand(t *testing.T, in, dir string, problems []store.Problem, args ...string) result {
	t.Helper()
	var out, err buffer
	a := &app{in: strings.NewReader(in), out: &out, err: &err,
		openStore: func(_ context.Context, path string) (store.Store, error) {
			return &ableStore{dir: path, problems: problems}, os.MkdirAll(filepath.Join(path, "pebble"), 0o700)
		}}
	code := a.run(context.Background(), append(append([]string{"store"}, args...), "--data", dir))
	return result{code, out.String(), err.String()}
}

func dataWith(t *testing.T, content string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "pebble"), 0o700),
		os.WriteFile(filepath.Join(dir, "pebble", "content"), []byte(content), 0o600)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestStoreCheck(t *testing.T) {
	t.Parallel()
	dir := dataWith(t, "x")
	minor := store.Problem{What: "counter differs", List: 3}
	fatal := store.Problem{Fatal: true, What: "checksum", File: "000001.sst", Offset: 7, ID: 9}
	storeCommand(t, "", dir, nil, "check").want(t, sysexit.OK, dir+": good (0 remarks)", "")
	storeCommand(t, "", dir, []store.Problem{minor}, "check").want(t, sysexit.OK, "remark: counter differs, list 3\n"+dir+": good (1 remarks)", "")
	r := storeCommand(t, "", dir, []store.Problem{minor, fatal}, "check")
	r.want(t, sysexit.StoreCorrupt, "DAMAGE: checksum, message 9 (000001.sst at 7)\n", "1 problems that lose data, 1 others")
	r = storeCommand(t, "", dir, []store.Problem{fatal}, "check", "--json")
	var got store.Problem
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || got != fatal || r.code != sysexit.StoreCorrupt {
		t.Errorf("got %+v, %v, code %d", got, err, r.code)
	}
}

func TestDumpAndRestore(t *testing.T) {
	t.Parallel()
	dir, dump := dataWith(t, "all that was there"), filepath.Join(t.TempDir(), "dump")
	storeCommand(t, "", dir, nil, "dump").want(t, sysexit.OK, "all that was there", "")
	storeCommand(t, "", dir, nil, "dump", "-o", dump).want(t, sysexit.OK, "", "")
	storeCommand(t, "", dir, nil, "dump", "-o", dump).want(t, sysexit.CantCreate, "", "exists")
	if info, err := os.Stat(dump); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	storeCommand(t, "", dir, nil, "restore", dump).want(t, sysexit.CantCreate, "", "not empty")

	fresh := filepath.Join(t.TempDir(), "deep", "data")
	storeCommand(t, "damaged", fresh, nil, "restore", "-").want(t, sysexit.StoreCorrupt, "", "")
	if left, _ := os.ReadDir(filepath.Dir(fresh)); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	storeCommand(t, "", fresh, nil, "restore", dump).want(t, sysexit.OK, "", "")
	storeCommand(t, "", fresh, nil, "dump").want(t, sysexit.OK, "all that was there", "")
	storeCommand(t, "", filepath.Join(t.TempDir(), "d"), nil, "restore", dump+"x").want(t, sysexit.NoInput, "", "")
}

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	dir, backup := dataWith(t, "x"), filepath.Join(t.TempDir(), "backup")
	storeCommand(t, "", dir, nil, "backup", backup).want(t, sysexit.OK, backup+"\n", "")
	storeCommand(t, "", dir, nil, "backup", backup).want(t, sysexit.CantCreate, "", "is there already")
	if err := os.WriteFile(filepath.Join(backup, "api.token"), []byte("t"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir() // an empty directory may be restored to, such as a mount's
	storeCommand(t, "", empty, nil, "restore", backup).want(t, sysexit.OK, "", "")
	storeCommand(t, "", empty, nil, "dump").want(t, sysexit.OK, "x", "")
	if _, err := os.Stat(filepath.Join(empty, "api.token")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the token was restored: %v", err)
	}
	storeCommand(t, "", filepath.Join(t.TempDir(), "d"), nil, "restore", t.TempDir()).want(t, sysexit.NoInput, "", "holds no store")
}

// With the real engine: what is not there is not made, and what is in use is left alone.
func TestStoreOfTheEngine(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	manifold(t, "", nil, "store", "check", "--data", empty+"/gone").want(t, sysexit.NoInput, "", "no such file")
	manifold(t, "", nil, "store", "check", "--data", empty).want(t, sysexit.NoInput, "", "holds no store")
	if left, _ := os.ReadDir(empty); len(left) > 0 {
		t.Errorf("made %v", left)
	}
	dir := filepath.Join(t.TempDir(), "data")
	s, err := pebble.Open(t.Context(), pebble.Options{Path: dir, BallastSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	manifold(t, "", nil, "store", "dump", "--data", dir).want(t, sysexit.StoreLocked, "", "in use by another process")
	manifold(t, "", nil, "store", "backup", dir+".backup", "--data", dir).want(t, sysexit.Unavailable, "", "no broker runs in")
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	backup, restored := dir+".backup", dir+".restored"
	manifold(t, "", nil, "store", "check", "--data", dir).want(t, sysexit.OK, dir+": good", "")
	manifold(t, "", nil, "store", "backup", backup, "--data", dir).want(t, sysexit.OK, backup, "")
	manifold(t, "", nil, "store", "restore", backup, "--data", restored).want(t, sysexit.OK, "", "")
	manifold(t, "", nil, "store", "check", "--data", restored).want(t, sysexit.OK, restored+": good", "")
	dump, again := dir+".dump", dir+".again"
	manifold(t, "", nil, "store", "dump", "-o", dump, "--data", dir).want(t, sysexit.OK, "", "")
	manifold(t, "", nil, "store", "restore", dump, "--data", again).want(t, sysexit.OK, "", "")
	manifold(t, "", nil, "store", "check", "--data", again).want(t, sysexit.OK, again+": good", "")
	manifold(t, "no dump at all", nil, "store", "restore", "-", "--data", dir+".none").want(t, sysexit.StoreCorrupt, "", "not a dump")
}
