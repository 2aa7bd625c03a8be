//go:build !linux

package main

import "os"

// withoutEcho reports that the file is no terminal whose echo can be turned off here; the
// password is then read from standard input as it is.
func withoutEcho(*os.File, func() error) (tty bool, err error) { return false, nil }
