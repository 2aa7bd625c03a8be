package process

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/systemd"
)

// TestServiceManager runs a process under a service manager's socket. There is no fake time
// here: sockets are real.
func TestServiceManager(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Skip("no unix sockets here:", err)
	}
	defer manager.Close()
	env := map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "20000"}
	signals, become := make(chan os.Signal), make(chan struct{})
	p := New(Options{
		Config:  config.Default(),
		Load:    func() (*config.Loaded, error) { return config.Parse("c.yaml", nil) },
		Signals: signals, Out: io.Discard, Err: io.Discard, Log: slog.New(slog.DiscardHandler),
		Notify:  systemd.New(func(key string) string { return env[key] }, 1),
		Standby: true,
	})
	done := make(chan error, 1)
	go func() {
		done <- p.Run(context.Background(), &fakeBroker{start: func(context.Context) error { <-become; return nil }})
	}()
	buf := make([]byte, 512)
	expect := func(want string) {
		t.Helper()
		for {
			n, err := manager.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			got := string(buf[:n])
			if got == "WATCHDOG=1" && want != got {
				continue
			}
			if !strings.HasPrefix(got, want) {
				t.Fatalf("got %q, want %q", got, want)
			}
			return
		}
	}
	expect("READY=1\nSTATUS=standing by")
	expect("WATCHDOG=1")
	close(become)
	expect("READY=1\nSTATUS=listening on openwire=127.0.0.1:61616 ")
	signals <- syscall.SIGHUP
	expect("RELOADING=1\nMONOTONIC_USEC=")
	expect("READY=1\nSTATUS=listening on ")
	expect("WATCHDOG=1")
	signals <- syscall.SIGTERM
	expect("STOPPING=1\nSTATUS=draining")
	expect("EXTEND_TIMEOUT_USEC=60000000")
	if err := <-done; err != nil {
		t.Error(err)
	}
}
