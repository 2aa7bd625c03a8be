package protocols

import (
	"fmt"
	"net"
	"net/netip"
)

// IsLoopback reports whether only this machine can connect to an address of the form host:port.
// A host name counts if it is localhost; no other name is looked up.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// CheckExposure refuses a listener that other machines can reach while nobody has to log in.
// protected says that logins are configured, or that everybody is let in on purpose.
func CheckExposure(name, address string, protected bool) error {
	if protected || IsLoopback(address) {
		return nil
	}
	return fmt.Errorf("listener %s: %s can be reached from other machines, and no login is configured: "+
		"add `security: {users: [{name: NAME, password: HASH}]}` (`manifold user hash` makes the hash), "+
		"or `security: {anonymous: true}` to let everybody in, or listen at 127.0.0.1", name, address)
}
