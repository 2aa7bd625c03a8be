package httpd_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	httpd "github.com/manifoldmq/manifold/protocols/http"
)

// scrape returns the value of each series.
func (n *node) scrape() map[string]float64 {
	n.t.Helper()
	a := n.get("/metrics")
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
		n.t.Fatalf("%d %s %.200s", a.status, a.header, a.body)
	}
	if !utf8.ValidString(a.body) {
		n.t.Error("not UTF-8")
	}
	all := make(map[string]float64)
	for line := range strings.Lines(a.body) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(strings.TrimSpace(line[i+1:]), 64)
		if err != nil {
			n.t.Errorf("%q: %v", line, err)
		}
		if _, twice := all[line[:i]]; twice {
			n.t.Errorf("twice: %s", line)
		}
		all[line[:i]] = v
	}
	return all
}

// expect compares some series; a negative number means that there is none.
func expect(t *testing.T, got map[string]float64, want map[string]float64) {
	t.Helper()
	for name, w := range want {
		g, ok := got[name]
		if w < 0 && ok || w >= 0 && (!ok || g != w) {
			t.Errorf("%s: %v (%v), want %v", name, g, ok, w)
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	c := n.connect("c")
	c.send(queueAt("orders"), "a", "b", "c")
	c.send(topicAt("news"), "a")
	if err := n.Pause(queueAt("orders")); err != nil {
		t.Fatal(err)
	}
	n.api("GET", "status", "")
	n.do("GET", "/api/v1/status", "Bearer wrong", "")
	got := n.scrape()
	expect(t, got, map[string]float64{
		`manifold_broker_role{role="active"}`:                                          1,
		`manifold_broker_role{role="standby"}`:                                         0,
		`manifold_broker_info{broker="test",epoch="0",mode="standalone",owner="test"}`: 1,
		`manifold_broker_recovered_ratio`:                                              1,
		`manifold_store_failed`:                                                        0,
		`manifold_store_info{engine="memory"}`:                                         1,
		`manifold_http_refused_total`:                                                  1,
		`manifold_connections{protocol="test"}`:                                        1,
		`manifold_connections_blocked`:                                                 0,
		`manifold_connections_total`:                                                   1,
		`manifold_messages_received_total`:                                             4,
		`manifold_messages`:                                                            3,
		`manifold_destinations{kind="queue"}`:                                          1,
		`manifold_destinations{kind="topic"}`:                                          1,
		`manifold_destinations{kind="temp-queue"}`:                                     0,
		`manifold_limit_bytes{resource="memory"}`:                                      1 << 30,
		`manifold_queue_messages{destination="orders"}`:                                3,
		`manifold_queue_enqueued_total{destination="orders"}`:                          3,
		`manifold_queue_in_flight{destination="orders"}`:                               0,
		`manifold_queue_consumers{destination="orders"}`:                               0,
		`manifold_queue_paused{destination="orders"}`:                                  1,
		`manifold_topic_published_total{destination="news"}`:                           1,
		`manifold_queue_messages{destination="other"}`:                                 -1,
		`activemq_queue_queue_size{destination="orders"}`:                              -1,
	})
	for _, name := range []string{"go_goroutines", "process_start_time_seconds", "manifold_store_batches_total"} {
		if got[name] <= 0 {
			t.Errorf("%s: %v", name, got[name])
		}
	}
	build := ""
	for name := range got {
		if strings.HasPrefix(name, "manifold_build_info{") {
			build = name
		}
	}
	if !strings.Contains(build, `version="1.2.3"`) || !strings.Contains(build, `goversion="go1.`) {
		t.Error(build)
	}
}

// What is counted over all destinations outlives them.
func TestGlobalCountersDoNotFall(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	n.connect("c").send(queueAt("q"), "a", "b")
	if err := n.Delete(t.Context(), queueAt("q")); err != nil {
		t.Fatal(err)
	}
	expect(t, n.scrape(), map[string]float64{
		`manifold_messages_received_total`:               2,
		`manifold_messages`:                              0,
		`manifold_queue_enqueued_total{destination="q"}`: -1,
	})
}

func TestMetricsWithoutActiveBroker(t *testing.T) {
	t.Parallel()
	n := newNode(t, broker.Limits{}, func(o *httpd.Options) { o.ActiveMQNames = true })
	expect(t, n.scrape(), map[string]float64{
		`manifold_broker_role{role="standby"}`: 1,
		`manifold_broker_role{role="active"}`:  0,
		`manifold_connections_total`:           0,
		`manifold_messages`:                    -1,
	})
}

func TestSeriesAreCapped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ limit, own int }{{0, 10}, {3, 3}, {-1, 0}, {10, 10}, {9, 9}} {
		n := startNode(t, func(o *httpd.Options) { o.SeriesCap, o.ActiveMQNames = c.limit, true })
		client := n.connect("c")
		sum := 0
		for i := range 10 {
			texts := make([]string, i)
			for j := range texts {
				texts[j] = "x"
			}
			if i > 0 {
				client.send(queueAt(fmt.Sprintf("q%d", i)), texts...)
			} else if err := n.Create(t.Context(), queueAt("q0")); err != nil {
				t.Fatal(err)
			}
			if i < 10-c.own {
				sum += i
			}
		}
		want := map[string]float64{`manifold_queue_enqueued_total{destination="other"}`: -1, `manifold_messages`: 45}
		for i := range 10 {
			v := float64(i)
			if i < 10-c.own {
				v = -1
			}
			want[fmt.Sprintf(`manifold_queue_messages{destination="q%d"}`, i)] = v
			want[fmt.Sprintf(`activemq_queue_queue_size{destination="q%d"}`, i)] = v
		}
		v := float64(sum)
		if c.own == 10 {
			v = -1
		}
		want[`manifold_queue_messages{destination="other"}`] = v
		want[`activemq_queue_queue_size{destination="other"}`] = v
		expect(t, n.scrape(), want)
	}
}

// Clients choose names. None may spoil a scrape.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(o *httpd.Options) { o.ActiveMQNames = true })
	c := n.connect("\xff client\n")
	long := strings.Repeat("n", broker.MaxName-1)
	for _, name := range []string{
		"other", "queue://other", "a\xff", "a\xfe", "a\uFFFD", `quo"te`, "new\nline", `back\slash`, "{}", "ü",
		long + "1", long + "2", strings.Repeat("ü", 200), strings.Repeat("\xff", 1000), "# TYPE x counter",
	} {
		c.send(queueAt(name), "x")
		c.send(topicAt(name), "x")
	}
	if _, err := c.CreateTemporary(address.TempQueue); err != nil {
		t.Fatal(err)
	}
	got := n.scrape()
	expect(t, got, map[string]float64{
		`manifold_messages`: 15,
		// Of those that look the same, each that has a name left gets a series.
		`manifold_queue_messages{destination="queue://other"}`: 1,
		"manifold_queue_messages{destination=\"a\uFFFD\"}":     1,
		`manifold_queue_messages{destination="quo\"te"}`:       1,
		`manifold_queue_messages{destination="new\nline"}`:     1,
		`manifold_queue_messages{destination="back\\slash"}`:   1,
	})
	sum := 0.0
	for name, v := range got {
		if strings.HasPrefix(name, "manifold_queue_messages{") {
			sum += v
		}
		if len(name) > 400 {
			t.Errorf("a label has %d bytes", len(name))
		}
		if strings.Contains(name, "ID:") {
			t.Errorf("a temporary queue has a series: %s", name)
		}
	}
	if sum != 15 {
		t.Errorf("the series have %v messages, the broker has 15", sum)
	}
}

func TestActiveMQNames(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(o *httpd.Options) { o.ActiveMQNames = true })
	c := n.connect("c")
	c.send(queueAt("orders"), "a", "b")
	c.send(topicAt("news"), "a", "b", "c")
	if _, err := n.Purge(t.Context(), queueAt("orders")); err != nil {
		t.Fatal(err)
	}
	c.send(queueAt("orders"), "c")
	got := n.scrape()
	expect(t, got, map[string]float64{
		`activemq_queue_queue_size{destination="orders"}`:      1,
		`activemq_queue_enqueue_count{destination="orders"}`:   3,
		`activemq_queue_dequeue_count{destination="orders"}`:   got[`manifold_queue_dequeued_total{destination="orders"}`],
		`activemq_queue_dispatch_count{destination="orders"}`:  0,
		`activemq_queue_in_flight_count{destination="orders"}`: 0,
		`activemq_queue_expired_count{destination="orders"}`:   0,
		`activemq_queue_consumer_count{destination="orders"}`:  0,
		`activemq_topic_enqueue_count{destination="news"}`:     3,
		`activemq_connections`:                                 1,
		`activemq_message_total`:                               1,
		`activemq_consumer_total`:                              0,
		`activemq_enqueue_total`:                               6,
		`activemq_store_usage_ratio`:                           0,
		`activemq_temp_usage_ratio`:                            0,
	})
	if r := got["activemq_memory_usage_ratio"]; r <= 0 || r >= 1 {
		t.Errorf("memory %v", r)
	}
	for _, name := range []string{"producer_count", "producer_total"} {
		found := false
		for series := range got {
			found = found || strings.HasPrefix(series, "activemq_") && strings.Contains(series, name)
		}
		if !found {
			t.Errorf("no %s", name)
		}
	}
}

func TestDurableSubscriptionsHaveSeries(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	c := n.connect("desk")
	s, err := c.Subscribe(broker.SubscribeOptions{Addresses: []address.Address{topicAt("news")}, Name: "mine"}, deaf{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(0, 0)
	c.send(topicAt("news"), "a", "b")
	expect(t, n.scrape(), map[string]float64{
		`manifold_subscription_messages{client="desk",destination="news",subscription="mine"}`:       2,
		`manifold_subscription_consumers{client="desk",destination="news",subscription="mine"}`:      1,
		`manifold_subscription_enqueued_total{client="desk",destination="news",subscription="mine"}`: 2,
		`manifold_messages`: 2,
	})
}

func TestMetricsAccess(t *testing.T) {
	t.Parallel()
	closed := startNode(t, func(o *httpd.Options) { o.ProtectMetrics = true })
	if a := closed.get("/metrics"); a.status != 401 || strings.Contains(a.body, "manifold_build") {
		t.Errorf("%d %.80s", a.status, a.body)
	}
	if a := closed.do("GET", "/metrics", "Bearer "+token, ""); a.status != 200 {
		t.Errorf("%d", a.status)
	}
	off := startNode(t, func(o *httpd.Options) { o.Metrics = false })
	if a := off.get("/metrics"); a.status != 404 {
		t.Errorf("%d", a.status)
	}
}

func BenchmarkScrape(b *testing.B) {
	n := startNode(b, nil)
	c := n.connect("c")
	for i := range 1000 {
		c.send(queueAt(fmt.Sprintf("queue.%d", i)), "x")
	}
	b.ReportAllocs()
	for b.Loop() {
		if a := n.get("/metrics"); a.status != 200 {
			b.Fatal(a.status)
		}
	}
}
