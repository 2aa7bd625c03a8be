package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// explained is one setting of a destination, and why it is what it is.
type explained struct {
	Path   string `json:"path"`
	Value  string `json:"value"`
	Policy string `json:"policy,omitempty"` // the pattern that sets it
	Origin string `json:"origin"`
}

func (a *app) explainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain {queue|topic} NAME",
		Short: "Print the settings that hold for a destination, and where each comes from",
		Example: "  manifold explain queue orders.eu\n" +
			"  manifold explain topic prices.> --changed",
		Args: cobra.ExactArgs(2),
	}
	flags := a.addConfigFlags(cmd, true)
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	changed := cmd.Flags().Bool("changed", false, "only what is not a default")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		where := address.Address{Name: args[1]}
		switch args[0] {
		case "queue":
			where.Kind = address.Queue
		case "topic":
			where.Kind = address.Topic
		default:
			return sysexit.Errorf(sysexit.Usage, "a destination is a queue or a topic, not a %q", args[0])
		}
		loaded, err := flags.load()
		if err != nil {
			return err
		}
		list, err := explain(loaded, where)
		if err != nil {
			return err
		}
		if *changed {
			kept := list[:0]
			for _, x := range list {
				if x.Policy != "" {
					kept = append(kept, x)
				}
			}
			list = kept
		}
		if *asJSON {
			return a.printJSON(list)
		}
		table := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
		for _, x := range list {
			from := x.Origin
			if x.Policy != "" {
				from = x.Policy + " at " + x.Origin
			}
			fmt.Fprintf(table, "%s\t%s\t%s\n", x.Path, x.Value, from)
		}
		for _, line := range routes(&loaded.Config.Destinations, where) {
			fmt.Fprintln(table, line)
		}
		return table.Flush()
	}
	return cmd
}

// explain returns every setting of a destination.
func explain(loaded *config.Loaded, where address.Address) ([]explained, error) {
	set, err := policy.NewSet(policyEntries(loaded.Config))
	if err != nil {
		return nil, err
	}
	effective, origins := set.Explain(where)
	by := make(map[string]policy.Origin)
	for _, o := range origins {
		by[o.Name] = o
	}
	given := make(map[string]config.Setting)
	for _, s := range loaded.Settings() {
		given[s.Path] = s
	}
	list := []explained{}
	for _, d := range config.PolicyDefaults() {
		x := explained{Path: d.Path, Value: d.Value, Origin: "default"}
		if o, ok := by[d.Path]; ok {
			s := given[o.Where+"."+d.Path]
			x.Value, x.Policy, x.Origin = s.Value, o.Match, s.Origin
		}
		switch o, ok := by["dead_letter.prefix"]; {
		case d.Path == "dead_letter.prefix" && !ok:
			x.Value = effective.DeadLetter.Prefix
		case d.Path == "dead_letter.individual" && x.Policy == "" && ok:
			x.Value, x.Policy, x.Origin = "true", o.Match, "its dead_letter.prefix"
		}
		list = append(list, x)
	}
	return list, nil
}

// routes says where messages to a destination go beside it.
func routes(d *config.Destinations, where address.Address) (lines []string) {
	for _, c := range d.Composites {
		match := address.Parse(c.Match, address.Queue)
		if match.Kind != where.Kind || !address.Match(match.Name, where.Name) {
			continue
		}
		var to []string
		for _, t := range c.To {
			if t.Selector != "" {
				to = append(to, fmt.Sprintf("%s if %s", t.Destination, t.Selector))
				continue
			}
			to = append(to, t.Destination)
		}
		only := ""
		if c.ForwardOnly {
			only = ", and stays nowhere else"
		}
		lines = append(lines, fmt.Sprintf("What is sent here goes to %s%s (composite %s).", strings.Join(to, ", "), only, c.Match))
	}
	for _, m := range d.Mirrors {
		if where.Kind == address.Queue && address.Match(m.Match, where.Name) {
			lines = append(lines, fmt.Sprintf("A copy is published to topic://%s%s%s (mirrored queues %s).", m.Prefix, where.Name, m.Postfix, m.Match))
		}
	}
	for _, v := range d.VirtualTopics {
		if where.Kind == address.Topic && address.Match(v.Match, where.Name) {
			lines = append(lines, fmt.Sprintf("A copy goes to each queue that is named %s%s%s (virtual topics %s).", v.Prefix, where.Name, v.Postfix, v.Match))
		}
	}
	return lines
}
