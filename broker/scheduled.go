package broker

import (
	"context"
	"math"
	"strings"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/schedule"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/store"
)

// schedulerControl begins the names of the destinations whose messages speak to the scheduler.
const schedulerControl = "ActiveMQ.Scheduler.Management"

// The properties of messages to the scheduler.
const (
	propSchedulerAction = "AMQ_SCHEDULER_ACTION" // BROWSE, REMOVE or REMOVEALL
	propActionStart     = "ACTION_START_TIME"    // Unix milliseconds
	propActionEnd       = "ACTION_END_TIME"
)

func isSchedulerControl(a address.Address) bool {
	return len(a.Name) >= len(schedulerControl) && strings.EqualFold(a.Name[:len(schedulerControl)], schedulerControl)
}

// Scheduler returns the machine that keeps messages until they are due; nil where that is turned
// off.
func (b *Broker) Scheduler() *schedule.Scheduler { return b.scheduler }

func (b *Broker) startScheduler(ctx context.Context) error {
	b.scheduler = nil
	if b.NoScheduler {
		return nil
	}
	s := schedule.New(schedule.Env{
		Store: b.store, Formats: b.env.Formats, Log: b.Log, Now: b.env.Now,
		Prefix: "ID:" + b.Name + "-" + b.boot + "-job", Deliver: b.deliverScheduled,
	})
	if err := s.Start(ctx); err != nil {
		return err
	}
	b.scheduler = s
	return nil
}

// scheduledRepeats is how many repeats one message may ask for.
func (b *Broker) scheduledRepeats() int {
	if b.ScheduledRepeats > 0 {
		return b.ScheduledRepeats
	}
	return schedule.MaxRepeat
}

// isScheduled reports whether a message is to be delivered later. A plan that makes no sense is an
// error.
func (b *Broker) isScheduled(m *message.Message) (bool, error) {
	if m.Flags&message.Scheduled == 0 || b.scheduler == nil {
		return false, nil
	}
	_, ok, err := schedule.PlanOf(m, b.scheduledRepeats())
	return ok, err
}

// schedule adds a message that is due later to a batch, instead of its destinations' lists.
func (u *burst) schedule(b *Broker, to []*Destination, m *message.Message) error {
	p, _, err := schedule.PlanOf(m, b.scheduledRepeats())
	if err != nil {
		return err
	}
	list := make([]address.Address, len(to))
	for i, d := range to {
		list[i] = d.Address
	}
	k, err := b.scheduler.Add(u.batch, m, list, p)
	if err != nil {
		return err
	}
	u.jobs = append(u.jobs, k)
	u.bytes += int64(m.Size())
	return nil
}

// rescanSchedule lets the scheduler find what came to the store past it: a prepared branch that was
// recovered holds its scheduled messages as records.
func (b *Broker) rescanSchedule() {
	if b.scheduler == nil {
		return
	}
	go func() {
		if err := b.scheduler.Rescan(context.Background()); err != nil {
			b.Log.Error("scheduled messages", "error", err)
		}
	}()
}

// deliverScheduled puts messages that are due on their destinations.
func (b *Broker) deliverScheduled(batch *store.Batch, list []schedule.Due, done func(error)) {
	u := &burst{batch: batch}
	for i := range list {
		due := &list[i]
		for _, a := range due.To {
			d := b.Lookup(a)
			if d == nil && a.Kind.IsTemp() {
				continue // it ended with its connection
			}
			if d == nil {
				var err error
				if d, err = b.resolve(nil, "deliver", a); err != nil {
					b.Log.Error("a scheduled message has nowhere to go", "destination", a.String(), "error", err)
					continue
				}
			}
			m := due.Message
			if len(due.To) > 1 {
				c := *m
				c.Address, c.Origin = a, m.Address
				m = &c
			}
			if err := d.locate(nil); err != nil {
				b.Log.Error("a scheduled message has nowhere to go", "destination", a.String(), "error", err)
				continue
			}
			d.each(m, func(d *Destination, m *message.Message) {
				if d.gated.Load() {
					d.announce(m)
				}
				u.place(b, d, m) // repeats of one message are no duplicates
			})
		}
	}
	batch.Done = func(sb *store.Batch, err error) {
		u.arrive(b, sb, err)
		store.PutBatch(sb)
		done(storeFault("deliver", err))
	}
	u.commit(b)
}

// controlScheduler does what a message to the scheduler asks for. It reads the store, so it goes on
// by itself; the token is confirmed when it is over.
func (c *Connection) controlScheduler(m *message.Message, t Token) error {
	s := c.b.scheduler
	if s == nil {
		return fault.New(fault.Unsupported, "schedule", m.Address.String(), "scheduled delivery is turned off")
	}
	from, to := int64(0), int64(math.MaxInt64)
	for _, x := range []struct {
		name string
		to   *int64
	}{{propActionStart, &from}, {propActionEnd, &to}} {
		n, has, err := schedule.Number(m, x.name)
		if err != nil {
			return err
		}
		if has {
			*x.to = n
		}
	}
	action, _ := m.Property(propSchedulerAction)
	var do func(context.Context) error
	switch strings.ToUpper(action.Text()) {
	case "BROWSE":
		if m.ReplyTo.IsZero() {
			return fault.New(fault.Malformed, "schedule", m.Address.String(), "BROWSE needs a reply-to destination")
		}
		if err := c.check(security.Write, m.ReplyTo); err != nil {
			return err
		}
		do = func(ctx context.Context) error { return c.b.sendJobs(ctx, m, from, to) }
	case "REMOVE":
		id, _ := m.Property(schedule.PropJobID)
		do = func(ctx context.Context) error {
			err := s.Remove(ctx, id.Text(), nil)
			if fault.KindOf(err) == fault.NotFound {
				return nil // it was delivered meanwhile, as far as the client can know
			}
			return err
		}
	case "REMOVEALL":
		do = func(ctx context.Context) error {
			_, err := s.RemoveBetween(ctx, from, to, nil)
			return err
		}
	default:
		return fault.New(fault.Malformed, "schedule", m.Address.String(),
			"%s is %q, and can be BROWSE, REMOVE or REMOVEALL", propSchedulerAction, action.Text())
	}
	go func() {
		err := do(context.Background())
		switch {
		case t == 0 && err != nil:
			c.b.Log.Warn("message to the scheduler", "action", action.Text(), "error", err)
		case err != nil:
			c.handler.Confirmed(t, err)
			c.handler.Wake()
		default:
			c.Confirm(t)
			c.Flush()
			c.handler.Wake()
		}
	}()
	return nil
}

// jobsAtOnce is how many jobs BROWSE sends in one batch.
const jobsAtOnce = 256

// sendJobs answers BROWSE: a copy of each job's message goes to the reply-to destination, in batches of
// which one at a time is under way.
func (b *Broker) sendJobs(ctx context.Context, request *message.Message, from, to int64) error {
	d := b.Lookup(request.ReplyTo)
	if d == nil {
		var err error
		if request.ReplyTo.Kind.IsTemp() {
			return nil // who asked is gone
		}
		if d, err = b.resolve(nil, "schedule", request.ReplyTo); err != nil {
			return err
		}
	}
	var u *burst
	jobs, size := 0, 0
	var failed error
	flush := func() bool {
		if u != nil {
			outcome := make(chan error, 1)
			u.batch.Done = func(sb *store.Batch, err error) {
				u.arrive(b, sb, err)
				store.PutBatch(sb)
				outcome <- err
			}
			u.commit(b)
			failed = storeFault("schedule", <-outcome)
		}
		u, jobs, size = nil, 0, 0
		return failed == nil && !d.gone.Load()
	}
	err := b.scheduler.Each(ctx, from, to, func(j *schedule.Job) bool {
		if u == nil {
			u = &burst{batch: store.GetBatch()}
		}
		m := j.Message.With(message.Field{Name: schedule.PropJobID, Value: message.OfString(j.ID)})
		m.Flags &^= message.Scheduled | message.Retain
		m.Address, m.CorrelationID = request.ReplyTo, request.CorrelationID
		if len(j.To) > 0 {
			m.Origin = j.To[0]
		}
		u.put(b, d, m)
		jobs++
		if size += m.Size(); jobs < jobsAtOnce && size < burstBytes {
			return true
		}
		return flush()
	})
	if flush(); failed != nil {
		return failed
	}
	return err
}
