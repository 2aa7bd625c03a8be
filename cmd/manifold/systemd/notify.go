// Package systemd tells the service manager what the process is doing: the notification
// protocol of sd_notify(3), without its library.
package systemd

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// Notifier sends state changes to the service manager. The zero Notifier, and one outside of a
// service, sends nothing. Its methods may be called from any goroutine and don't block for long:
// a datagram is lost rather than waited for.
type Notifier struct {
	socket   string
	watchdog time.Duration
}

// New reads NOTIFY_SOCKET and WATCHDOG_USEC with getenv. The watchdog is meant for this process
// if WATCHDOG_PID is absent or is pid.
func New(getenv func(string) string, pid int) Notifier {
	n := Notifier{socket: getenv("NOTIFY_SOCKET")}
	if owner := getenv("WATCHDOG_PID"); owner != "" && owner != strconv.Itoa(pid) {
		return n
	}
	if usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64); err == nil && usec > 0 && usec < 1<<50 {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n
}

// Enabled reports whether a service manager listens.
func (n Notifier) Enabled() bool { return n.socket != "" }

// WatchdogInterval returns how often Watchdog has to be called: at half of what the service
// manager allows. 0 means never.
func (n Notifier) WatchdogInterval() time.Duration {
	if !n.Enabled() {
		return 0
	}
	return n.watchdog / 2
}

// Ready says that the start, or a reload, is complete.
func (n Notifier) Ready(status string) error { return n.send("READY=1", status) }

// Reloading says that a reload starts; Ready must follow.
func (n Notifier) Reloading() error {
	now, err := monotonic()
	if err != nil {
		return err
	}
	return n.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Microseconds()), "reloading")
}

// Stopping says that the process ends.
func (n Notifier) Stopping(status string) error { return n.send("STOPPING=1", status) }

// Extend asks for more time for a long start or stop.
func (n Notifier) Extend(by time.Duration) error {
	return n.send(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", by.Microseconds()), "")
}

// Watchdog says that the process is alive.
func (n Notifier) Watchdog() error { return n.send("WATCHDOG=1", "") }

var errAddress = errors.New("systemd: NOTIFY_SOCKET is neither a path nor an abstract name")

func (n Notifier) send(state, status string) error {
	if n.socket == "" {
		return nil
	}
	if n.socket[0] != '/' && n.socket[0] != '@' {
		return errAddress
	}
	if status != "" {
		state += "\nSTATUS=" + strings.ReplaceAll(status, "\n", " ")
	}
	// The net package reads a leading @ as an abstract name, as systemd does.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("systemd: %w", err)
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return fmt.Errorf("systemd: %w", err)
	}
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("systemd: %w", err)
	}
	return nil
}
