package schedule

import (
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Cron is a cron expression of five fields: minute, hour, day of month, month, day of week. Where
// both kinds of day are restricted, a day fits if it is either, as everywhere where cron is known.
type Cron struct {
	minute, hour, day, month, weekday uint64 // bit n stands for the value n
	anyDay, anyWeekday                bool
}

type cronField struct {
	name     string
	min, max int
	names    []string // of the values from min on
}

func cronFields() [5]cronField {
	return [5]cronField{
		{name: "minute", min: 0, max: 59},
		{name: "hour", min: 0, max: 23},
		{name: "day of month", min: 1, max: 31},
		{name: "month", min: 1, max: 12, names: strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")},
		{name: "day of week", min: 0, max: 7, names: strings.Fields("sun mon tue wed thu fri sat")},
	}
}

// ParseCron reads an expression: in each field *, a number, a range a-b, either with a step /n, and
// lists of those; months and days of the week may be English three-letter names, and Sunday is 0 or
// 7. A fault of kind Malformed says what is wrong.
func ParseCron(text string) (*Cron, error) {
	if len(text) > 1024 {
		return nil, malformed("cron expression is longer than 1024 characters")
	}
	words := strings.Fields(text)
	if len(words) != 5 {
		return nil, malformed("cron expression %q has %d fields and needs five: minute, hour, day of month, month, day of week", clip(text), len(words))
	}
	var sets [5]uint64
	for i, f := range cronFields() {
		set, err := f.parse(words[i])
		if err != nil {
			return nil, err
		}
		sets[i] = set
	}
	if sets[4]&(1<<7) != 0 {
		sets[4] = sets[4]&^(1<<7) | 1
	}
	return &Cron{
		minute: sets[0], hour: sets[1], day: sets[2], month: sets[3], weekday: sets[4],
		anyDay: strings.HasPrefix(words[2], "*"), anyWeekday: strings.HasPrefix(words[4], "*"),
	}, nil
}

func (f *cronField) parse(text string) (set uint64, err error) {
	for item := range strings.SplitSeq(text, ",") {
		span, step := item, 1
		if before, after, ok := strings.Cut(item, "/"); ok {
			n, err := strconv.Atoi(after)
			if err != nil || n < 1 || n > f.max {
				return 0, malformed("cron expression: %s: %q is not a step", f.name, clip(item))
			}
			span, step = before, n
		}
		first, last := f.min, f.max
		if span != "*" {
			from, to, ranged := strings.Cut(span, "-")
			var ok bool
			if first, ok = f.value(from); !ok {
				return 0, malformed("cron expression: %s: %q is not between %d and %d", f.name, clip(item), f.min, f.max)
			}
			switch {
			case ranged:
				if last, ok = f.value(to); !ok || last < first {
					return 0, malformed("cron expression: %s: %q is not a range between %d and %d", f.name, clip(item), f.min, f.max)
				}
			case step == 1: // with a step a single number means "from there on"
				last = first
			}
		}
		for v := first; v <= last; v += step {
			set |= 1 << v
		}
	}
	return set, nil
}

func (f *cronField) value(text string) (int, bool) {
	for i, name := range f.names {
		if strings.EqualFold(name, text) {
			return f.min + i, true
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= f.min && n <= f.max
}

// Next returns the first minute after a time that the expression names, in the time's zone; ok is
// false if there is none within the next eight years, the longest distance of two leap days.
func (c *Cron) Next(after time.Time) (at time.Time, ok bool) {
	t := after.Truncate(time.Minute).Add(time.Minute)
	for end := t.AddDate(8, 1, 0); t.Before(end); {
		switch {
		case c.month&(1<<t.Month()) == 0:
			t = later(t, time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, t.Location()))
		case !c.onDay(t):
			t = later(t, time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, t.Location()))
		case c.hour&(1<<t.Hour()) == 0:
			t = t.Add(time.Hour - time.Duration(t.Minute())*time.Minute)
		case c.minute&(1<<t.Minute()) == 0:
			rest := c.minute >> t.Minute()
			if rest == 0 {
				t = t.Add(time.Duration(60-t.Minute()) * time.Minute)
				continue
			}
			t = t.Add(time.Duration(bits.TrailingZeros64(rest)) * time.Minute)
		default:
			return t, true
		}
	}
	return time.Time{}, false
}

// later makes sure that the search goes on where clocks are put back at midnight.
func later(t, u time.Time) time.Time {
	if u.After(t) {
		return u
	}
	return t.Add(time.Hour)
}

func (c *Cron) onDay(t time.Time) bool {
	day, weekday := c.day&(1<<t.Day()) != 0, c.weekday&(1<<t.Weekday()) != 0
	if !c.anyDay && !c.anyWeekday {
		return day || weekday
	}
	return day && weekday
}
