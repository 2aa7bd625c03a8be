package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/pebble"
)

func (a *app) storeRepairCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "repair TO",
		Short: "Make a new data directory of what can be read of a damaged one",
		Long: `Makes a new data directory of all that can be read and trusted of the damaged one, and lists what
is lost. The damaged directory is not changed, and TO must be empty or not exist yet. What was left
out is kept in TO/quarantine, with the list in the file REPORT. The new directory has been checked
when the command succeeds; to use it, put it in the place of the old one.

Messages that were acknowledged may come back, where the acknowledgement is among what is lost.`,
		Args: cobra.ExactArgs(1),
	}
	flags := a.addConfigFlags(cmd, true)
	asJSON := cmd.Flags().Bool("json", false, "print each problem as a line of JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir, err := dataDir(flags)
		if err != nil {
			return err
		}
		return a.repair(cmd, dir, args[0], *asJSON)
	}
	return cmd
}

// repair makes the new directory beside target, and moves it there when it is complete.
func (a *app) repair(cmd *cobra.Command, dir, target string, asJSON bool) error {
	if err := wantStore(dir); err != nil {
		return err
	}
	target, err := filepath.Abs(target)
	if err != nil {
		return err
	}
	switch empty, err := isEmpty(target); {
	case err == nil && !empty:
		return sysexit.Errorf(sysexit.CantCreate, "%s is not empty; move it away first", target)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	ctx, cancel := a.interruptible(cmd.Context())
	defer cancel()
	fatal, minor := 0, 0
	lines := json.NewEncoder(a.out)
	var writing error
	err = beside(target, func(temp string) error {
		return pebble.Repair(ctx, dir, pebble.Options{Path: temp}, func(p store.Problem) {
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
	})
	if err = errors.Join(err, writing); err == nil && !asJSON {
		_, err = fmt.Fprintf(a.out, "%s: repaired (%d problems that lose data, %d others)\n", target, fatal, minor)
	}
	return err
}
