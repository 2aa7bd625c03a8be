package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/manifoldmq/manifold/cmd/manifold/api"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// running are the flags by which a command finds a running broker.
type running struct {
	app     *app
	config  *configFlags
	url     string
	timeout time.Duration
}

func (a *app) addRunningFlags(cmd *cobra.Command, timeout time.Duration) *running {
	r := &running{app: a, config: a.addConfigFlags(cmd, true)}
	cmd.Flags().StringVar(&r.url, "url", "", "`address` of the broker's HTTP listener (default: http.address of the configuration)")
	cmd.Flags().DurationVar(&r.timeout, "timeout", timeout, "how long to wait for the broker")
	return r
}

// post calls the broker whose data directory the flags name.
func (r *running) post(ctx context.Context, path string, body, into any) error {
	loaded, err := r.config.load()
	if err != nil {
		return err
	}
	token, err := api.ReadToken(loaded.Config.Store.Path)
	if err != nil {
		return err
	}
	address := r.url
	if address == "" {
		address = loaded.Config.HTTP.Address
	}
	if address == "" {
		return sysexit.Errorf(sysexit.Usage, "the broker's HTTP listener is turned off; name one with --url")
	}
	ctx, cancel := r.app.interruptible(ctx)
	defer cancel()
	if r.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, r.timeout)
		defer cancel()
	}
	client := api.Client{Address: address, Token: token, HTTP: &http.Client{}}
	return client.Post(ctx, path, body, into)
}

func (a *app) reloadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Make a running broker read its configuration again",
		Long: `Makes a running broker read its configuration again, as HUP does, and prints what changed and
what needs a restart. A bad configuration changes nothing.`,
		Args: cobra.NoArgs,
	}
	broker := a.addRunningFlags(cmd, 30*time.Second)
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var answer struct {
			Changes []string `json:"changes"`
		}
		err := broker.post(cmd.Context(), "reload", nil, &answer)
		if sysexit.Of(err) == sysexit.Data { // the broker understood, and its file is bad
			err = sysexit.With(sysexit.Config, err)
		}
		if err != nil {
			return err
		}
		if *asJSON {
			return a.printJSON(answer)
		}
		if len(answer.Changes) == 0 {
			fmt.Fprintln(a.out, "nothing changed")
		}
		for _, change := range answer.Changes {
			fmt.Fprintln(a.out, change)
		}
		return nil
	}
	return cmd
}
