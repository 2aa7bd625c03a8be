package systemd

import (
	"net"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// listen returns a service manager's end, and the environment that leads there.
func listen(t *testing.T, name string) (*net.UnixConn, func(string) string) {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Skip("no unix sockets here:", err)
	}
	t.Cleanup(func() { conn.Close() })
	env := map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"}
	return conn, func(key string) string { return env[key] }
}

func TestMessages(t *testing.T) {
	t.Parallel()
	conn, env := listen(t, filepath.Join(t.TempDir(), "notify"))
	n := New(env, 7)
	for _, c := range []struct {
		name string
		call func() error
		want string
	}{
		{"ready", func() error { return n.Ready("2 listeners\nup") }, "^READY=1\nSTATUS=2 listeners up$"},
		{"reloading", n.Reloading, "^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*\nSTATUS=reloading$"},
		{"stopping", func() error { return n.Stopping("draining") }, "^STOPPING=1\nSTATUS=draining$"},
		{"extend", func() error { return n.Extend(time.Minute) }, "^EXTEND_TIMEOUT_USEC=60000000$"},
		{"watchdog", n.Watchdog, "^WATCHDOG=1$"},
	} {
		if err := c.call(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		buf := make([]byte, 256)
		size, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(c.want).Match(buf[:size]) {
			t.Errorf("%s: got %q", c.name, buf[:size])
		}
	}
}

func TestAbstractName(t *testing.T) {
	t.Parallel()
	conn, env := listen(t, "@manifold-test-"+filepath.Base(t.TempDir())+t.Name())
	if err := New(env, 7).Watchdog(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	if n, err := conn.Read(buf); err != nil || string(buf[:n]) != "WATCHDOG=1" {
		t.Errorf("got %q, %v", buf[:n], err)
	}
}

func TestWatchdogInterval(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		env  map[string]string
		want time.Duration
	}{
		{"outside of a service", map[string]string{"WATCHDOG_USEC": "3000000"}, 0},
		{"not asked for", map[string]string{"NOTIFY_SOCKET": "/x"}, 0},
		{"half", map[string]string{"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "3000000"}, 1500 * time.Millisecond},
		{"another process", map[string]string{"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"}, 0},
		{"nonsense", map[string]string{"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "-1"}, 0},
	} {
		n := New(func(key string) string { return c.env[key] }, 7)
		if got := n.WatchdogInterval(); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	if err := (Notifier{}).Ready("x"); err != nil {
		t.Errorf("without a service manager: %v", err)
	}
	if err := (Notifier{socket: "vsock:2:3"}).Watchdog(); err == nil {
		t.Error("an address of another kind was used")
	}
	if err := (Notifier{socket: filepath.Join(t.TempDir(), "gone")}).Watchdog(); err == nil {
		t.Error("nobody listens, and there is no error")
	}
}
