package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/manifoldmq/manifold/cmd/manifold/api"
	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/heap"
	"github.com/manifoldmq/manifold/cmd/manifold/process"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/cmd/manifold/systemd"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/server"
)

func (a *app) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a broker",
		Long: `Runs a broker until it is told to stop.

When all listeners are up, one line on standard output says so, with each listener's name and
address; the log goes to standard error. HUP reads the configuration again; TERM and INT stop
after consumers have settled what they were sent, a second one stops at once; QUIT writes the
stacks of all goroutines to standard error.`,
		Example: "  manifold serve\n  manifold serve --config /etc/manifold/config.yaml --data /var/lib/manifold",
		Args:    cobra.NoArgs,
	}
	flags := a.addConfigFlags(cmd, false)
	standby := cmd.Flags().Bool("standby", false, "wait while another process serves the data directory, and take over when it ends")
	cmd.Flags().SortFlags = false
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.serve(cmd.Context(), flags, *standby)
	}
	return cmd
}

func (a *app) serve(ctx context.Context, flags *configFlags, standby bool) error {
	loaded, err := flags.load()
	if err != nil {
		return err
	}
	log, level := newLog(a.err, loaded.Config.Log)
	for _, warning := range loaded.Warnings {
		log.Warn("configuration", "warning", warning)
	}
	memory := a.planMemory(loaded.Config, log)
	p := process.New(process.Options{
		Config:  loaded.Config,
		Load:    flags.load,
		Signals: a.signals,
		Notify:  systemd.New(a.getenv, os.Getpid()),
		Out:     a.out,
		Err:     a.err,
		Log:     log,
		Standby: standby,
	})
	token, dir := api.NewToken(), loaded.Config.Store.Path
	// The file is written when the store's lock is held, so that a second process, which
	// fails at the lock, can't take the token of the first one away.
	p.Started = func([]process.Address) error {
		heap.ReleaseStartup()
		return api.WriteToken(dir, token)
	}
	broker, err := a.newBroker(brokerOptions{
		config: loaded.Config, memory: memory, standby: standby, version: version(),
		token: token, getenv: a.getenv, reload: p.Reload, log: log,
	})
	if sysexit.Of(err) == sysexit.Software { // what it refuses are its options
		err = sysexit.With(sysexit.Config, err)
	}
	if err != nil {
		return err
	}
	return p.Run(ctx, &served{broker, level, dir, token})
}

// planMemory sets the garbage collector and tells how much memory messages may take.
func (a *app) planMemory(c *config.Config, log *slog.Logger) heap.Plan {
	set := int64(0)
	if a.getenv("GOMEMLIMIT") != "" {
		if set = debug.SetMemoryLimit(-1); set == math.MaxInt64 {
			set = 0 // "off"
		}
	}
	plan := heap.MakePlan(int64(c.Limits.Memory), heap.CgroupLimit(os.DirFS("/")), set)
	if plan.Messages < int64(c.Limits.Memory) {
		log.Warn("limits.memory is lowered to what the system allows", "configured", c.Limits.Memory, "used", config.Size(plan.Messages))
	}
	limit := plan.Process
	if set > 0 {
		limit = 0 // it is set already
	}
	if a.getenv("GOGC") != "" { // whoever sets it wants just that
		if limit > 0 {
			debug.SetMemoryLimit(limit)
		}
		return plan
	}
	heap.Tune(limit)
	return plan
}

// served is a broker whose process keeps a token file, and whose reloads reach the log.
type served struct {
	process.Broker
	level *slog.LevelVar
	dir   string
	token string
}

// Start gives an address that is taken, and a directory that is away, exit codes of their own.
func (s *served) Start(ctx context.Context) error {
	err := s.Broker.Start(ctx)
	switch {
	case errors.Is(err, protocols.ErrAddressInUse):
		err = sysexit.With(sysexit.PortInUse, err)
	case errors.Is(err, server.ErrRights):
		err = sysexit.With(sysexit.Unavailable, err)
	}
	return err
}

// Reload applies the level of the log as well.
func (s *served) Reload(c *config.Config) ([]string, error) {
	changes, err := s.Broker.Reload(c)
	if err == nil {
		setLevel(s.level, c.Log)
	}
	return changes, err
}

// Close removes the token while the store's lock is still held. A file that belongs to another
// process stays.
func (s *served) Close() error {
	var err error
	if token, e := api.ReadToken(s.dir); e == nil && token == s.token {
		err = api.RemoveToken(s.dir)
	}
	return errors.Join(s.Broker.Close(), err)
}
