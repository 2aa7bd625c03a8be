package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/heap"
	"github.com/manifoldmq/manifold/cmd/manifold/process"
)

// brokerOptions are all that a broker is made from.
type brokerOptions struct {
	config  *config.Config
	memory  heap.Plan // memory.Messages is limits.memory, lowered where the system allows less
	standby bool      // start without becoming active
	version string
	token   string // the bearer token that the HTTP API accepts from the command line
	reload  func(ctx context.Context) (changes []string, err error)
	log     *slog.Logger
}

// newBroker maps the configuration to the broker's options.
func newBroker(brokerOptions) (process.Broker, error) {
	return nil, errors.New("this program was built without a broker")
}
