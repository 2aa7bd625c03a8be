package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/manifoldmq/manifold/cmd/manifold/client"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// connection are the flags by which send, receive and browse reach a broker.
type connection struct {
	client.Options
	user, passwordFile string
	headers            []string
}

const urlHelp = `The URL names broker, login and destination: stomp://user:password@host:61613/queue/orders,
amqp://host:5672/topic/news and tcp://host:61616/queue/orders (OpenWire) likewise, or
mqtt://host:1883/sensors/kitchen with a topic or filter of MQTT. ws+stomp:// (or ws://), ws+amqp:// and
ws+mqtt:// go through a WebSocket; ssl://, stomp+ssl://, amqps://, mqtts:// and wss+ in place of ws+
mean TLS. failover:(tcp://host:61616,tcp://other:61616)/queue/orders takes the first broker that answers,
and goes on at another when that one is gone; ?randomize=false keeps to the order. A password in a URL
can be seen by other users of the machine; --user and --password-file keep it to yourself.`

func addConnectionFlags(cmd *cobra.Command) *connection {
	c := &connection{}
	flags := cmd.Flags()
	flags.StringVar(&c.user, "user", "", "login `name`, if not in the URL")
	flags.StringVar(&c.passwordFile, "password-file", "", "`file` with the password")
	flags.StringVar(&c.CA, "ca", "", "PEM `file` with the authorities to trust")
	flags.StringVar(&c.Certificate, "cert", "", "PEM `file` with a client certificate")
	flags.StringVar(&c.Key, "key", "", "PEM `file` with its key")
	flags.BoolVar(&c.Insecure, "insecure", false, "don't check the broker's certificate")
	flags.StringVar(&c.ClientID, "client-id", "", "client `id`; durable subscriptions belong to one")
	flags.StringArrayVarP(&c.headers, "header", "H", nil, "further header, `name=value`; can be repeated")
	return c
}

// target reads the URL and completes it with the flags.
func (c *connection) target(url string) (client.Target, error) {
	t, err := client.ParseTarget(url)
	if err != nil {
		return t, sysexit.With(sysexit.Usage, err)
	}
	if c.user != "" {
		t.User = c.user
	}
	if c.passwordFile != "" {
		text, err := os.ReadFile(c.passwordFile)
		if err != nil {
			return t, err
		}
		t.Password = strings.TrimRight(string(text), "\r\n")
	}
	return t, nil
}

// extraHeaders splits the --header flags.
func (c *connection) extraHeaders() ([]client.Header, error) {
	headers := make([]client.Header, 0, len(c.headers))
	for _, text := range c.headers {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, sysexit.Errorf(sysexit.Usage, "--header is name=value, not %q", text)
		}
		headers = append(headers, client.Header{Name: name, Value: value})
	}
	return headers, nil
}

// dial connects to url's broker. The caller closes.
func (c *connection) dial(ctx context.Context, url string, timeout time.Duration) (client.Conn, error) {
	if c.Key == "" && c.Certificate != "" {
		c.Key = c.Certificate // one file may hold both
	}
	t, err := c.target(url)
	if err != nil {
		return nil, err
	}
	c.Timeout = timeout
	return client.Dial(ctx, t, c.Options)
}
