package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/manifoldmq/manifold/cmd/manifold/activemqxml"
	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// configFlags are the flags by which a command finds its configuration: --config, --data, and
// one for each option of the table.
type configFlags struct {
	app     *app
	file    string
	options map[string]string // path -> text, of the flags that were given
}

// addConfigFlags gives cmd the flags. Commands that only need to find the broker hide those of
// single options, which they accept all the same.
func (a *app) addConfigFlags(cmd *cobra.Command, hide bool) *configFlags {
	f := &configFlags{app: a, options: map[string]string{}}
	flags := cmd.Flags()
	flags.StringVarP(&f.file, "config", "c", "", "configuration `file` (default: $"+config.FileVariable+", or ./"+config.DefaultFile+" if it is there)")
	flags.Var(&optionFlag{f.options, "store.path", "directory"}, "data", "data directory; short for --store-path")
	for _, o := range config.Options() {
		name := o.Flag()
		if name == "" {
			continue
		}
		usage := o.Help
		if o.Default != "" && o.Default != "[]" {
			usage += " Default: " + o.Default + "."
		}
		flag := flags.VarPF(&optionFlag{f.options, o.Path, o.Kind().String()}, name, "", usage)
		flag.Hidden = hide
		if o.Kind() == config.Bool {
			flag.NoOptDefVal = "true"
		}
	}
	return f
}

// load reads the configuration from all its sources. The error of a bad one, as opposed to one
// that can't be read, has the exit code for that. The file may be an activemq.xml.
func (f *configFlags) load() (*config.Loaded, error) {
	src := config.Sources{
		File:  config.FindFile(f.file, f.app.env, "."),
		Env:   f.app.env,
		Flags: f.options,
	}
	lost, err := f.app.readActiveMQ(&src)
	var loaded *config.Loaded
	if err == nil {
		loaded, err = config.Load(src)
	}
	if _, bad := config.ProblemsOf(err); bad {
		err = sysexit.With(sysexit.Config, err)
	}
	if err == nil {
		loaded.Warnings = append(loaded.Warnings, lost...)
	}
	return loaded, err
}

// readActiveMQ looks whether the file is an activemq.xml, and lets the configuration that it becomes
// be read in its place. It returns what of it is lost.
func (a *app) readActiveMQ(src *config.Sources) (lost []string, err error) {
	if src.File == "" {
		return nil, nil
	}
	text, err := readBounded(src.File)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if activemqxml.Is(text) {
		result, err := activemqxml.Convert(a.activeMQSource(src.File, text))
		if err != nil {
			return nil, err
		}
		text, lost = result.YAML, lostWarnings(result)
		src.Lines, src.Clear = result.Lines, true
	}
	src.Read = func(name string) ([]byte, error) {
		if name == src.File {
			return text, nil
		}
		return os.ReadFile(name)
	}
	return lost, nil
}

// optionFlag keeps the text of one option's flag; the table checks it, with all the others.
type optionFlag struct {
	texts map[string]string
	path  string
	kind  string
}

var _ pflag.Value = (*optionFlag)(nil)

// String returns the text given.
func (o *optionFlag) String() string { return o.texts[o.path] }

// Set keeps the text.
func (o *optionFlag) Set(text string) error {
	o.texts[o.path] = text
	return nil
}

// Type names the value in the help.
func (o *optionFlag) Type() string { return o.kind }
