//go:build !linux

package heap

// ReleaseStartup does nothing on this system.
func ReleaseStartup() {}
