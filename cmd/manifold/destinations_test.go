package main

import (
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

const withDestinations = openBroker + `
destinations:
  create: ["queue://C.a.VT.x", "queue://Consumer.a.VirtualTopic.y", "topic://made"]
  virtual_topics: [{match: "VT.>", prefix: "C.*."}]
  policies:
    - {match: "queue://once", duplicates: {window: 10}, advisory_when_full: true}
    - {match: "queue://full", limits: {messages: 1, overflow: fail}}
`

func TestDestinationsOfTheConfiguration(t *testing.T) {
	t.Parallel()
	s := serve(t, withDestinations)
	receive := func(destination, want string) {
		t.Helper()
		r := manifold(t, "", nil, "receive", s.url(destination), "--timeout", "300ms", "--ack", "auto")
		if r.out != want {
			t.Errorf("%s gives %q, want %q", destination, r.out, want)
		}
	}
	for _, topic := range []string{"VT.x", "VirtualTopic.y"} {
		manifold(t, "", nil, "send", s.url("/topic/"+topic), topic).want(t, sysexit.OK, "", "")
	}
	receive("/queue/C.a.VT.x", "VT.x\n")
	receive("/queue/Consumer.a.VirtualTopic.y", "") // the configured rule is in the place of the default one
	for _, id := range []string{"1", "1", "2"} {
		manifold(t, "", nil, "send", s.url("/queue/once"), id, "-H", "_AMQ_DUPL_ID="+id).want(t, sysexit.OK, "", "")
	}
	receive("/queue/once", "1\n2\n")
	manifold(t, "", nil, "send", s.url("/queue/full"), "fits").want(t, sysexit.OK, "", "")
	if r := manifold(t, "", nil, "send", s.url("/queue/full"), "does not"); r.code == sysexit.OK || !strings.Contains(r.err, "message limit reached on queue://full") {
		t.Errorf("code %d: %s", r.code, r.err)
	}
	receive("/queue/full", "fits\n")
}

func TestExplainShowsEveryPolicyOption(t *testing.T) {
	t.Parallel()
	name := file(t, "c.yaml", withDestinations)
	r := manifold(t, "", nil, "explain", "queue", "once", "--config", name)
	for _, want := range []string{
		"duplicates.window", "duplicates.age", "slow_consumers.abort_after", "offline_durable_timeout", "limits.overflow", "limits.eviction",
		"advisory_for_consumed", "send_fail_if_no_space_after", "limits.pending_multiplier", "max_destinations",
		"redelivery.use_collision_avoidance", "redelivery.collision_avoidance_percent", "dead_letter.per_durable_subscriber",
	} {
		if !strings.Contains(r.out, "\n"+want+" ") {
			t.Errorf("no line for %s in\n%s", want, r.out)
		}
	}
	for _, line := range strings.Split(r.out, "\n") {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "duplicates.window" && (f[1] != "10" || f[2] != "queue://once") {
			t.Errorf("%s", line)
		}
	}
}
