package mqtttest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/mqtt/mqtttest"
)

// TestLoad puts a broker in another process, which MANIFOLD_LOAD_MQTT_URL names, under the load of
// many clients, and prints figures: what idle connections cost in memory, how long a storm of
// logins takes until the last is served, and a fan-out. It asserts that everything is served, and
// no time. MANIFOLD_LOAD_PID is the broker's process; MANIFOLD_LOAD_IDLE, MANIFOLD_LOAD_STORM and
// MANIFOLD_LOAD_FANOUT are numbers of connections, 0 for none.
//
// MANIFOLD_LOAD_USERS gives each client of the storm a user and a password of its own. Where it names
// a file that is not there, nothing else happens than that it is written, for security.users_file.
func TestLoad(t *testing.T) {
	number := func(name string) int {
		n, _ := strconv.Atoi(os.Getenv(name))
		return n
	}
	users := os.Getenv("MANIFOLD_LOAD_USERS")
	if n := number("MANIFOLD_LOAD_STORM"); n > 0 && users != "" {
		if _, err := os.Stat(users); errors.Is(err, os.ErrNotExist) {
			writeUsers(t, users, n)
			return
		}
	}
	text := os.Getenv("MANIFOLD_LOAD_MQTT_URL")
	if text == "" {
		t.Skip("MANIFOLD_LOAD_MQTT_URL names no broker")
	}
	target := parse(t, text)
	target.Patience = 2 * time.Minute
	if n := number("MANIFOLD_LOAD_STORM"); n > 0 {
		storm(t, target, n, users != "")
	}
	if n := number("MANIFOLD_LOAD_IDLE"); n > 0 {
		before := resident(t)
		open(t, target, n, 64)
		after := resident(t)
		t.Logf("idle: %d connections, %d kB resident before, %d kB after: %.1f kB each", n, before, after, float64(after-before)/float64(n))
	}
	if n := number("MANIFOLD_LOAD_FANOUT"); n > 0 {
		fanOut(t, target, n)
	}
}

// resident returns the broker's resident memory in kB.
func resident(t *testing.T) int {
	t.Helper()
	pid := os.Getenv("MANIFOLD_LOAD_PID")
	if pid == "" {
		return 0
	}
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// open opens n connections, at most so many at a time, and returns when all are logged in. They
// are spread over the addresses of the loopback network, each of which has ports of its own.
func open(t *testing.T, target mqtttest.Target, n, atOnce int) []*mqtttest.Client {
	t.Helper()
	var config *tls.Config
	if target.TLS != nil {
		var err error
		if config, err = target.TLS.Config(); err != nil {
			t.Fatal(err)
		}
		config.ServerName, _, _ = net.SplitHostPort(target.Address)
	}
	list := make([]*mqtttest.Client, n)
	var all sync.WaitGroup
	for first := range atOnce {
		all.Go(func() {
			for i := first; i < n; i += atOnce {
				own := target
				own.Dialer = func() (net.Conn, error) {
					c, err := dialFrom(t.Context(), target.Address, i)
					if err != nil || config == nil {
						return c, err
					}
					secure := tls.Client(c, config)
					return secure, secure.HandshakeContext(t.Context())
				}
				c := mqtttest.Open(t, own, 4)
				c.Login(mqtttest.Connect{ClientID: fmt.Sprint("load-", n, "-", i)})
				list[i] = c
			}
		})
	}
	all.Wait()
	return list
}

// dialFrom opens a connection from one of the addresses of the loopback network.
func dialFrom(ctx context.Context, address string, i int) (net.Conn, error) {
	d := net.Dialer{Timeout: 2 * time.Minute, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i%200))}}
	return d.DialContext(ctx, "tcp", address)
}

// userOf returns the name and the password of a client of the storm.
func userOf(i int) (name, password string) { return fmt.Sprint("u", i), fmt.Sprint("password ", i) }

// writeUsers writes a file of users with bcrypt hashes as the command line makes them.
func writeUsers(t *testing.T, file string, n int) {
	t.Helper()
	lines := make([]string, n)
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				name, password := userOf(i)
				hash, err := security.Hash(password)
				if err != nil {
					t.Error(err)
				}
				lines[i] = name + "=" + hash + "\n"
			}
		})
	}
	all.Wait()
	if err := os.WriteFile(file, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
}

// storm lets n clients connect all at once, as they do when a broker comes back. Each tries again a
// second after it was cut or has waited for thirty, as client libraries do, until it is served.
func storm(t *testing.T, target mqtttest.Target, n int, users bool) {
	t.Helper()
	const wait = 30 * time.Second
	begin := time.Now()
	var tries atomic.Int64
	took := make([]time.Duration, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for {
				tries.Add(1)
				c, err := login(t.Context(), target.Address, i, users, wait)
				if err == nil {
					took[i] = time.Since(begin)
					t.Cleanup(func() { _ = c.Close() })
					return
				}
				if errors.Is(err, errRefused) || t.Context().Err() != nil {
					t.Error(err)
					return
				}
				<-time.After(time.Second)
			}
		})
	}
	all.Wait()
	slices.Sort(took)
	t.Logf("storm: %d logins in %v, half of them in %v; %d tries", n, took[n-1].Round(time.Millisecond), took[n/2].Round(time.Millisecond), tries.Load())
}

// errRefused says that a broker has answered and does not want the client.
var errRefused = errors.New("refused")

// login connects with MQTT 3.1.1.
func login(ctx context.Context, address string, i int, users bool, wait time.Duration) (net.Conn, error) {
	c, err := dialFrom(ctx, address, i)
	if err != nil {
		return nil, err
	}
	texts, flags := []string{fmt.Sprint("storm-", i)}, byte(2)
	if users {
		name, password := userOf(i)
		texts, flags = append(texts, name, password), flags|0xc0
	}
	body := append([]byte{0, 4}, "MQTT"...)
	body = append(body, 4, flags, 0, 0)
	for _, text := range texts {
		body = append(append(body, 0, byte(len(text))), text...)
	}
	answer := make([]byte, 4)
	_ = c.SetDeadline(time.Now().Add(wait))
	if _, err = c.Write(append([]byte{0x10, byte(len(body))}, body...)); err == nil {
		_, err = io.ReadFull(c, answer)
	}
	if err == nil && answer[3] != 0 {
		err = fmt.Errorf("%w: code %d", errRefused, answer[3])
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, c.SetDeadline(time.Time{})
}

// fanOut publishes to n subscribers, with QoS 0 and 1.
func fanOut(t *testing.T, target mqtttest.Target, n int) {
	const messages = 50
	list := open(t, target, n, 64)
	for qos := range byte(2) {
		topic := fmt.Sprint("mqtttest/fanout/", qos)
		for _, c := range list {
			c.Sub(topic, qos)
		}
		payload := strings.Repeat("x", 256)
		publisher := open(t, target, 1, 1)[0]
		begin := time.Now()
		var all sync.WaitGroup
		for first := range 8 {
			all.Go(func() {
				for i := first; i < n; i += 8 {
					for range messages {
						list[i].Message()
					}
				}
			})
		}
		for range messages {
			publisher.Put(mqtttest.Message{Topic: topic, Payload: payload, QoS: qos})
		}
		all.Wait()
		d := time.Since(begin)
		t.Logf("fan-out: QoS %d, %d messages to %d subscribers in %v: %.0f deliveries/s", qos, messages, n, d.Round(time.Millisecond), float64(messages*n)/d.Seconds())
		publisher.Close()
	}
}
