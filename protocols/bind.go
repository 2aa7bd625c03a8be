package protocols

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// ErrAddressInUse is in the chain of the error of [Server.Listen] where another process, or
// another listener, has the port.
var ErrAddressInUse = errors.New("the address is in use")

// Keep-alive finds clients that vanished without a word, where the protocol has no heart-beat.
const (
	keepAliveIdle     = time.Minute
	keepAliveInterval = 15 * time.Second
	keepAliveCount    = 4
)

// listenTCP opens a TCP socket whose connections send without delay and are kept alive.
func listenTCP(ctx context.Context, network, address string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount,
	}}
	return lc.Listen(ctx, network, address)
}

// bindError says in plain words why an address can't be listened at.
func bindError(name, address string, err error) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listener %s: %w: %s", name, ErrAddressInUse, address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listener %s: %s needs rights that this process does not have: %w", name, address, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("listener %s: %s is not an address of this machine: %w", name, address, err)
	case errors.As(err, &dns):
		return fmt.Errorf("listener %s: the host of %s is not known: %w", name, address, err)
	default:
		return fmt.Errorf("listener %s: %w", name, err)
	}
}

// isExhausted reports whether an error of accept says that the process or the machine has run
// out of descriptors or memory.
func isExhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}
