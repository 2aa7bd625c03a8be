package stomptest_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// fill puts numbered messages, large enough that no buffers of the network hold them all, and returns how many.
func fill(t testing.TB, target stomptest.Target, queue string) int {
	t.Helper()
	const count = 80
	c := session(t, target)
	padding := strings.Repeat(".", 256<<10)
	for i := range count {
		c.Send(queue, strconv.Itoa(i)+" "+padding)
	}
	c.Sync()
	c.Disconnect()
	return count
}

// deaf opens a session that subscribes to a queue and reads nothing of what comes.
func deaf(t testing.TB, b *brokertest.Broker, target stomptest.Target, queue, ack string) *stomptest.Client {
	t.Helper()
	c := session(t, target)
	c.Write(stomptest.F("SUBSCRIBE", "id", "1", "destination", queue, "ack", ack, "receipt", "subscribed"))
	c.AwaitReceipt("subscribed")
	eventually(t, "deliveries on their way", func() bool { return b.Core().Totals().Delivered.Load() > 2 })
	return c
}

// eventually waits for a condition that no event tells of.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still waiting for %s", what)
		}
	}
}

func number(f stomptest.Frame) string {
	n, _, _ := strings.Cut(f.Body, " ")
	return n
}

// TestUnsubscribeUnread shows that a client which doesn't read can't hold up the end of its subscription: what it was not
// sent goes to others, and it gets the rest when it reads on, up to the receipt. Nothing is lost and nothing twice.
func TestUnsubscribeUnread(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	target := stomptest.Target{Address: b.Addr("stomp")}
	count := fill(t, target, "/queue/unread")
	c := deaf(t, b, target, "/queue/unread", "auto")
	c.Write(stomptest.F("UNSUBSCRIBE", "id", "1", "receipt", "unsubscribed"))
	queue := b.Core().Destinations()[0].Queue()
	eventually(t, "the end of the subscription", func() bool { return queue.Consumers() == 0 })

	seen := map[string]bool{}
	note := func(f stomptest.Frame) {
		if n := number(f); seen[n] {
			t.Errorf("message %s came twice", n)
		} else {
			seen[n] = true
		}
	}
	other := session(t, target)
	other.Subscribe("1", "/queue/unread")
	other.Put("/queue/unread", "last")
	for f := other.Message(); f.Body != "last"; f = other.Message() {
		note(f)
	}
	for f := c.Next(); f.Command != "RECEIPT"; f = c.Next() {
		note(f)
	}
	if len(seen) != count {
		t.Errorf("%d of %d messages came", len(seen), count)
	}
	c.Quiet()
}

// TestDeafClientGone shows that everything of a client which never read is released when it goes.
func TestDeafClientGone(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	target := stomptest.Target{Address: b.Addr("stomp")}
	count := fill(t, target, "/queue/deaf")
	c := deaf(t, b, target, "/queue/deaf", "client")
	c.Close()
	other := session(t, target)
	other.Subscribe("1", "/queue/deaf")
	seen := map[string]bool{}
	for range count {
		seen[number(other.Message())] = true
	}
	if len(seen) != count {
		t.Errorf("%d of %d messages came", len(seen), count)
	}
	other.Quiet()
}

// TestDeafClientKicked shows that an administrator gets rid of a client which doesn't read.
func TestDeafClientKicked(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	target := stomptest.Target{Address: b.Addr("stomp")}
	fill(t, target, "/queue/kicked")
	c := stomptest.Open(t, target)
	c.Login("1.2", "client-id", "kicked")
	c.Write(stomptest.F("SUBSCRIBE", "id", "1", "destination", "/queue/kicked"))
	eventually(t, "deliveries on their way", func() bool { return b.Core().Totals().Delivered.Load() > 2 })
	if err := b.Core().Kick("kicked", "test"); err != nil {
		t.Fatal(err)
	}
	again := stomptest.Open(t, target)
	again.Login("1.2", "client-id", "kicked")
	again.Disconnect()
	c.Ends()
}

// TestBrokerCloses shows what clients see when the broker goes: an ERROR and an end, and nothing of what they send then
// is confirmed. Clients that don't read don't hold it up.
func TestBrokerCloses(t *testing.T) {
	t.Parallel()
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		b := brokertest.Start(t)
		brokerCloses(t, b, stomptest.Target{Address: b.Addr("stomp")})
	})
	t.Run("tls", func(t *testing.T) {
		t.Parallel()
		b, pki := startSecure(t)
		brokerCloses(t, b, stomptest.Target{Address: b.Addr("stomp+tls"), TLS: pki.Client(), User: suiteUser, Pass: suitePassword})
	})
}

func brokerCloses(t *testing.T, b *brokertest.Broker, target stomptest.Target) {
	t.Helper()
	fill(t, target, "/queue/closing")
	deaf(t, b, target, "/queue/closing", "client")
	c := session(t, target)
	c.Subscribe("1", "/queue/other")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := b.Drain(ctx); err == nil {
		t.Error("drained, although a client has not settled what it got")
	}
	c.Put("/queue/other", "while draining", "persistent", "true")
	closed := make(chan error, 1)
	go func() { closed <- b.Close() }()
	if f := c.Expect("ERROR"); f.Get("message") != "the broker is stopping" {
		t.Errorf("got %v", f)
	}
	_ = c.TryWrite("SEND\ndestination:/queue/other\nreceipt:late\n\nx\x00")
	c.Ends()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestDisconnectFrees shows that whoever got the receipt of its DISCONNECT can come back under the same identifier, and
// that all it sent before is on disk and confirmed, also when it closes its side at once.
func TestDisconnectFrees(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]brokertest.Option{"memory": brokertest.WithLimits(brokertest.Limits{}), "disk": brokertest.WithStore(t.TempDir())} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := stomptest.Target{Address: brokertest.Start(t, option).Addr("stomp")}
			const rounds = 20
			for i := range rounds {
				c := stomptest.Open(t, target)
				c.Login("1.2", "client-id", "returning")
				c.Subscribe("1", "/topic/returning", "activemq.subscriptionName", "s")
				c.Write(
					stomptest.F("SEND", "destination", "/queue/returning", "persistent", "true", "receipt", "a", "sent"),
					stomptest.F("SEND", "destination", "/queue/returning", "persistent", "true", "sent"),
					stomptest.F("DISCONNECT", "receipt", "b"),
				)
				if i%2 == 0 {
					c.CloseWrite()
				}
				for _, id := range []string{"a", "b"} {
					if f := c.Expect("RECEIPT"); f.Get("receipt-id") != id {
						t.Errorf("got %v, want receipt %s", f, id)
					}
				}
			}
			// Without DISCONNECT what was sent is confirmed as well, if the client still reads.
			c := session(t, target)
			c.Write(stomptest.F("SEND", "destination", "/queue/returning", "persistent", "true", "receipt", "c", "sent"))
			c.CloseWrite()
			c.AwaitReceipt("c")
			c.Closed()
			reader := session(t, target)
			reader.Subscribe("1", "/queue/returning")
			reader.Messages(2*rounds + 1)
			reader.Quiet()
		})
	}
}

// TestDisconnectWaits shows that the receipt of a DISCONNECT does not overtake sends that wait for space.
func TestDisconnectWaits(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithLimits(brokertest.Limits{Memory: 1 << 20}))
	target := stomptest.Target{Address: b.Addr("stomp")}
	c := session(t, target)
	body := strings.Repeat("x", 200<<10)
	const count = 9 // one after the other until the limit is reached, and one that waits
	for range count {
		c.Write(stomptest.F("SEND", "destination", "/queue/full", body))
	}
	c.Write(stomptest.F("DISCONNECT", "receipt", "end"))
	reader := session(t, target)
	reader.Subscribe("1", "/queue/full")
	reader.Messages(count)
	c.AwaitReceipt("end")
	c.Closed()
}

// TestNothingLeft shows that clients and a broker that are gone leave no goroutine behind. It runs alone.
func TestNothingLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	b := brokertest.Start(t)
	target := stomptest.Target{Address: b.Addr("stomp")}
	idle := runtime.NumGoroutine()
	for i := range 30 {
		c := stomptest.Open(t, target)
		c.Login("1.2", "heart-beat", "1000,100")
		c.Subscribe("1", "/queue/left", "ack", "client")
		c.Subscribe("2", "/topic/left")
		c.Subscribe("3", "/queue/left", "browser", "true")
		c.Write(stomptest.F("BEGIN", "transaction", "t"), stomptest.F("SEND", "destination", "/queue/left", "x"))
		switch i % 3 {
		case 0:
			c.Write(stomptest.F("DISCONNECT"))
			c.Ends()
		case 1:
			c.WriteRaw("NONSENSE\n\n\x00")
			c.Ends()
		}
		c.Close()
	}
	fill(t, target, "/queue/deaf")
	deaf(t, b, target, "/queue/deaf", "auto").Close()
	leftover(t, "all clients", idle)
	deaf(t, b, target, "/queue/deaf", "client")
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	leftover(t, "the broker", before)
}

// leftover waits until no more than a number of goroutines is left.
func leftover(t *testing.T, of string, most int) {
	t.Helper()
	defer func() {
		if t.Failed() {
			stacks := make([]byte, 1<<20)
			t.Logf("%s", stacks[:runtime.Stack(stacks, true)])
		}
	}()
	eventually(t, fmt.Sprintf("the goroutines of %s to end", of), func() bool { return runtime.NumGoroutine() <= most })
}
