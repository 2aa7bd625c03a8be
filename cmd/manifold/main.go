// Command manifold is a message broker, and the tools around it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	a := &app{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		env: os.Environ(), signals: signals,
		newBroker: newBroker, openStore: openStore,
	}
	os.Exit(int(a.run(context.Background(), os.Args[1:])))
}
