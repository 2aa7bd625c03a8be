// Package sysexit is the program's exit codes: those of sysexits.h where one fits, and codes of
// its own for what an operator or a service manager must tell apart at the start of a broker.
package sysexit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/manifoldmq/manifold/store"
)

// Code is an exit code of the program.
type Code int

// The codes. 64 to 78 are those of sysexits.h.
const (
	OK          Code = 0
	Partial     Code = 3  // it ran, but not everything came out as it should
	Usage       Code = 64 // the command line is wrong
	Data        Code = 65 // the input is wrong: a damaged dump, a message that is refused
	NoInput     Code = 66 // an input file can't be read
	Unavailable Code = 69 // no broker answers
	Software    Code = 70 // a defect of the program
	CantCreate  Code = 73 // a file or directory can't be made or written
	IO          Code = 74 // the disk failed: an fsync or a write; the broker stopped at once
	Timeout     Code = 75 // it did not happen in time; trying again may help
	Permission  Code = 77 // the login or the right is missing
	Config      Code = 78 // the configuration is wrong

	PortInUse    Code = 80 // another process listens on an address
	StoreLocked  Code = 81 // another process has the data directory open
	StoreNewer   Code = 82 // the data was written by a newer program
	StoreCorrupt Code = 83 // the data is damaged; see manifold store check
)

// Codes lists all codes with their meaning, for help and documentation.
func Codes() []Meaning {
	return []Meaning{
		{OK, "success, also after a stop that was asked for"},
		{Partial, "it ran to its end, but not all is well: messages were lost or came twice"},
		{Usage, "the command line is wrong"},
		{Data, "the input is wrong, or the broker refused it"},
		{NoInput, "an input file can't be read"},
		{Unavailable, "no broker answers"},
		{Software, "a defect of the program"},
		{CantCreate, "a file or directory can't be made or written"},
		{IO, "the disk failed: an fsync or a write; the broker stopped at once"},
		{Timeout, "it did not happen in time; trying again may help"},
		{Permission, "the login or the right is missing"},
		{Config, "the configuration is wrong"},
		{PortInUse, "another process listens on an address"},
		{StoreLocked, "another process has the data directory open"},
		{StoreNewer, "the data was written by a newer program"},
		{StoreCorrupt, "the data is damaged"},
	}
}

// Meaning says what a code stands for.
type Meaning struct {
	Code Code
	Text string
}

// coded is an error with an exit code.
type coded struct {
	code Code
	err  error
}

func (c *coded) Error() string { return c.err.Error() }
func (c *coded) Unwrap() error { return c.err }

// With gives err an exit code, which Of prefers to what it would find in err. nil stays nil.
func With(code Code, err error) error {
	if err == nil {
		return nil
	}
	return &coded{code, err}
}

// Errorf makes an error with an exit code.
func Errorf(code Code, format string, args ...any) error {
	return &coded{code, fmt.Errorf(format, args...)}
}

// Of returns the exit code for an error: the one it was given, or what its cause tells.
func Of(err error) Code {
	var c *coded
	var disk *fs.PathError
	switch {
	case err == nil:
		return OK
	case errors.As(err, &c):
		return c.code
	case errors.Is(err, store.ErrLocked):
		return StoreLocked
	case errors.Is(err, store.ErrFormat):
		return StoreNewer
	case errors.Is(err, store.ErrCorrupt):
		return StoreCorrupt
	case errors.Is(err, store.ErrStopped), errors.Is(err, store.ErrDiskFull), errors.Is(err, syscall.EIO), errors.Is(err, syscall.ENOSPC):
		return IO
	case errors.Is(err, syscall.EADDRINUSE):
		return PortInUse
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Unavailable
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return Timeout
	case errors.Is(err, fs.ErrPermission):
		return Permission
	case errors.Is(err, fs.ErrNotExist):
		return NoInput
	case errors.As(err, &disk):
		return CantCreate
	}
	return Software
}
