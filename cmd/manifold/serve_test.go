package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/manifoldmq/manifold/cmd/manifold/api"
	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/process"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/store"
)

// loopBroker stands where the broker would be: its start opens an HTTP listener with the one
// call that serve's own commands need.
type loopBroker struct {
	brokerOptions
	http     *httptest.Server
	fail     error
	reloaded chan *config.Config
}

func (b *loopBroker) Start(context.Context) error {
	if b.fail != nil {
		return b.fail
	}
	b.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+b.token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		changes, err := b.reload(r.Context())
		if err != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprintf(w, `{"error":%q}`, err)
			return
		}
		fmt.Fprintf(w, `{"changes":["%s"]}`, strings.Join(changes, `","`))
	}))
	return nil
}

func (b *loopBroker) Addresses() []process.Address {
	return []process.Address{{Name: "http", Network: "tcp", Address: b.http.Listener.Addr().String()}}
}

func (b *loopBroker) Reload(c *config.Config) ([]string, error) {
	b.reloaded <- c
	return []string{"limits"}, nil
}

func (b *loopBroker) Drain(context.Context) error { return nil }
func (b *loopBroker) Fatal() <-chan error         { return nil }

func (b *loopBroker) Close() error {
	if b.http != nil {
		b.http.Close()
	}
	return nil
}

// lines is a writer that hands each write to a channel.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestServe(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	name := file(t, "c.yaml", "store: {path: '"+dir+"', engine: memory}\n")
	broker := &loopBroker{reloaded: make(chan *config.Config, 1)}
	out, log, signals := make(lines, 1), &buffer{}, make(chan os.Signal)
	// GOMEMLIMIT and GOGC keep serve from setting this process's collector.
	a := &app{out: out, err: log, signals: signals, env: []string{"GOMEMLIMIT=off", "GOGC=100"},
		newBroker: func(o brokerOptions) (process.Broker, error) { broker.brokerOptions = o; return broker, nil }}
	done := make(chan sysexit.Code, 1)
	go func() {
		done <- a.run(context.Background(), []string{"serve", "--config", name, "--log-format=json", "--standby"})
	}()

	ready := <-out
	if !strings.HasPrefix(ready, `{"event":"ready","listeners":[{"name":"http"`) {
		t.Errorf("ready line: %s", ready)
	}
	if !broker.standby || broker.config.Store.Engine != "memory" || broker.memory.Messages != 1<<30 {
		t.Errorf("options: %+v", broker.brokerOptions)
	}
	if info, err := os.Stat(filepath.Join(dir, api.TokenFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("token file: %v, %v", info, err)
	}

	if err := os.WriteFile(name, []byte("store: {path: '"+dir+"', engine: memory}\nlimits: {memory: 2GiB}\nlog: {level: debug}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := broker.Addresses()[0].Address
	manifold(t, "", nil, "reload", "--config", name, "--url", url).want(t, sysexit.OK, "limits\n", "")
	if c := <-broker.reloaded; c.Limits.Memory != 2<<30 {
		t.Errorf("reloaded with %s", c.Limits.Memory)
	}
	if !broker.log.Enabled(t.Context(), -4) {
		t.Error("the log's level was not reloaded")
	}
	if err := os.WriteFile(name, []byte("store: {path: '"+dir+"'}\nlimits: {memory: 2gb}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := file(t, "d.yaml", "store: {path: '"+dir+"'}\n")
	manifold(t, "", nil, "reload", "--config", good, "--url", url).want(t, sysexit.Config, "", "did you mean 2GiB?")
	stolen := filepath.Join(t.TempDir(), "data")
	if err := api.WriteToken(stolen, "wrong"); err != nil {
		t.Fatal(err)
	}
	manifold(t, "", nil, "reload", "--data", stolen, "--url", url).want(t, sysexit.Permission, "", "401")

	signals <- syscall.SIGTERM
	if code := <-done; code != sysexit.OK {
		t.Errorf("ended with %d; log: %s", code, log)
	}
	if _, err := os.Stat(filepath.Join(dir, api.TokenFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the token stays: %v", err)
	}
	manifold(t, "", nil, "reload", "--config", good).want(t, sysexit.Unavailable, "", "no broker runs in "+dir)
}

func TestServeThatCantStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		make error // of newBroker
		fail error // of Start
		args []string
		want sysexit.Code
		text string
	}{
		{"bad configuration", nil, nil, []string{"--limits-memory=1gb"}, sysexit.Config, "--limits-memory: limits.memory"},
		{"missing file", nil, nil, []string{"--config=/nonexistent/c.yaml"}, sysexit.NoInput, "no such file"},
		{"options refused", errors.New("there is no such protocol"), nil, nil, sysexit.Config, "there is no such protocol"},
		{"store locked", nil, fmt.Errorf("open store: %w", store.ErrLocked), nil, sysexit.StoreLocked, "in use by another process"},
		{"port in use", nil, &os.SyscallError{Syscall: "bind", Err: syscall.EADDRINUSE}, nil, sysexit.PortInUse, "address already in use"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			log := &buffer{}
			dir := filepath.Join(t.TempDir(), "data")
			a := &app{out: log, err: log, env: []string{"GOMEMLIMIT=off", "GOGC=100", "MANIFOLD_STORE_PATH=" + dir},
				newBroker: func(o brokerOptions) (process.Broker, error) {
					return &loopBroker{brokerOptions: o, fail: c.fail}, c.make
				}}
			code := a.run(t.Context(), append([]string{"serve"}, c.args...))
			if code != c.want || !strings.Contains(log.String(), c.text) {
				t.Errorf("got %d, want %d; log: %s", code, c.want, log)
			}
			if _, err := os.Stat(filepath.Join(dir, api.TokenFile)); err == nil {
				t.Error("a token was left")
			}
		})
	}
}
