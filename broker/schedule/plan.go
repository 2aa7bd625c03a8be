package schedule

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
)

// The properties that schedule a message, and the one that tells of it.
const (
	PropDelay  = "AMQ_SCHEDULED_DELAY"  // milliseconds until the first delivery
	PropPeriod = "AMQ_SCHEDULED_PERIOD" // milliseconds between repeats
	PropRepeat = "AMQ_SCHEDULED_REPEAT" // deliveries after the first
	PropCron   = "AMQ_SCHEDULED_CRON"   // minute, hour, day of month, month, day of week
	PropJobID  = "scheduledJobId"       // on what was delivered
)

// MaxRepeat is how many repeats one message may ask for, as in ActiveMQ, where nothing else is set.
const MaxRepeat = 1000

// Plan says when a message is delivered.
type Plan struct {
	Delay  int64  `json:"delay,omitempty"`  // milliseconds
	Period int64  `json:"period,omitempty"` // milliseconds
	Repeat int32  `json:"repeat,omitempty"` // deliveries after the next one
	Cron   string `json:"cron,omitempty"`
}

// PlanOf reads a message's plan from its properties. ok is false for a message that is to be
// delivered at once: without a delay, a period and a cron expression, or one that was scheduled
// already. A value that makes no sense, or more repeats than most, is a fault of kind Malformed.
func PlanOf(m *message.Message, most int) (p Plan, ok bool, err error) {
	if _, done := m.Property(PropJobID); done {
		return p, false, nil
	}
	delay, hasDelay, err := Number(m, PropDelay)
	if err != nil {
		return p, false, err
	}
	period, hasPeriod, err := Number(m, PropPeriod)
	if err != nil {
		return p, false, err
	}
	repeat, _, err := Number(m, PropRepeat)
	if err != nil {
		return p, false, err
	}
	if cron, has := m.Property(PropCron); has {
		p.Cron = strings.TrimSpace(cron.Text())
	}
	if !hasDelay && !hasPeriod && p.Cron == "" {
		return p, false, nil
	}
	switch {
	case repeat > int64(most):
		return p, false, malformed("The scheduled repeat value is too large: %d, and %d is the limit", repeat, most)
	case repeat < 0:
		return p, false, malformed("%s must not be negative: %d", PropRepeat, repeat)
	case period < 0:
		return p, false, malformed("%s must not be negative: %d", PropPeriod, period)
	case delay > maxDelay || period > maxDelay:
		return p, false, malformed("a message can't be scheduled more than %d years ahead", maxDelay/yearMillis)
	}
	if p.Cron != "" {
		c, err := ParseCron(p.Cron)
		if err != nil {
			return p, false, err
		}
		if _, ok := c.Next(time.Now()); !ok {
			return p, false, malformed("cron expression %q never fires", p.Cron)
		}
	}
	p.Delay, p.Period, p.Repeat = max(delay, 0), period, int32(repeat)
	return p, true, nil
}

const (
	yearMillis = 366 * 24 * 3600 * 1000
	maxDelay   = 1000 * yearMillis
)

func malformed(format string, args ...any) error {
	return fault.New(fault.Malformed, "schedule", "", format, args...)
}

// Number returns a property that is a number, or text of one.
func Number(m *message.Message, name string) (n int64, has bool, err error) {
	v, has := m.Property(name)
	switch {
	case !has:
		return 0, false, nil
	case v.IsInteger():
		return v.Int64(), true, nil
	case v.IsNumber():
		if f := v.Float64(); f > -math.MaxInt64 && f < math.MaxInt64 {
			return int64(f), true, nil
		}
	case v.Kind() == message.String:
		if n, err := strconv.ParseInt(strings.TrimSpace(v.Str()), 10, 64); err == nil {
			return n, true, nil
		}
	}
	return 0, true, malformed("%s is not a number: %q", name, clip(v.Text()))
}

// clip shortens text for an error.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

// first returns when a plan that begins now is due for the first time, and whether it ever is.
func (p *Plan) first(now int64) (due int64, ok bool) {
	if p.Cron == "" {
		return now + p.Delay, true
	}
	return p.nextCron(now)
}

func (p *Plan) nextCron(now int64) (int64, bool) {
	c, err := ParseCron(p.Cron)
	if err != nil {
		return 0, false
	}
	at, ok := c.Next(time.UnixMilli(now))
	return at.UnixMilli(), ok
}

// next returns what follows the delivery of a job that was due at a time: when it is due again, with
// the plan as it is then; ok is false when it is over. Deliveries that were missed while the broker
// did not run are not made up for in a burst: the period counts from now then.
func (p Plan) next(due, now int64) (at int64, rest Plan, ok bool) {
	rest = p
	switch {
	case p.Cron != "":
		at, ok = p.nextCron(max(due, now))
		return at, rest, ok
	case p.Repeat <= 0:
		return 0, rest, false
	}
	rest.Repeat--
	if at = due + p.Period; at <= now {
		at = now + p.Period
	}
	return at, rest, true
}
