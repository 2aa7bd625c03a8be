package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/protocols/brokertest"
)

func TestBench(t *testing.T) {
	t.Parallel()
	url := brokertest.Start(t).URL("stomp", "stomp")
	manifold(t, "", nil, "bench", url, "-n", "100").want(t, sysexit.OK, "complete, once each, in order", "")
	manifold(t, "", nil, "bench", url, "--duration", "5ms", "--window", "3").want(t, sysexit.OK, "complete", "")
	r := manifold(t, "", nil, "bench", url, "--mode", "topic", "--consumers", "2", "-n", "50", "--json")
	var one struct{ Sent, Received, Lost int }
	if err := json.Unmarshal([]byte(r.out), &one); err != nil || one.Sent != 50 || one.Received != 100 || one.Lost != 0 {
		t.Errorf("got %s (%v)", r.out, err)
	}
	suite := []string{"bench", "suite", url, "--duration", "5ms", "--warm-up", "0", "--connections", "3", "--settle", "0"}
	manifold(t, "", nil, suite...).want(t, sysexit.OK, "| 3 idle connections |", "")
	var all []struct{ Case string }
	r = manifold(t, "", nil, append(suite, "--json")...)
	if err := json.Unmarshal([]byte(r.out), &all); err != nil || len(all) < 8 || all[0].Case != "3 idle connections" {
		t.Errorf("got %s (%v)", r.out, err)
	}
}

func TestBenchRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		err  string
	}{
		{"bench", "accepts 1 arg"},
		{"bench suite", "accepts 1 arg"},
		{"bench mqtt://h", "there are stomp:// and stomp+ssl://"},
		{"bench stomp://h/queue/x", "--prefix"},
		{"bench stomp://h --mode fast", "--mode"},
		{"bench stomp://h --count 0", "--count or --duration"},
		{"bench stomp://h --pid x", "--pid"},
		{"bench suite stomp://h --duration 0", "--duration"},
		{"bench suite stomp://h --rate 0", "--rate"},
	} {
		manifold(t, "", nil, strings.Fields(c.args)...).want(t, sysexit.Usage, "", c.err)
	}
}
