package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/manifoldmq/manifold/cmd/manifold/client"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// receiveFlags are what receive and browse can be told.
type receiveFlags struct {
	*connection
	client.Subscription
	connect time.Duration
	json    bool
	verbose bool
}

func (a *app) receiveCommand() *cobra.Command {
	f := receiveFlags{}
	cmd := &cobra.Command{
		Use:   "receive URL",
		Short: "Receive messages",
		Long: `Receives messages, prints their bodies, and acknowledges each when it is printed. It ends after
--count messages, when none came for --timeout, or when it is interrupted.

` + urlHelp,
		Example: `  manifold receive --count 1 stomp://127.0.0.1:61613/queue/orders
  manifold receive --client-id c1 --durable --name prices stomp://127.0.0.1:61613/topic/prices`,
		Args: cobra.ExactArgs(1),
	}
	a.addReceiveFlags(cmd, &f)
	flags := cmd.Flags()
	flags.StringVar(&f.Ack, "ack", "client-individual", "auto, client or client-individual")
	durable := flags.Bool("durable", false, "a durable topic subscription; needs --client-id and, but for MQTT, --name")
	flags.StringVar(&f.Subscription.Durable, "name", "", "`name` of the durable subscription")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case !slices.Contains([]string{"auto", "client", "client-individual"}, f.Ack):
			return sysexit.Errorf(sysexit.Usage, "--ack is auto, client or client-individual, not %q", f.Ack)
		case *durable && f.Subscription.Durable == "" && f.ClientID != "" && isMQTT(args[0]):
			// Its session needs no name.
		case *durable != (f.Subscription.Durable != "") || *durable && f.ClientID == "":
			return sysexit.Errorf(sysexit.Usage, "a durable subscription needs all of --durable, --client-id and --name")
		}
		f.Options.Durable = *durable
		ctx, cancel := a.interruptible(cmd.Context())
		defer cancel()
		return a.receive(ctx, f, args[0])
	}
	return cmd
}

// isMQTT reports whether a URL is one of MQTT.
func isMQTT(url string) bool {
	t, err := client.ParseTarget(url)
	return err == nil && t.MQTT
}

func (a *app) browseCommand() *cobra.Command {
	f := receiveFlags{Subscription: client.Subscription{Browse: true}}
	cmd := &cobra.Command{
		Use:   "browse URL",
		Short: "Look at the messages of a queue",
		Long:  "Prints the messages of a queue and leaves them where they are.\n\n" + urlHelp,
		Args:  cobra.ExactArgs(1),
	}
	a.addReceiveFlags(cmd, &f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx, cancel := a.interruptible(cmd.Context())
		defer cancel()
		return a.receive(ctx, f, args[0])
	}
	return cmd
}

func (a *app) addReceiveFlags(cmd *cobra.Command, f *receiveFlags) {
	f.connection = addConnectionFlags(cmd)
	flags := cmd.Flags()
	flags.IntVarP(&f.Count, "count", "n", 0, "end after so many messages; 0 does not")
	flags.DurationVar(&f.Wait, "timeout", 0, "end when no message came for so long; 0s does not")
	flags.DurationVar(&f.connect, "connect-timeout", 30*time.Second, "how long to wait for the connection")
	flags.StringVarP(&f.Selector, "selector", "s", "", "only messages for which this `expression` is true")
	flags.BoolVar(&f.json, "json", false, "print each message as a line of JSON")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "print headers as well")
}

func (a *app) receive(ctx context.Context, f receiveFlags, url string) error {
	if f.Count < 0 {
		return sysexit.Errorf(sysexit.Usage, "--count is not negative")
	}
	headers, err := f.extraHeaders()
	if err != nil {
		return err
	}
	f.Headers = headers
	// An interrupt must not cut the connection before the last acknowledgement is through.
	if f.Browse && isMQTT(url) {
		return sysexit.Errorf(sysexit.Usage, "MQTT has no queues, and no way to look at messages without taking them; browse by a stomp:// URL")
	}
	conn, err := f.dial(context.WithoutCancel(ctx), url, f.connect)
	if err != nil {
		return err
	}
	err = conn.Receive(ctx, f.Subscription, func(m client.Received) error { return a.printMessage(m, f) })
	if closing := conn.Close(); err == nil {
		err = closing
	}
	return err
}

// printMessage writes one message.
func (a *app) printMessage(m client.Received, f receiveFlags) error {
	if f.json {
		return a.printMessageJSON(m)
	}
	var text bytes.Buffer
	if f.verbose {
		for _, h := range m.Headers {
			fmt.Fprintf(&text, "%s: %s\n", h.Name, h.Value)
		}
		text.WriteByte('\n')
	}
	text.Write(m.Body)
	if !bytes.HasSuffix(m.Body, []byte("\n")) {
		text.WriteByte('\n')
	}
	_, err := a.out.Write(text.Bytes())
	return err
}

// printMessageJSON writes a message as one line. A body that is no text is in base64, under
// another name.
func (a *app) printMessageJSON(m client.Received) error {
	headers := make(map[string]string, len(m.Headers))
	for _, h := range m.Headers {
		if _, repeated := headers[h.Name]; !repeated {
			headers[h.Name] = h.Value
		}
	}
	line := struct {
		Destination string            `json:"destination"`
		Headers     map[string]string `json:"headers"`
		Body        *string           `json:"body,omitempty"`
		Base64      []byte            `json:"body_base64,omitempty"`
	}{Destination: m.Destination, Headers: headers}
	if utf8.Valid(m.Body) {
		body := string(m.Body)
		line.Body = &body
	} else {
		line.Base64 = m.Body
	}
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(line)
}
