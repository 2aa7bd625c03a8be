package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// withoutEcho runs f while the terminal f reads from does not show what is typed. tty is false
// if the file is no terminal; f did not run then.
func withoutEcho(file *os.File, f func() error) (tty bool, err error) {
	fd := int(file.Fd())
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return false, nil
	}
	silent := *old
	silent.Lflag &^= unix.ECHO
	silent.Lflag |= unix.ICANON | unix.ISIG
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &silent); err != nil {
		return true, err
	}
	err = f()
	if e := unix.IoctlSetTermios(fd, unix.TCSETS, old); err == nil {
		err = e
	}
	return true, err
}
