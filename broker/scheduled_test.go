package broker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/schedule"
)

// later returns a message with a schedule.
func later(s string, delay int64, fields ...message.Field) *message.Message {
	m := with(s, true, append([]message.Field{{Name: schedule.PropDelay, Value: message.OfLong(delay)}}, fields...)...)
	m.Flags |= message.Scheduled
	m.ID = message.ID{Origin: "ID:test", Seq: 7}
	return m
}

func repeat(period int64, n int32) []message.Field {
	return []message.Field{
		{Name: schedule.PropPeriod, Value: message.OfLong(period)}, {Name: schedule.PropRepeat, Value: message.OfInt(n)},
	}
}

const hour = 3600 * 1000

func TestScheduledMessagesComeWhenTheyAreDue(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.subscribe(on(q("Q")), 100)
	begin := time.Now()
	c.post(q("Q"), later("third", 150), later("second", 60), text("first", false), later("never", hour))
	equal(t, c.receive(3), []string{"first", "second", "third"})
	if since := time.Since(begin); since < 149*time.Millisecond {
		t.Errorf("all were there after %s", since)
	}
	c.mu.Lock()
	m := c.deliveries[1].Msg
	c.mu.Unlock()
	if id, ok := m.Property(schedule.PropJobID); !ok || id.Str() == "" {
		t.Error("no job identifier")
	}
	if _, ok := m.Property(schedule.PropDelay); ok {
		t.Error("the delay is still there")
	}
	if m.ID.String() != "ID:test:7" || m.Flags&message.Scheduled != 0 {
		t.Errorf("id %s, flags %d", m.ID, m.Flags)
	}
	n.restart()
	if k := n.Scheduler().Len(); k != 1 {
		t.Errorf("%d jobs left", k)
	}
}

func TestScheduledRepeats(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.subscribe(on(topic("T")), 100)
	m := later("again", 20, repeat(20, 3)...)
	m.Timestamp, m.Expiry = time.Now().UnixMilli()-1000, time.Now().UnixMilli()+10
	c.post(topic("T"), m)
	c.receive(4)
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := make(map[string]bool)
	for _, d := range c.deliveries {
		ids[d.Msg.ID.String()] = true
		if d.Msg.Expiry-d.Msg.Timestamp != m.Expiry-m.Timestamp || d.Msg.Timestamp <= m.Timestamp {
			t.Errorf("lives from %d to %d", d.Msg.Timestamp, d.Msg.Expiry)
		}
	}
	if len(ids) != 4 {
		t.Errorf("identifiers %v", ids)
	}
}

func TestScheduledMessagesSurviveRestarts(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	const count = 10000 // more than the scheduler has in memory
	var list []*message.Message
	for i := range count {
		list = append(list, later(fmt.Sprintf("m%05d", i), int64(400+i%100)))
	}
	c.post(q("Q"), list...)
	c.post(q("Q"), later("never", hour))
	n.restart()
	c = n.connect("c")
	s := c.subscribe(on(q("Q")), count+1)
	got := slices.Clone(c.receive(count))
	slices.Sort(got)
	for i, b := range got {
		if b != fmt.Sprintf("m%05d", i) {
			t.Fatalf("message %d is %s", i, b)
		}
	}
	tok := c.token()
	if _, err := s.Settle(1, count, broker.Outcome{}, nil, tok); err != nil {
		t.Fatal(err)
	}
	if err := c.confirm(tok); err != nil {
		t.Fatal(err)
	}
	n.restart()
	if k, left := n.Scheduler().Len(), n.Lookup(q("Q")).Queue().Counters().Entries.Load(); k != 1 || left != 0 {
		t.Errorf("%d jobs and %d messages left", k, left)
	}
}

// TestScheduledMessageLivesFromItsDelivery has a message that would have ended before it is due, and
// sends what was delivered once more.
func TestScheduledMessageLivesFromItsDelivery(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.subscribe(on(q("Q")), 100)
	m := later("late", 100)
	m.Timestamp = time.Now().UnixMilli()
	m.Expiry = m.Timestamp + 50
	c.post(q("Q"), m)
	c.receive(1)
	c.mu.Lock()
	got := c.deliveries[0].Msg
	c.mu.Unlock()
	if got.Expiry-got.Timestamp != 50 || got.Timestamp < m.Timestamp+100 {
		t.Errorf("sent at %d, it says %d and ends at %d", m.Timestamp, got.Timestamp, got.Expiry)
	}
	again := got.With(message.Field{Name: schedule.PropDelay, Value: message.OfLong(hour)})
	again.Flags |= message.Scheduled
	again.Expiry = 0
	c.post(q("Q"), again)
	equal(t, c.receive(2), []string{"late", "late"})
}

func TestScheduledInTransactions(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.subscribe(on(q("Q")), 100)
	p, err := c.Producer(q("Q"))
	if err != nil {
		t.Fatal(err)
	}
	for _, commit := range []bool{false, true} {
		tx, err := c.Begin()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []*message.Message{later(fmt.Sprint("later ", commit), 20), text(fmt.Sprint("now ", commit), true)} {
			m.Address = q("Q")
			if err := p.Send(m, tx, 0); err != nil {
				t.Fatal(err)
			}
		}
		if !commit {
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := tx.Commit(0); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, c.receive(2), []string{"now true", "later true"})
}

func TestScheduledInARecoveredBranch(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	p, err := c.Producer(q("Q"))
	if err != nil {
		t.Fatal(err)
	}
	tx, err := c.Begin()
	if err != nil {
		t.Fatal(err)
	}
	m := later("late", 1)
	m.Address = q("Q")
	if err := p.Send(m, tx, 0); err != nil {
		t.Fatal(err)
	}
	tok := c.token()
	if err := tx.Prepare("x", tok); err != nil {
		t.Fatal(err)
	}
	if err := c.confirm(tok); err != nil {
		t.Fatal(err)
	}
	n.restart()
	c = n.connect("c")
	c.subscribe(on(q("Q")), 100)
	if err := n.CommitPrepared("x", nil); err != nil {
		t.Fatal(err)
	}
	equal(t, c.receive(1), []string{"late"})
}

func TestSchedulerManagement(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.post(q("Q"), later("a", hour), later("b", 2*hour), later("c", 3*hour))
	c.subscribe(on(q("REPLY")), 100)
	ask := func(action string, fields ...message.Field) {
		t.Helper()
		m := with("", false, append(fields, message.Field{Name: "AMQ_SCHEDULER_ACTION", Value: message.OfString(action)})...)
		m.ReplyTo = q("REPLY")
		c.post(topic("ActiveMQ.Scheduler.Management"), m)
	}
	ask("BROWSE")
	equal(t, c.receive(3), []string{"a", "b", "c"})
	c.mu.Lock()
	job := c.deliveries[1].Msg
	c.mu.Unlock()
	id, _ := job.Property(schedule.PropJobID)
	if delay, ok := job.Property(schedule.PropDelay); !ok || delay.Int64() != 2*hour || job.Origin != q("Q") {
		t.Errorf("delay %v, origin %s", delay, job.Origin)
	}
	ask("REMOVE", message.Field{Name: schedule.PropJobID, Value: id})
	ask("REMOVE", message.Field{Name: schedule.PropJobID, Value: message.OfString("ID:nobody:1")})
	ask("BROWSE", message.Field{Name: "ACTION_END_TIME", Value: message.OfLong(time.Now().UnixMilli() + 100*hour)})
	equal(t, c.receive(5)[3:], []string{"a", "c"})
	ask("REMOVEALL", message.Field{Name: "ACTION_START_TIME", Value: message.OfLong(time.Now().UnixMilli() + 2*hour)})
	if k := n.Scheduler().Len(); k != 1 {
		t.Errorf("%d jobs are left", k)
	}
	n.restart()
	if k := n.Scheduler().Len(); k != 1 {
		t.Errorf("%d jobs are left after a restart", k)
	}
}

// TestSchedulerManagementOfMany has more jobs than are read or sent at once, and asks for all of them
// and for those of a time.
func TestSchedulerManagementOfMany(t *testing.T) {
	t.Parallel()
	const count, before = 10_000, 6_000
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	var list []*message.Message
	now := time.Now().UnixMilli()
	for i := range count {
		delay := int64(hour)
		if i >= before {
			delay = 3 * hour
		}
		list = append(list, later(fmt.Sprintf("m%05d", i), delay))
	}
	c.post(q("Q"), list...)
	ask := func(action string, reply address.Address, fields ...message.Field) {
		t.Helper()
		m := with("", false, append(fields, message.Field{Name: "AMQ_SCHEDULER_ACTION", Value: message.OfString(action)})...)
		m.ReplyTo = reply
		c.post(topic("ActiveMQ.Scheduler.Management"), m)
	}
	browse := func(name string, first, end int, fields ...message.Field) {
		t.Helper()
		ask("BROWSE", q(name), fields...)
		d := n.connect(name)
		d.subscribe(on(q(name)), 2*count)
		got := d.receive(end - first)
		slices.Sort(got)
		if len(got) != end-first || got[0] != fmt.Sprintf("m%05d", first) || got[len(got)-1] != fmt.Sprintf("m%05d", end-1) || len(slices.Compact(got)) != end-first {
			t.Errorf("%s: %d jobs from %s to %s", name, len(got), got[0], got[len(got)-1])
		}
	}
	middle := message.OfLong(now + 2*hour)
	browse("ALL", 0, count)
	browse("SOON", 0, before, message.Field{Name: "ACTION_END_TIME", Value: middle})
	browse("LATE", before, count, message.Field{Name: "ACTION_START_TIME", Value: middle})
	ask("REMOVEALL", address.Address{}, message.Field{Name: "ACTION_END_TIME", Value: middle})
	if k := n.Scheduler().Len(); k != count-before {
		t.Errorf("%d jobs are left", k)
	}
	ask("REMOVEALL", address.Address{})
	if k := n.Scheduler().Len(); k != 0 {
		t.Errorf("%d jobs are left after all", k)
	}
}

func TestSchedulesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	p, err := c.Producer(q("Q"))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		field message.Field
		want  string
	}{
		{message.Field{Name: schedule.PropDelay, Value: message.OfString("soon")}, "is not a number"},
		{message.Field{Name: schedule.PropDelay, Value: message.OfLong(1 << 62)}, "years ahead"},
		{message.Field{Name: schedule.PropPeriod, Value: message.OfLong(-1)}, "negative"},
		{message.Field{Name: schedule.PropRepeat, Value: message.OfInt(-1)}, "negative"},
		{message.Field{Name: schedule.PropRepeat, Value: message.OfInt(1001)}, "The scheduled repeat value is too large"},
		{message.Field{Name: schedule.PropCron, Value: message.OfString("never")}, "five"},
		{message.Field{Name: schedule.PropCron, Value: message.OfString("0 0 30 2 *")}, "never fires"},
	} {
		m := with("m", true, x.field, message.Field{Name: schedule.PropPeriod, Value: message.OfLong(1)})
		m.Flags |= message.Scheduled
		m.Address = q("Q")
		err := p.Send(m, nil, 0)
		if !fault.Is(err, fault.Malformed) || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v", x.field.Name, err)
		}
	}
	c.subscribe(on(q("Q")), 100)
	c.post(q("Q"), later("the past", -hour))
	equal(t, c.receive(1), []string{"the past"})
}

func TestSchedulerTurnedOff(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{NoScheduler: true})
	c := n.connect("c")
	c.subscribe(on(q("Q")), 100)
	c.post(q("Q"), later("now", hour))
	equal(t, c.receive(1), []string{"now"})
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.deliveries[0].Msg.Property(schedule.PropDelay); !ok {
		t.Error("an ordinary property is gone")
	}
}

func TestTemporaryDestinationOfAScheduledMessageIsGone(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c, d := n.connect("c"), n.connect("d")
	temp, err := d.CreateTemporary(address.TempQueue)
	if err != nil {
		t.Fatal(err)
	}
	c.post(temp, later("lost", 50))
	d.Close()
	c.subscribe(on(q("Q")), 10)
	c.post(q("Q"), later("found", 100))
	equal(t, c.receive(1), []string{"found"})
	n.restart()
	if k := n.Scheduler().Len(); k != 0 {
		t.Errorf("%d jobs are left", k)
	}
}
