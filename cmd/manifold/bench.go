package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/manifoldmq/manifold/cmd/manifold/bench"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// benchFlags are what bench and its suite can be told beside which broker.
type benchFlags struct {
	bench.Config
	user, passwordFile string
	ca, cert, key      string
	insecure           bool
	json               bool
}

const benchURLHelp = `The URL names the broker and, if it asks for one, the login: stomp://user:password@host:61613, or
stomp+ssl:// for TLS. Destinations are made for each run, below --prefix.`

func (a *app) benchCommand() *cobra.Command {
	f := benchFlags{Config: bench.Defaults()}
	cmd := &cobra.Command{
		Use:   "bench URL",
		Short: "Measure a broker",
		Long: `Puts load on a broker over STOMP, checks that every message came once and in order, and prints
rates and, given the broker's process with --pid, what they cost it. Exits with 3 when messages
were lost or duplicated.

` + benchURLHelp,
		Example: `  manifold bench stomp://127.0.0.1:61613 --persistent --ack individual --window 32 --pid $(pidof manifold)
  manifold bench stomp://127.0.0.1:61613 --mode latency --rate 1000 --duration 10s
  manifold bench suite stomp://127.0.0.1:61613 --pid $(pidof manifold)`,
		Args: cobra.ExactArgs(1),
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.StringVar((*string)(&f.Mode), "mode", string(f.Mode), "queue, topic, latency, backlog (fill, then drain) or idle")
	flags.IntVar(&f.Producers, "producers", f.Producers, "producers, each with a connection of its own")
	flags.IntVar(&f.Consumers, "consumers", f.Consumers, "consumers, each with a connection of its own")
	flags.IntVar(&f.Destinations, "destinations", f.Destinations, "destinations that producers and consumers are spread over")
	flags.IntVarP(&f.Count, "count", "n", f.Count, "messages to send, by all producers together; 0 is no limit")
	flags.DurationVar(&f.Duration, "duration", 0, "stop sending after so long; alone, it takes the limit off --count")
	flags.BoolVar(&f.Persistent, "persistent", false, "persistent messages")
	flags.IntVar(&f.Window, "window", 0, "receipts that each producer may wait for at once; 0 asks for none")
	flags.StringVar((*string)(&f.Ack), "ack", string(f.Ack), "how consumers acknowledge: auto or individual")
	flags.IntVar(&f.Prefetch, "prefetch", 0, "messages that the broker may send ahead of acknowledgements; 0 is its default")
	flags.IntVar(&f.Connections, "connections", f.Connections, "connections that do nothing, with --mode idle")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("duration") && !cmd.Flags().Changed("count") {
			f.Count = 0
		}
		return a.bench(cmd, &f, args[0])
	}
	cmd.AddCommand(a.benchSuiteCommand())
	return cmd
}

func (a *app) benchSuiteCommand() *cobra.Command {
	f := benchFlags{Config: bench.Defaults()}
	o := bench.SuiteOptions{Duration: 10 * time.Second, Connections: 5000, WarmUp: 5 * time.Second}
	cmd := &cobra.Command{
		Use:   "suite URL",
		Short: "Measure a broker in all the ways that it is compared with others",
		Long: `Runs one case after the other and prints a line of a Markdown table for each. Start the broker
afresh: what idle connections cost is measured first, and only then is there memory to compare.

` + benchURLHelp,
		Example: `  manifold bench suite stomp://127.0.0.1:61613 --pid $(pidof manifold)`,
		Args:    cobra.ExactArgs(1),
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.DurationVar(&o.Duration, "duration", o.Duration, "how long each case sends")
	flags.IntVar(&o.Connections, "connections", o.Connections, "idle connections, as far as open files allow; 0 leaves the case out")
	flags.IntVar(&o.Backlog, "backlog", 0, "messages of the backlog case; 0 leaves it out")
	flags.DurationVar(&o.WarmUp, "warm-up", o.WarmUp, "how long the broker is exercised first, with and without persistence")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.benchSuite(cmd, &f, o, args[0]) }
	return cmd
}

// add gives cmd the flags that single runs and suites share.
func (f *benchFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.Size, "size", f.Size, "bytes of each body")
	flags.Float64Var(&f.Rate, "rate", f.Rate, "messages per second of all producers together, where latency is measured")
	flags.StringVar(&f.Prefix, "prefix", f.Prefix, "beginning of the destinations' `name`s")
	flags.DurationVar(&f.Stall, "stall", f.Stall, "what is missing after so long without a message is lost")
	flags.DurationVar(&f.Settle, "settle", f.Settle, "how long idle connections rest before the broker's memory is read")
	flags.IntSliceVar(&f.PIDs, "pid", nil, "the broker's process `id`s, to measure its CPU and memory; Linux only")
	flags.StringVar(&f.user, "user", "", "login `name`, if not in the URL")
	flags.StringVar(&f.passwordFile, "password-file", "", "`file` with the password")
	flags.StringVar(&f.ca, "ca", "", "PEM `file` with the authorities to trust")
	flags.StringVar(&f.cert, "cert", "", "PEM `file` with a client certificate")
	flags.StringVar(&f.key, "key", "", "PEM `file` with its key, if that is another one")
	flags.BoolVar(&f.insecure, "insecure", false, "don't check the broker's certificate")
	flags.BoolVar(&f.json, "json", false, "print the result as JSON")
}

// config completes the run's description with what URL and files say.
func (f *benchFlags) config(url string) (bench.Config, error) {
	c := f.Config
	var err error
	if c.Target, err = bench.ParseTarget(url); err != nil {
		return c, err
	}
	if f.user != "" {
		c.Target.User = f.user
	}
	if f.passwordFile != "" {
		text, err := os.ReadFile(f.passwordFile)
		if err != nil {
			return c, err
		}
		c.Target.Password = strings.TrimRight(string(text), "\r\n")
	}
	c.TLS, err = f.tls()
	return c, err
}

func (f *benchFlags) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: f.insecure}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, sysexit.Errorf(sysexit.NoInput, "%s holds no certificate", f.ca)
		}
	}
	if f.cert != "" {
		key := f.key
		if key == "" {
			key = f.cert // one file may hold both
		}
		pair, err := tls.LoadX509KeyPair(f.cert, key)
		if err != nil {
			return nil, sysexit.With(sysexit.NoInput, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// bench runs once and prints the result.
func (a *app) bench(cmd *cobra.Command, f *benchFlags, url string) error {
	c, err := f.config(url)
	if err != nil {
		return err
	}
	ctx, cancel := a.interruptible(cmd.Context())
	defer cancel()
	r, err := bench.Run(ctx, c)
	if err != nil {
		return err
	}
	if f.json {
		err = a.printJSON(r)
	} else {
		err = r.WriteTable(a.out)
	}
	if err != nil {
		return err
	}
	return incomplete(r)
}

// benchSuite runs the suite and prints results as they come; as JSON, they are one list.
func (a *app) benchSuite(cmd *cobra.Command, f *benchFlags, o bench.SuiteOptions, url string) error {
	if o.Duration <= 0 || o.Connections < 0 || o.Backlog < 0 || o.WarmUp < 0 {
		return sysexit.Errorf(sysexit.Usage, "--duration is positive; --connections, --backlog and --warm-up are not negative")
	}
	c, err := f.config(url)
	if err != nil {
		return err
	}
	ctx, cancel := a.interruptible(cmd.Context())
	defer cancel()
	results, broken := []*bench.Result{}, error(nil)
	err = bench.RunSuite(ctx, bench.Suite(c, o), func(r *bench.Result) error {
		results = append(results, r)
		if broken == nil {
			broken = incomplete(r)
		}
		if f.json {
			return nil
		}
		if len(results) == 1 {
			if err := bench.WriteMarkdownHead(a.out); err != nil {
				return err
			}
		}
		return r.WriteMarkdown(a.out)
	})
	if f.json && len(results) > 0 { // also those before an error
		if printing := a.printJSON(results); err == nil {
			err = printing
		}
	}
	if err != nil {
		return err
	}
	return broken
}

// incomplete is the error of a run in which not every message came once.
func incomplete(r *bench.Result) error {
	if r.Intact() {
		return nil
	}
	return sysexit.Errorf(sysexit.Partial, "%d lost, %d duplicated, %d foreign", r.Lost, r.Duplicated, r.Foreign)
}
