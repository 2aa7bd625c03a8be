package main

import (
	"context"
	"fmt"
	"log/slog"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

func (a *app) configCommand() *cobra.Command {
	return group("config", "Check, show and explain the configuration",
		a.configCheckCommand(), a.configShowCommand(), a.configReferenceCommand())
}

func (a *app) configCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a configuration and report all that is wrong with it",
		Args:  cobra.MaximumNArgs(1),
	}
	flags := a.addConfigFlags(cmd, true)
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 1 {
			flags.file = args[0]
		}
		loaded, err := flags.load()
		if err == nil {
			if _, err = routing(&loaded.Config.Destinations); err == nil {
				err = a.checkAccess(loaded)
			}
			if err != nil {
				err = sysexit.With(sysexit.Config, err)
			}
		}
		if *asJSON {
			problems, bad := config.ProblemsOf(err)
			if err != nil && !bad {
				return err
			}
			report := struct {
				Problems config.Problems `json:"problems"`
				Warnings []string        `json:"warnings"`
			}{config.Problems{}, []string{}}
			if bad {
				report.Problems = problems
			} else {
				report.Warnings = append(report.Warnings, loaded.Warnings...)
			}
			if err := a.printJSON(report); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		if *asJSON {
			return nil
		}
		for _, warning := range loaded.Warnings {
			fmt.Fprintln(a.err, "warning:", warning)
		}
		file := config.FindFile(flags.file, a.env, ".")
		if file == "" {
			file = "no file; the defaults, environment and flags"
		}
		_, err = fmt.Fprintf(a.out, "%s: good\n", file)
		return err
	}
	return cmd
}

// checkAccess reads what the configuration names for logins, but asks no directory. What it has to
// say joins the warnings.
func (a *app) checkAccess(loaded *config.Loaded) error {
	access, err := newAccess(&loaded.Config.Security, a.getenv, slog.New(warnings{&loaded.Warnings}))
	if err != nil {
		return err
	}
	access.close()
	return nil
}

// warnings is a log that keeps what it is told as warnings.
type warnings struct{ list *[]string }

// Enabled implements slog.Handler.
func (warnings) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (w warnings) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += fmt.Sprintf(", %s: %s", a.Key, a.Value)
		return true
	})
	*w.list = append(*w.list, text)
	return nil
}

// WithAttrs implements slog.Handler.
func (w warnings) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup implements slog.Handler.
func (w warnings) WithGroup(string) slog.Handler { return w }

func (a *app) configShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print each value and where it came from; secrets are masked",
		Args:  cobra.NoArgs,
	}
	flags := a.addConfigFlags(cmd, true)
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	changed := cmd.Flags().Bool("changed", false, "only what is not a default")
	cmd.RunE = func(*cobra.Command, []string) error {
		loaded, err := flags.load()
		if err != nil {
			return err
		}
		settings := []config.Setting{}
		for _, s := range loaded.Settings() {
			if !*changed || s.Origin != "default" {
				settings = append(settings, s)
			}
		}
		if *asJSON {
			return a.printJSON(settings)
		}
		table := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
		for _, s := range settings {
			fmt.Fprintf(table, "%s\t%s\t%s\n", s.Path, s.Value, s.Origin)
		}
		return table.Flush()
	}
	return cmd
}

func (a *app) configReferenceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reference",
		Short: "Print the reference of all options, or a commented sample file",
		Args:  cobra.NoArgs,
	}
	format := cmd.Flags().String("format", "markdown", "markdown or yaml")
	cmd.RunE = func(*cobra.Command, []string) error {
		switch *format {
		case "markdown":
			return config.WriteReference(a.out)
		case "yaml":
			return config.WriteSample(a.out)
		}
		return sysexit.Errorf(sysexit.Usage, "--format is markdown or yaml, not %q", *format)
	}
	return cmd
}
