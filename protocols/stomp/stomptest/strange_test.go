package stomptest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// TestStrangeSchedules sends messages with times and numbers that make no sense: each is refused with a word or taken as
// what comes closest, and the queue goes on.
func TestStrangeSchedules(t *testing.T) {
	t.Parallel()
	target := stomptest.Target{Address: brokertest.Start(t).Addr("stomp")}
	for i, x := range []struct {
		name, value string
		refused     string // part of the error; empty: the message comes at once
	}{
		{"AMQ_SCHEDULED_CRON", "0 0 30 2 *", "never fires"},
		{"AMQ_SCHEDULED_CRON", "* * *", "has 3 fields and needs five"},
		{"AMQ_SCHEDULED_CRON", "61 * * * *", "minute"},
		{"AMQ_SCHEDULED_CRON", strings.Repeat("1,", 2000) + "1 * * * *", "longer than"},
		{"AMQ_SCHEDULED_DELAY", "9223372036854775807", "years ahead"},
		{"AMQ_SCHEDULED_DELAY", "99999999999999999999999", "not a number"},
		{"AMQ_SCHEDULED_DELAY", "soon", "not a number"},
		{"AMQ_SCHEDULED_DELAY", "-5", ""},
		{"AMQ_SCHEDULED_REPEAT", "2", ""}, // of nothing
		{"priority", "-9", ""},
		{"priority", "2147483647", ""},
		{"expires", "-1", ""},
		{"expires", "9223372036854775807", ""},
		{"timestamp", "-9223372036854775808", ""},
		{"JMSXGroupSeq", "-2147483648", ""},
	} {
		t.Run(x.name+" "+x.value[:min(len(x.value), 20)], func(t *testing.T) {
			t.Parallel()
			c := session(t, target)
			queue := fmt.Sprint("/queue/strange.", i)
			c.Subscribe("1", queue)
			if x.refused != "" {
				f := c.Fails(stomptest.F("SEND", "destination", queue, x.name, x.value, "strange"))
				if !strings.Contains(f.Get("message")+f.Body, x.refused) {
					t.Errorf("refused with %q, %q", f.Get("message"), f.Body)
				}
			} else {
				c.Put(queue, "strange", x.name, x.value)
				c.WantBodies("strange")
			}
			c.Put(queue, "next")
			c.WantBodies("next")
		})
	}
}
