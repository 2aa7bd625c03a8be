// Package process is the life of a broker's process: start, ready, reload, drain, stop, and what
// signals and the service manager have to do with it. It knows the broker by a small interface.
package process

import (
	"context"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// Broker is what the process runs. Run calls one method at a time, but for Fatal, and for Close,
// which may follow while a Start or Drain whose context has ended is still returning.
type Broker interface {
	// Start recovers the store and opens all listeners. It returns when clients can connect,
	// or with the reason why they can't; Close must follow either way.
	Start(ctx context.Context) error
	// Addresses are those of the open listeners, with the ports that were picked.
	Addresses() []Address
	// Reload takes a new configuration: all that can change while running, or nothing. It
	// returns what differs from the one before, for people, and says of what needs a restart
	// that it does.
	Reload(c *config.Config) (changes []string, err error)
	// Drain closes the listeners, sends nothing new to consumers, and returns when all is
	// settled, or with ctx.
	Drain(ctx context.Context) error
	// Close ends all connections and closes the store.
	Close() error
	// Fatal delivers the error after which the broker can't go on: nothing is confirmed any
	// more, and the process must end.
	Fatal() <-chan error
}

// Address is one open listener.
type Address struct {
	Name    string `json:"name"`
	Network string `json:"network"` // "tcp"
	Address string `json:"address"` // host:port
}
