package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/manifoldmq/manifold/cmd/manifold/client"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// sendFlags are what send can be told beside where to.
type sendFlags struct {
	*connection
	file        string
	contentType string
	persistent  bool
	bytes       bool
	confirm     bool
	repeat      int
	timeout     time.Duration
	json        bool
}

func (a *app) sendCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "send URL [BODY]",
		Short: "Send a message",
		Long:  "Sends a message, and returns when the broker has it safe. Without BODY or --file, the body is\nread from standard input.\n\n" + urlHelp,
		Example: `  manifold send stomp://127.0.0.1:61613/queue/orders "hello"
  manifold send stomp://127.0.0.1:61613/queue/orders --file order.json --header priority=9
  manifold send 'failover:(tcp://a:61616,tcp://b:61616)/queue/orders' "hello"`,
		Args: cobra.RangeArgs(1, 2),
	}
	f := sendFlags{connection: addConnectionFlags(cmd)}
	flags := cmd.Flags()
	flags.StringVarP(&f.file, "file", "f", "", "`file` with the body; - is standard input")
	flags.StringVar(&f.contentType, "content-type", "", "content-type header")
	flags.BoolVar(&f.persistent, "persistent", true, "the message survives a restart of the broker")
	flags.BoolVar(&f.bytes, "bytes", false, "a bytes message for JMS consumers, also if the body is text")
	flags.BoolVar(&f.confirm, "confirm", true, "wait for each message's confirmation")
	flags.IntVarP(&f.repeat, "repeat", "n", 1, "send it so many times")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to wait for the connection, and for each confirmation")
	flags.BoolVar(&f.json, "json", false, "print a summary as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx, cancel := a.interruptible(cmd.Context())
		defer cancel()
		return a.send(ctx, f, args)
	}
	return cmd
}

func (a *app) send(ctx context.Context, f sendFlags, args []string) error {
	if f.repeat < 1 {
		return sysexit.Errorf(sysexit.Usage, "--repeat is at least 1")
	}
	headers, err := f.extraHeaders()
	if err != nil {
		return err
	}
	body, err := a.body(f.file, args[1:])
	if err != nil {
		return err
	}
	conn, err := f.dial(ctx, args[0], f.timeout)
	if err != nil {
		return err
	}
	m := client.Message{
		Body: body, ContentType: f.contentType, Headers: headers,
		Persistent: f.persistent, Bytes: f.bytes, Confirm: f.confirm,
	}
	sent, began := 0, time.Now()
	for ; sent < f.repeat && err == nil && ctx.Err() == nil; sent++ {
		if err = conn.Send(m); err != nil {
			break
		}
	}
	// Also without confirmations, the goodbye tells that all has arrived.
	err = errors.Join(err, conn.Close())
	if err == nil && sent < f.repeat {
		err = sysexit.Errorf(sysexit.Timeout, "interrupted after %d of %d messages", sent, f.repeat)
	}
	if f.json {
		summary := struct {
			Sent    int     `json:"sent"`
			Bytes   int     `json:"bytes"`
			Seconds float64 `json:"seconds"`
		}{sent, sent * len(body), time.Since(began).Seconds()}
		err = errors.Join(err, a.printJSON(summary))
	} else if err == nil && f.repeat > 1 {
		_, err = fmt.Fprintf(a.out, "%d messages sent in %v\n", sent, time.Since(began).Round(time.Millisecond))
	}
	return err
}

// body takes the message's body from the one place that was named.
func (a *app) body(file string, arg []string) ([]byte, error) {
	switch {
	case len(arg) == 1 && file != "":
		return nil, sysexit.Errorf(sysexit.Usage, "give BODY or --file, not both")
	case len(arg) == 1:
		return []byte(arg[0]), nil
	case file == "" || file == "-":
		return io.ReadAll(a.in)
	}
	return os.ReadFile(file)
}
