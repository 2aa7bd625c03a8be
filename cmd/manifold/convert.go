package main

import (
	"fmt"
	"io"
	"maps"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/manifoldmq/manifold/cmd/manifold/accounts"
	"github.com/manifoldmq/manifold/cmd/manifold/activemqxml"
	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

func (a *app) convertCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "convert FILE",
		Short: "Turn an activemq.xml into a configuration, or tell what becomes of it",
		Long: `Turns the activemq.xml of an ActiveMQ Classic or Amazon MQ broker into a configuration, on
standard output; - reads standard input. With --report it lists what becomes of each element and
attribute: it is kept (the same here), mapped (to what comes nearest) or dropped (with the reason).

The exit code is 3 if something is dropped that changes what the broker does, and 65 if the file is
no activemq.xml. serve and config read the file also without conversion.`,
		Example: "  manifold convert conf/activemq.xml > config.yaml\n" +
			"  manifold convert conf/activemq.xml --report\n" +
			"  manifold convert -D activemq.data=/var/lib/activemq conf/activemq.xml",
		Args: cobra.ExactArgs(1),
	}
	properties := defines{}
	cmd.Flags().VarP(properties, "define", "D", "a Java system property, for placeholders ${name}")
	heap := cmd.Flags().String("jvm-heap", "", "`size` of ActiveMQ's Java heap (-Xmx), which percentOfJvmHeap is of")
	report := cmd.Flags().Bool("report", false, "list what becomes of each element and attribute")
	asJSON := cmd.Flags().Bool("json", false, "with --report, print JSON")
	lenient := cmd.Flags().Bool("lenient", false, "drop elements and attributes that are not known, instead of refusing them")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		in, err := a.convertSource(args[0])
		if err != nil {
			return err
		}
		maps.Copy(in.Properties, properties)
		in.Lenient = *lenient
		if *heap != "" {
			size, ok := activemqxml.ParseSize(*heap)
			if !ok {
				return sysexit.Errorf(sysexit.Usage, "--jvm-heap: %q is no size such as 2g", *heap)
			}
			in.Heap = int64(size)
		}
		in.Hash = func(password string) (string, error) { return accounts.Hash(password, accounts.DefaultCost) }
		if *report {
			in.Hash = nil // nobody sees it
		}
		result, err := activemqxml.Convert(in)
		if err != nil {
			return sysexit.With(sysexit.Data, err)
		}
		if err := checkConverted(in.Name, result); err != nil {
			return sysexit.With(sysexit.Data, err)
		}
		switch {
		case *report && *asJSON:
			err = a.printJSON(result.Entries)
		case *report:
			err = a.printFates(result)
		default:
			_, err = a.out.Write(result.YAML)
		}
		if lost := result.Lost(); err == nil && len(lost) > 0 {
			err = sysexit.With(sysexit.Partial, &partial{lost, *report})
		}
		return err
	}
	return cmd
}

// convertSource reads the file that is to be converted.
func (a *app) convertSource(name string) (activemqxml.Source, error) {
	var text []byte
	var err error
	if name == "-" {
		name = "activemq.xml"
		text, err = io.ReadAll(io.LimitReader(a.in, maxFileSize))
	} else {
		text, err = readBounded(name)
	}
	if err != nil {
		return activemqxml.Source{}, err
	}
	if !activemqxml.Is(text) {
		return activemqxml.Source{}, sysexit.With(sysexit.Data, config.Problems{{Where: name + ":1", What: "is no XML"}})
	}
	return a.activeMQSource(name, text), nil
}

// checkConverted looks whether what came out is a good configuration: values that are right by
// themselves can contradict each other, such as two connectors on one port.
func checkConverted(name string, r *activemqxml.Result) error {
	loaded, err := config.Load(config.Sources{
		File: name, Lines: r.Lines, Clear: true, Read: func(string) ([]byte, error) { return r.YAML, nil },
	})
	if err == nil {
		_, err = routing(&loaded.Config.Destinations)
	}
	return err
}

// partial is the error of a conversion that lacks something.
type partial struct {
	lost   []activemqxml.Entry
	listed bool // they are on standard output already
}

func (p *partial) Error() string {
	text := fmt.Sprintf("%d of the file's settings have no place here and change what the broker does", len(p.lost))
	if p.listed {
		return text
	}
	for i := range p.lost {
		text += "\n  " + p.lost[i].String()
	}
	return text
}

// printFates prints what became of each element and attribute.
func (a *app) printFates(r *activemqxml.Result) error {
	table := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	var counts [3]int
	fmt.Fprintln(table, "LINE\tELEMENT\tATTRIBUTE\tFATE\tBECOMES\tNOTE")
	for _, e := range r.Entries {
		counts[e.Fate]++
		fate := e.Fate.String()
		if e.Changes {
			fate += " (!)"
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", e.Line, e.Name(), e.Attribute, fate, e.Option, e.Note)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "\n%d kept, %d mapped, %d dropped; (!) marks what changes the broker's behaviour: %d\n",
		counts[activemqxml.Kept], counts[activemqxml.Mapped], counts[activemqxml.Dropped], len(r.Lost()))
	return err
}
