package stomptest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/stomp"
	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// canary is a client that others must not hurt. The function that it returns shows that it still works.
func canary(t testing.TB, target stomptest.Target) (sings func()) {
	t.Helper()
	c := stomptest.Open(t, target)
	c.Login("1.2")
	c.Subscribe("1", "/queue/canary", "ack", "client-individual")
	return func() {
		t.Helper()
		c.Put("/queue/canary", "tweet")
		c.Ack(c.WantBodies("tweet")[0])
		c.Quiet()
	}
}

// session opens a session of version 1.2.
func session(t testing.TB, target stomptest.Target) *stomptest.Client {
	t.Helper()
	c := stomptest.Open(t, target)
	c.Login("1.2")
	return c
}

// refusedWith reads up to the ERROR with a message, and the end of the connection.
func refusedWith(t *testing.T, c *stomptest.Client, message string) {
	t.Helper()
	f := c.Next()
	for f.Command == "RECEIPT" {
		f = c.Next()
	}
	if got := f.Get("message"); f.Command != "ERROR" || !strings.HasPrefix(got, message) || len(got) > 300 {
		t.Errorf("got %.300v, want an ERROR with %q", f, message)
	}
	c.Ends()
}

const (
	dataLimit   = "The maximum data length was exceeded"
	headerLimit = "The maximum header length was exceeded"
	headerCount = "The maximum number of headers was exceeded"
	badLength   = "Specified content-length is not a valid integer"
	noNul       = "content-length bytes were read and there was no trailing null byte"
)

// malformed are inputs after which the connection is closed.
func malformed() map[string]struct{ input, message string } {
	const send = "SEND\ndestination:/queue/hostile\n"
	list := map[string]struct{ input, message string }{
		"content-length one short":      {send + "content-length:3\n\nabcd\x00", noNul},
		"content-length one too long":   {send + "content-length:5\n\nabcd\x00\n", noNul},
		"content-length 100 MiB + 1":    {send + "content-length:104857601\n\n", dataLimit},
		"content-length 2^31-1":         {send + "content-length:2147483647\n\n", dataLimit},
		"content-length 2^32":           {send + "content-length:4294967296\n\n", dataLimit},
		"content-length 2^63-1":         {send + "content-length:9223372036854775807\n\n", badLength},
		"content-length of 1000 digits": {send + "content-length:" + strings.Repeat("9", 1000) + "\n\n", badLength},
		"command without end":           {strings.Repeat("A", 5000), ""},
		"header without end":            {send + strings.Repeat("a", 200<<10), headerLimit},
		"value without end":             {send + "a:" + strings.Repeat("b", 200<<10), headerLimit},
		"headers without end":           {send + strings.Repeat("a:b\n", 50000), headerCount},
		"large headers without end":     {send + strings.Repeat("a:"+strings.Repeat("b", 10000)+"\n", 300), ""},
		"NUL in a command":              {"SE\x00ND\ndestination:/queue/hostile\n\n\x00", ""},
		"noise":                         {strings.Repeat("\xff\xfe\x80\x81", 2000), ""},
		"another protocol":              {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n\x00", ""},
	}
	for _, length := range []string{"-1", "-2147483648", "-9223372036854775808", "9223372036854775808", "18446744073709551616", "+4", "0x4", "4.0", "4 4", "4,4", "٤", ""} {
		list["content-length "+length] = struct{ input, message string }{send + "content-length:" + length + "\n\nabcd\x00", badLength}
	}
	for _, command := range []string{"CONNECTED", "MESSAGE", "RECEIPT", "ERROR", "send", "SENDX", "SEN", "\x01"} {
		list["command "+command] = struct{ input, message string }{command + "\ndestination:/queue/hostile\n\nx\x00", "Unknown STOMP action: "}
	}
	return list
}

// TestMalformedInput sends what can't be a frame, in a session and before one: the answer is an ERROR and a close, and
// others don't notice.
func TestMalformedInput(t *testing.T) {
	t.Parallel()
	target := stomptest.Target{Address: brokertest.Start(t).Addr("stomp")}
	sings := canary(t, target)
	for name, m := range malformed() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := session(t, target)
			_ = c.TryWrite(m.input)
			refusedWith(t, c, m.message)
			before := stomptest.Open(t, target)
			_ = before.TryWrite(strings.Replace(m.input, "SEND\n", "CONNECT\n", 1))
			if name == "another protocol" {
				return // it is recognised and closed without a word
			}
			f := before.Next()
			if f.Command != "ERROR" && f.Command != "CONNECTED" { // a length on CONNECT is not heeded
				t.Errorf("before the login: got %v", f)
			}
		})
	}
	t.Run("canary", func(*testing.T) { sings() })
}

// TestBeforeLogin shows that before CONNECT nothing works, and little is taken.
func TestBeforeLogin(t *testing.T) {
	t.Parallel()
	target := stomptest.Target{Address: brokertest.Start(t).Addr("stomp")}
	sings := canary(t, target)
	for _, command := range []string{"SEND", "SUBSCRIBE", "UNSUBSCRIBE", "ACK", "NACK", "BEGIN", "COMMIT", "ABORT", "DISCONNECT"} {
		f := stomptest.F(command, "destination", "/queue/early", "id", "1", "transaction", "t", "message-id", "m", "receipt", "r")
		c := stomptest.Open(t, target)
		for range 3 {
			c.Write(f)
			if got := c.Expect("ERROR"); got.Get("message") != "Not connected." || got.Get("receipt-id") != "r" {
				t.Errorf("%s: got %v", command, got)
			}
		}
		c.Login("1.2")
		c.Quiet()
	}
	for name, m := range map[string]struct{ input, message string }{
		"large frame":        {"CONNECT\n" + strings.Repeat("a:"+strings.Repeat("b", 10000)+"\n", 10), ""},
		"large body":         {"SEND\ncontent-length:70000\n\n", dataLimit},
		"body without end":   {"CONNECT\n\n" + strings.Repeat("x", 80<<10), ""},
		"many frames":        {strings.Repeat("BEGIN\ntransaction:t\n\n\x00", 20000), "Not connected."},
		"many line feeds":    {strings.Repeat("\n", 80<<10), "Too much was sent before the login"},
		"many bad versions":  {strings.Repeat("CONNECT\naccept-version:9.9\n\n\x00", 10), "Invalid Protocol version[9.9]"},
		"headers of CONNECT": {"CONNECT\n" + strings.Repeat("a:b\n", 1001), headerCount},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := stomptest.Open(t, target)
			_ = c.TryWrite(m.input)
			if f := c.Next(); f.Command != "ERROR" || !strings.HasPrefix(f.Get("message"), m.message) {
				t.Errorf("got %v, want an ERROR with %q", f, m.message)
			}
			c.Ends()
		})
	}
	sings()
}

// TestSlowLogin shows that a client which does not finish its CONNECT in time is told so and closed, however little it
// sends.
func TestSlowLogin(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithSTOMP(stomp.Options{ConnectTimeout: 300 * time.Millisecond}))
	target := stomptest.Target{Address: b.Addr("stomp")}
	sings := canary(t, target)
	silent, drip := stomptest.Open(t, target), stomptest.Open(t, target)
	silent.WriteRaw("CONNECT\naccept-")
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if drip.TryWrite("C") != nil {
				return
			}
		}
	}()
	refusedWith(t, silent, "No CONNECT frame within 300ms")
	if f := drip.Expect("ERROR"); f.Get("message") != "No CONNECT frame within 300ms" {
		t.Errorf("got %v", f)
	}
	drip.Close()
	<-done
	sings()
}

// TestLengthsThatLie shows that what a length claims is not allocated before it comes. It runs alone, since it measures
// the process's memory.
func TestLengthsThatLie(t *testing.T) {
	target := stomptest.Target{Address: brokertest.Start(t).Addr("stomp")}
	sings := canary(t, target)
	const count = 64
	var clients []*stomptest.Client
	for range count {
		clients = append(clients, session(t, target))
	}
	before := heap()
	for _, c := range clients {
		c.WriteRaw("SEND\ndestination:/queue/a\nreceipt:1\n\nx\x00SEND\ndestination:/queue/hostile\ncontent-length:104857600\n\nsome bytes")
		c.AwaitReceipt("1") // so the length has been read as well, or is about to be
	}
	sings()
	if grown := heap() - before; grown > count<<20 {
		t.Errorf("%d claims of 100 MiB took %d KiB", count, grown>>10)
	}
	for _, c := range clients {
		c.Close()
	}
	sings()
}

// heap returns the bytes in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestStrangeText shows that headers and bodies which are no text, or hold control characters, harm nobody and arrive
// as they were.
func TestStrangeText(t *testing.T) {
	t.Parallel()
	target := stomptest.Target{Address: brokertest.Start(t).Addr("stomp")}
	c := session(t, target)
	for i, text := range []string{"\xff\xfe", "a\xc3", "\xed\xa0\x80", "\u202eabc", "<script>", "\x01\x1b[31m", "../../etc/passwd", "a\r\nb: c", strings.Repeat("é", 4000)} {
		queue := fmt.Sprintf("/queue/strange.%d", i)
		c.Subscribe(queue, queue)
		c.Put(queue, text, "plain", text, "x"+strings.ReplaceAll(text[:min(len(text), 50)], "\xc3", ""), "name", "content-length", fmt.Sprint(len(text)))
		got := c.Message()
		if got.Get("plain") != text || got.Body != text {
			t.Errorf("%q became %q, %q", text, got.Get("plain"), got.Body)
		}
		c.Subscribe("q"+queue, queue+"."+text)
		c.Put(queue+"."+text, "named")
		if f := c.Message(); f.Body != "named" {
			t.Errorf("%q as a name: got %v", text, f)
		}
	}
	// Many clients end a frame at a NUL wherever it is, so that one in a header could begin a frame of an attacker's.
	c.Subscribe("nul", "/queue/strange.nul")
	c.Put("/queue/strange.nul", "body", "plain", "a\x00MESSAGE", "n\x00", "x")
	if got := c.Message(); got.Get("plain") != "a MESSAGE" || got.Get("n ") != "x" || got.Body != "body" {
		t.Errorf("got %v", got)
	}
	c.Fails(stomptest.F("SEND", "destination", "/queue/strange\x00MESSAGE", "x"))
	c.Quiet()
}

// TestCaps shows that what a connection may hold is bounded, and that it stays usable at the bound.
func TestCaps(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithLimits(brokertest.Limits{Subscriptions: 20, Transactions: 10, TempQueues: 5, Destinations: 60, TxBytes: 1 << 20, Memory: 64 << 20}))
	target := stomptest.Target{Address: b.Addr("stomp")}
	sings := canary(t, target)
	t.Run("subscriptions", func(t *testing.T) {
		c := session(t, target)
		for i := range 20 {
			c.Subscribe(fmt.Sprint(i), "/queue/cap")
		}
		c.Fails(stomptest.F("SUBSCRIBE", "id", "more", "destination", "/queue/cap"))
		c.Fails(stomptest.F("SUBSCRIBE", "id", "more", "destination", "/topic/cap"))
		c.Unsubscribe("3")
		c.Subscribe("more", "/queue/cap")
	})
	t.Run("transactions", func(t *testing.T) {
		c := session(t, target)
		for i := range 10 {
			c.Do(stomptest.F("BEGIN", "transaction", fmt.Sprint(i)))
		}
		c.Fails(stomptest.F("BEGIN", "transaction", "more"))
		c.Do(stomptest.F("ABORT", "transaction", "3"))
		c.Do(stomptest.F("BEGIN", "transaction", "more"))
	})
	t.Run("bytes of a transaction", func(t *testing.T) {
		c := session(t, target)
		c.Do(stomptest.F("BEGIN", "transaction", "t"))
		body := strings.Repeat("x", 200<<10)
		for range 4 {
			c.Put("/queue/cap.tx", body, "transaction", "t")
		}
		f := stomptest.F("SEND", "destination", "/queue/cap.tx", "transaction", "t", body+body)
		c.Fails(f)
		c.Do(stomptest.F("ABORT", "transaction", "t"))
		c.Subscribe("1", "/queue/cap.tx")
		c.Quiet()
	})
	t.Run("temporary queues", func(t *testing.T) {
		c := session(t, target)
		for i := range 5 {
			c.Put(fmt.Sprintf("/temp-queue/%d", i), "x")
		}
		c.Fails(stomptest.F("SEND", "destination", "/temp-queue/more", "x"))
		c.Put("/temp-queue/1", "x")
	})
	t.Run("destinations", func(t *testing.T) {
		c := session(t, target)
		failed := 0
		for i := range 100 {
			c.Write(stomptest.F("SEND", "destination", fmt.Sprintf("/queue/cap.many.%d", i), "receipt", "r", "x"))
			if f := c.Next(); f.Command == "ERROR" {
				failed++
			}
		}
		if failed < 40 {
			t.Errorf("%d of 100 were refused", failed)
		}
	})
	t.Run("members", func(t *testing.T) {
		c := session(t, target)
		c.Fails(stomptest.F("SEND", "destination", strings.Repeat("/queue/cap,", 300)+"/queue/cap", "x"))
		c.Fails(stomptest.F("SEND", "destination", strings.Repeat(",", 9000), "x"))
	})
	sings()
}

// TestHostileSelectors shows that no selector takes more than a moment, to be read or to be evaluated.
func TestHostileSelectors(t *testing.T) {
	t.Parallel()
	target := stomptest.Target{Address: brokertest.Start(t).Addr("stomp")}
	sings := canary(t, target)
	c := session(t, target)
	for i, selector := range []string{
		strings.Repeat("(", 5000) + "a" + strings.Repeat(")", 4000), strings.Repeat("NOT ", 2500) + "a", strings.Repeat("-", 9000) + "1 = 1",
		"a IN (" + strings.Repeat("'x',", 2000), "'" + strings.Repeat("x", 9000), strings.Repeat("a=1 OR ", 1300) + "", "\x01", "a = 'b", "LIKE", "1e999999999 > a AND",
	} {
		c.Fails(stomptest.F("SUBSCRIBE", "id", fmt.Sprint("bad", i), "destination", "/topic/hostile", "selector", selector))
	}
	long := strings.Repeat("a", 9000)
	for i, selector := range []string{
		"text LIKE '" + strings.Repeat("%a", 2000) + "%b'", "text LIKE '" + strings.Repeat("_%", 2000) + "b'",
		strings.Repeat("text = 'b' OR ", 600) + "text = 'c'", "text IN ('" + strings.Repeat("x','", 2000) + "y')",
		"REGEX('(a+)+$', text) AND 1 = 2", "n * 9223372036854775807 * 9223372036854775807 / 0 > 1e308", "text BETWEEN 'b' AND 'c'",
	} {
		id := fmt.Sprint("slow", i)
		c.Write(stomptest.F("SUBSCRIBE", "id", id, "destination", "/topic/hostile", "selector", selector, "receipt", id))
		if f := c.Next(); f.Command != "RECEIPT" && f.Command != "ERROR" {
			t.Errorf("got %v", f)
		}
	}
	producer := session(t, target)
	for range 20 {
		producer.Put("/topic/hostile", "x", "text", long, "n", "9223372036854775807")
	}
	c.Quiet()
	sings()
}

// TestStrangeValues shows that identifiers and numbers which mean nothing are refused or harmless.
func TestStrangeValues(t *testing.T) {
	t.Parallel()
	target := stomptest.Target{Address: brokertest.Start(t).Addr("stomp")}
	c := session(t, target)
	c.Subscribe("1", "/queue/values", "ack", "client")
	c.Put("/queue/values", "one")
	m := c.Message()
	for _, id := range []string{"", "ID", "ID-", "ID--1-1", "ID-1", "ID-1-", "ID-1-0", "ID-1-2", "ID-2-1", "ID-1-18446744073709551615", "ID-1-18446744073709551616", "ID-1-1-1", "id-1-1", strings.Repeat("9", 9000)} {
		c.Fails(stomptest.F("ACK", "id", id))
		c.Fails(stomptest.F("NACK", "id", id))
	}
	c.Ack(m)
	c.Fails(stomptest.F("ACK", "id", m.Get("ack")))
	for _, f := range []stomptest.Frame{
		stomptest.F("UNSUBSCRIBE", "id", "nothing"), stomptest.F("UNSUBSCRIBE"), stomptest.F("COMMIT", "transaction", ""), stomptest.F("ABORT"),
		stomptest.F("UNSUBSCRIBE", "activemq.subscriptionName", "nothing"), stomptest.F("BEGIN"),
		stomptest.F("SEND", "destination", "/queue/values", "expires", "9223372036854775808"), stomptest.F("SEND", "destination", "/queue/values", "priority", "high"),
		stomptest.F("SEND", "destination", "/queue/values", "timestamp", "1e9"), stomptest.F("SEND", "destination", "/queue/values", "amq-msg-type", "object"),
	} {
		c.Fails(f)
	}
	for _, pairs := range [][]string{
		{"expires", "-5"}, {"priority", "-1"}, {"priority", "1000000"}, {"timestamp", "-9223372036854775808"}, {"timestamp", "9223372036854775807"},
		{"JMSXGroupSeq", "9223372036854775807"}, {"expires", "9223372036854775807"}, {"expires", "4102444800000"}, {"expiration", "9223372036854775807"},
		{"persistent", "maybe"}, {"reply-to", "/queue/"}, {"reply-to", strings.Repeat("/queue/a,", 900)}, {"correlation-id", ""}, {"transformation", "jms-map-json"},
	} {
		c.Put("/queue/values", "two", pairs...)
		c.Ack(c.WantBodies("two")[0])
	}
	c.Put("/queue/values", "of-1970", "expires", "1")
	c.Put("/queue/values", "of-2038", "expires", "2147483648000")
	c.WantBodies("of-2038")
	for _, pairs := range [][]string{
		{"activemq.prefetchSize", "-1"}, {"activemq.prefetchSize", "99999999999999999999"}, {"activemq.priority", "-999999"}, {"ack", "sometimes"},
		{"activemq.maximumPendingMessageLimit", "-9"}, {"transformation", "jms-nothing"}, {"browser", "perhaps"},
	} {
		c.Subscribe("s"+fmt.Sprint(pairs), "/queue/values.other", pairs...)
	}
	c.Quiet()
}

// TestRepetition sends every command thousands of times: in the wrong order, again, without effect. The broker answers
// each and keeps nothing of it.
func TestRepetition(t *testing.T) {
	t.Parallel()
	target := stomptest.Target{Address: brokertest.Start(t).Addr("stomp")}
	sings := canary(t, target)
	const times = 2000
	for _, f := range []string{
		"CONNECT\naccept-version:1.2\n\n\x00", "STOMP\naccept-version:1.2\n\n\x00", "BEGIN\ntransaction:t\n\n\x00", "COMMIT\ntransaction:x\n\n\x00", "ABORT\ntransaction:x\n\n\x00",
		"ACK\nid:x\n\n\x00", "NACK\nid:x\n\n\x00", "UNSUBSCRIBE\nid:x\n\n\x00", "SUBSCRIBE\nid:1\n\n\x00", "SEND\n\n\x00", "SUBSCRIBE\nid:1\ndestination:/queue/again\n\n\x00",
	} {
		c := session(t, target)
		c.Write(stomptest.F("BEGIN", "transaction", "t"), stomptest.F("SUBSCRIBE", "id", "1", "destination", "/queue/again"))
		written := make(chan error, 1)
		go func() { written <- c.TryWrite(strings.Repeat(f, times)) }()
		for range times {
			c.Expect("ERROR")
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
		c.Quiet()
		c.Disconnect()
	}
	sings()
}
