package mqtttest_test

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/mqtt/mqtttest"
)

// TestLoad puts a broker in another process, which MANIFOLD_LOAD_MQTT_URL names, under the load of
// many clients, and prints figures: what idle connections cost in memory, how long a storm of
// logins takes until the last is served, and a fan-out. It asserts that everything is served, and
// no time. MANIFOLD_LOAD_PID is the broker's process; MANIFOLD_LOAD_IDLE, MANIFOLD_LOAD_STORM and
// MANIFOLD_LOAD_FANOUT are numbers of connections, 0 for none. The storm's users are u0, u1 and so
// on, with passwords p0, p1, if MANIFOLD_LOAD_USERS is set.
func TestLoad(t *testing.T) {
	text := os.Getenv("MANIFOLD_LOAD_MQTT_URL")
	if text == "" {
		t.Skip("MANIFOLD_LOAD_MQTT_URL names no broker")
	}
	target := parse(t, text)
	target.Patience = 2 * time.Minute
	number := func(name string) int {
		n, _ := strconv.Atoi(os.Getenv(name))
		return n
	}
	if n := number("MANIFOLD_LOAD_STORM"); n > 0 {
		users := os.Getenv("MANIFOLD_LOAD_USERS") != ""
		begin := time.Now()
		open(t, target, n, 256, users)
		t.Logf("storm: %d logins in %v", n, time.Since(begin).Round(time.Millisecond))
	}
	if n := number("MANIFOLD_LOAD_IDLE"); n > 0 {
		before := resident(t)
		open(t, target, n, 64, false)
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
func open(t *testing.T, target mqtttest.Target, n, atOnce int, users bool) []*mqtttest.Client {
	t.Helper()
	list := make([]*mqtttest.Client, n)
	var all sync.WaitGroup
	for first := range atOnce {
		all.Go(func() {
			for i := first; i < n; i += atOnce {
				own := target
				if users {
					own.User, own.Pass = fmt.Sprint("u", i), fmt.Sprint("p", i)
				}
				own.Dialer = func() (net.Conn, error) {
					d := net.Dialer{Timeout: 2 * time.Minute, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i%200))}}
					return d.Dial("tcp", target.Address)
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

// fanOut publishes to n subscribers, with QoS 0 and 1.
func fanOut(t *testing.T, target mqtttest.Target, n int) {
	const messages = 50
	list := open(t, target, n, 64, false)
	for qos := range byte(2) {
		topic := fmt.Sprint("mqtttest/fanout/", qos)
		for _, c := range list {
			c.Sub(topic, qos)
		}
		payload := strings.Repeat("x", 256)
		publisher := open(t, target, 1, 1, false)[0]
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
