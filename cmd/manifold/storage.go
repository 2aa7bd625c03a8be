package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/manifoldmq/manifold/cmd/manifold/api"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/pebble"
)

// openStore opens the store in a data directory with the engine that serve uses.
func openStore(ctx context.Context, path string) (store.Store, error) {
	return pebble.Open(ctx, pebble.Options{Path: path})
}

func (a *app) storeCommand() *cobra.Command {
	cmd := group("store", "Check, repair, dump, back up and restore a data directory",
		a.storeCheckCommand(), a.storeRepairCommand(), a.storeDumpCommand(), a.storeBackupCommand(), a.storeRestoreCommand())
	cmd.Long = `Checks, repairs, dumps, backs up and restores the data directory that --data or the configuration
names. All but backup need a broker that is stopped.`
	return cmd
}

// dataDir returns the data directory that the flags name.
func dataDir(flags *configFlags) (string, error) {
	loaded, err := flags.load()
	if err != nil {
		return "", err
	}
	return loaded.Config.Store.Path, nil
}

// withStore opens an existing data directory, runs f, and closes it.
func (a *app) withStore(ctx context.Context, dir string, f func(context.Context, store.Store) error) error {
	if err := wantStore(dir); err != nil {
		return err
	}
	ctx, cancel := a.interruptible(ctx)
	defer cancel()
	s, err := a.openStore(ctx, dir)
	if err != nil {
		return err
	}
	// An interrupt ends f, and must not keep the store from closing cleanly.
	return errors.Join(f(ctx, s), s.Close(context.WithoutCancel(ctx)))
}

// wantStore refuses a directory that is not a store's. Opening it would make it one, and a
// misspelt --data should not.
func wantStore(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	if info, err := os.Stat(filepath.Join(dir, "pebble")); err != nil || !info.IsDir() {
		return sysexit.Errorf(sysexit.NoInput, "%s holds no store", dir)
	}
	return nil
}

// errAbility says that the engine lacks an optional ability.
func errAbility(s store.Store, what string) error {
	return sysexit.Errorf(sysexit.Unavailable, "the engine %s can't %s", s.Info().Backend, what)
}

func (a *app) storeCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Verify every checksum and every invariant",
		Long:  "Verifies every checksum and every invariant, and lists what is wrong. The exit code is 83 if data\nwas lost or can't be trusted.",
		Args:  cobra.NoArgs,
	}
	flags := a.addConfigFlags(cmd, true)
	asJSON := cmd.Flags().Bool("json", false, "print each problem as a line of JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		dir, err := dataDir(flags)
		if err != nil {
			return err
		}
		return a.withStore(cmd.Context(), dir, func(ctx context.Context, s store.Store) error {
			return a.check(ctx, s, dir, *asJSON)
		})
	}
	return cmd
}

func (a *app) check(ctx context.Context, s store.Store, dir string, asJSON bool) error {
	checker, ok := s.(store.Checker)
	if !ok {
		return errAbility(s, "check itself")
	}
	fatal, minor := 0, 0
	lines := json.NewEncoder(a.out)
	var writing error
	err := checker.Check(ctx, func(p store.Problem) {
		if p.Fatal {
			fatal++
		} else {
			minor++
		}
		if asJSON {
			writing = errors.Join(writing, lines.Encode(p))
			return
		}
		_, e := fmt.Fprintln(a.out, describeProblem(p))
		writing = errors.Join(writing, e)
	})
	switch {
	case err != nil || writing != nil:
		return errors.Join(err, writing)
	case fatal > 0:
		return sysexit.Errorf(sysexit.StoreCorrupt, "%s: %d problems that lose data, %d others", dir, fatal, minor)
	case !asJSON:
		_, err = fmt.Fprintf(a.out, "%s: good (%d remarks)\n", dir, minor)
	}
	return err
}

func describeProblem(p store.Problem) string {
	text := "remark: "
	if p.Fatal {
		text = "DAMAGE: "
	}
	text += p.What
	if p.List != 0 {
		text += fmt.Sprintf(", list %d", p.List)
	}
	if p.ID != 0 {
		text += fmt.Sprintf(", message %d", p.ID)
	}
	if p.File != "" {
		text += fmt.Sprintf(" (%s at %d)", p.File, p.Offset)
	}
	return text
}

func (a *app) storeDumpCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dump",
		Short: "Write all messages and records in a form that no engine is needed to read",
		Args:  cobra.NoArgs,
	}
	flags := a.addConfigFlags(cmd, true)
	output := cmd.Flags().StringP("output", "o", "-", "`file` to write; - is standard output")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		dir, err := dataDir(flags)
		if err != nil {
			return err
		}
		return a.withStore(cmd.Context(), dir, func(ctx context.Context, s store.Store) error {
			exporter, ok := s.(store.Exporter)
			if !ok {
				return errAbility(s, "write a dump")
			}
			if *output == "-" {
				return exporter.Export(ctx, a.out)
			}
			return exportTo(ctx, exporter, *output)
		})
	}
	return cmd
}

// exportTo writes a dump to a new file that only its owner can read. What could not be
// completed is removed.
func exportTo(ctx context.Context, e store.Exporter, name string) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return sysexit.With(sysexit.CantCreate, err)
	}
	err = e.Export(ctx, file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

func (a *app) storeBackupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup DIR",
		Short: "Copy the data directory to a new directory, also while the broker runs",
		Args:  cobra.ExactArgs(1),
	}
	broker := a.addRunningFlags(cmd, 0)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		target, err := filepath.Abs(args[0])
		if err != nil {
			return err
		}
		if empty, err := isEmpty(target); err == nil && !empty {
			return sysexit.Errorf(sysexit.CantCreate, "%s is there already", target)
		}
		dir, err := dataDir(broker.config)
		if err != nil {
			return err
		}
		err = a.withStore(cmd.Context(), dir, func(ctx context.Context, s store.Store) error {
			snapshotter, ok := s.(store.Snapshotter)
			if !ok {
				return errAbility(s, "make a backup")
			}
			return snapshotter.Snapshot(ctx, target)
		})
		if errors.Is(err, store.ErrLocked) { // a broker runs, and makes the backup itself
			err = broker.post(cmd.Context(), "store/backup", struct {
				Path string `json:"path"`
			}{target}, nil)
		}
		if err == nil {
			_, err = fmt.Fprintln(a.out, target)
		}
		return err
	}
	return cmd
}

func (a *app) storeRestoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FROM",
		Short: "Make a data directory from a backup's directory or from a dump's file",
		Long: `Makes a data directory from a backup's directory, or from a dump's file (- is standard input). The
data directory must be empty or not exist yet: what it holds is never overwritten.`,
		Args: cobra.ExactArgs(1),
	}
	flags := a.addConfigFlags(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir, err := dataDir(flags)
		if err != nil {
			return err
		}
		switch empty, err := isEmpty(dir); {
		case err == nil && !empty:
			return sysexit.Errorf(sysexit.CantCreate, "%s is not empty; move it away first", dir)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		}
		ctx, cancel := a.interruptible(cmd.Context())
		defer cancel()
		if args[0] == "-" {
			return a.restoreDump(ctx, dir, a.in)
		}
		info, err := os.Stat(args[0])
		if err != nil {
			return err
		}
		if info.IsDir() {
			return a.restoreBackup(ctx, dir, args[0])
		}
		file, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer file.Close()
		return a.restoreDump(ctx, dir, file)
	}
	return cmd
}

// restoreDump reads a dump into a fresh store beside dir, and moves it there when it is complete.
func (a *app) restoreDump(ctx context.Context, dir string, from io.Reader) error {
	return beside(dir, func(temp string) error {
		s, err := a.openStore(ctx, temp)
		if err != nil {
			return err
		}
		exporter, ok := s.(store.Exporter)
		if !ok {
			err = errAbility(s, "read a dump")
		} else {
			err = exporter.Import(ctx, from)
		}
		return errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	})
}

// restoreBackup copies a backup beside dir, opens the copy to see that it is one, and moves it
// there.
func (a *app) restoreBackup(ctx context.Context, dir, from string) error {
	if err := wantStore(from); err != nil {
		return err
	}
	return beside(dir, func(temp string) error {
		if err := os.CopyFS(temp, os.DirFS(from)); err != nil {
			return err
		}
		// A backup never holds the token of the broker it was made from, but a plain copy of
		// a data directory does.
		if err := api.RemoveToken(temp); err != nil {
			return err
		}
		s, err := a.openStore(ctx, temp)
		if err != nil {
			return err
		}
		return s.Close(context.WithoutCancel(ctx))
	})
}

// beside runs f with a new directory next to dir and then renames it to dir, so that dir is
// complete or not there.
func beside(dir string, f func(temp string) error) error {
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o750); err != nil {
		return sysexit.With(sysexit.CantCreate, err)
	}
	temp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".restore-*")
	if err != nil {
		return sysexit.With(sysexit.CantCreate, err)
	}
	if err := f(temp); err != nil {
		return errors.Join(err, os.RemoveAll(temp))
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty one
		return errors.Join(err, os.RemoveAll(temp))
	}
	return os.Rename(temp, dir)
}

// isEmpty reports whether a directory holds nothing. One that does not exist is an error.
func isEmpty(dir string) (bool, error) {
	d, err := os.Open(dir)
	if err != nil {
		return false, err
	}
	defer d.Close()
	_, err = d.Readdirnames(1)
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return false, err
}
