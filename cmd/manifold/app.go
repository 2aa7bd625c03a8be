package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/process"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/store"
)

// app is the program with its surroundings, so that tests can run it inside their own process.
type app struct {
	in       io.Reader
	out, err io.Writer
	env      []string
	signals  <-chan os.Signal

	newBroker func(brokerOptions) (process.Broker, error)
	openStore func(ctx context.Context, path string) (store.Store, error)
}

// run executes one command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) sysexit.Code {
	began := false
	root := a.root(&began)
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return sysexit.OK
	}
	if !began { // what the command line parser itself refuses
		err = sysexit.With(sysexit.Usage, err)
	}
	a.report(cmd, err)
	return sysexit.Of(err)
}

// report writes an error for people: one line, or one for each problem of a configuration.
func (a *app) report(cmd *cobra.Command, err error) {
	if problems, ok := config.ProblemsOf(err); ok {
		fmt.Fprintln(a.err, problems.Error())
		return
	}
	fmt.Fprintf(a.err, "manifold: %s\n", strings.TrimSpace(err.Error()))
	if sysexit.Of(err) == sysexit.Usage {
		fmt.Fprintf(a.err, "Run '%s --help' for usage.\n", cmd.CommandPath())
	}
}

func (a *app) root(began *bool) *cobra.Command {
	root := &cobra.Command{
		Use:                        "manifold",
		Short:                      "A message broker, and the tools around it",
		SilenceErrors:              true,
		SilenceUsage:               true,
		Args:                       noSuchCommand,
		SuggestionsMinimumDistance: 1,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRun:           func(*cobra.Command, []string) { *began = true },
		CompletionOptions:          cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.AddCommand(
		a.serveCommand(), a.reloadCommand(),
		a.sendCommand(), a.receiveCommand(), a.browseCommand(), a.benchCommand(),
		a.configCommand(), a.convertCommand(), a.explainCommand(), a.userCommand(), a.storeCommand(), a.versionCommand(),
		exitCodesTopic(),
	)
	return root
}

// getenv looks a variable up in the app's environment.
func (a *app) getenv(name string) string {
	for _, line := range slices.Backward(a.env) {
		if text, ok := strings.CutPrefix(line, name+"="); ok {
			return text
		}
	}
	return ""
}

// interruptible returns a context that ends at the first INT or TERM, for commands that aren't
// serve.
func (a *app) interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for {
			select {
			case s := <-a.signals:
				if s == syscall.SIGINT || s == syscall.SIGTERM {
					cancel()
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, cancel
}

// printJSON writes v as indented JSON.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// group returns a command that only holds others. Without one of them it shows its help, and a
// misspelt one is a wrong command line.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short,
		Args:                       noSuchCommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SuggestionsMinimumDistance: 1,
	}
	cmd.AddCommand(commands...)
	return cmd
}

// noSuchCommand refuses arguments of commands that only hold others.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return errors.New(text)
}

// exitCodesTopic is a help page, not a command.
func exitCodesTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString("The program's exit codes. Those from 64 to 78 are the ones of sysexits.h.\n\n")
	for _, m := range sysexit.Codes() {
		fmt.Fprintf(&b, "  %3d  %s\n", m.Code, m.Text)
	}
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: b.String()}
}
