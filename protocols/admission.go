package protocols

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// admission counts the connections of all listeners and says when there are too many.
type admission struct {
	mu     sync.Mutex
	limits Limits
	open   int
	by     map[netip.Addr]int // open connections by client address
}

func newAdmission(l Limits) *admission {
	return &admission{limits: l, by: make(map[netip.Addr]int)}
}

// current returns the limits.
func (a *admission) current() Limits {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.limits
}

// set changes the limits for connections to come.
func (a *admission) set(l Limits) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limits = l
}

// enter counts a connection, or says why it can't come in.
func (a *admission) enter() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := a.limits.Connections; n > 0 && a.open >= n {
		return fmt.Errorf("%d connections are open, which is limits.connections", a.open)
	}
	a.open++
	return nil
}

// leave ends what enter began.
func (a *admission) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open--
}

// claim counts a connection of an address, or says why there can't be another.
func (a *admission) claim(addr netip.Addr) error {
	if !addr.IsValid() {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := a.limits.PerAddress; n > 0 && a.by[addr] >= n {
		return fmt.Errorf("%s has %d connections, which is limits.connections_per_address", addr, a.by[addr])
	}
	a.by[addr]++
	return nil
}

// release ends what claim began.
func (a *admission) release(addr netip.Addr) {
	if !addr.IsValid() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by[addr]--; a.by[addr] <= 0 {
		delete(a.by, addr)
	}
}

// addrOf returns the IP address of a network address, in its shorter form; it is not valid for
// pipes and the like.
func addrOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp != nil {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}
