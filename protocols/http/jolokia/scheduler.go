package jolokia

import (
	"math"
	"time"

	"github.com/manifoldmq/manifold/broker/schedule"
)

// timeLayout is how ActiveMQ's scheduler writes times, in the machine's time zone.
const timeLayout = "2006-01-02 15:04:05"

// maxJobs is how many scheduled messages one answer tells of.
const maxJobs = 10000

// job is a scheduled message.
type job struct {
	ID     string `json:"jobId"`
	Cron   string `json:"cronEntry"`
	Start  string `json:"start"`
	Next   string `json:"next"`
	Delay  int64  `json:"delay"`
	Period int64  `json:"period"`
	Repeat int32  `json:"repeat"`
}

// jobs returns the scheduled messages that are due in a span of Unix milliseconds, by identifier.
func (v *view) jobs(s *schedule.Scheduler, from, to int64) (map[string]job, error) {
	list := make(map[string]job)
	err := s.Each(v.r.Context(), from, to, func(j *schedule.Job) bool {
		list[j.ID] = job{
			ID: j.ID, Cron: j.Plan.Cron, Delay: j.Plan.Delay, Period: j.Plan.Period, Repeat: j.Plan.Repeat,
			Start: date(j.Message.Timestamp), Next: date(j.Due),
		}
		return len(list) < maxJobs && v.spend(10)
	})
	return list, err
}

func date(millis int64) string { return time.UnixMilli(millis).Format(timeLayout) }

// next returns when the next scheduled message is due; ok is false if there is none.
func (v *view) next(s *schedule.Scheduler) (due int64, ok bool, err error) {
	err = s.Each(v.r.Context(), 0, math.MaxInt64, func(j *schedule.Job) bool {
		due, ok = j.Due, true
		return false
	})
	return due, ok, err
}

func parseDate(text string) (int64, error) {
	t, err := time.ParseInLocation(timeLayout, text, time.Local)
	if err != nil {
		return 0, illegal("a time must be written as " + timeLayout)
	}
	return t.UnixMilli(), nil
}

func span(a arguments) (from, to int64, err error) {
	if from, err = parseDate(a.text(0)); err != nil {
		return 0, 0, err
	}
	to, err = parseDate(a.text(1))
	return from, to, err
}

func schedulerClass() *class {
	type scheduler = *schedule.Scheduler
	figure := func(name, java string, get func(v *view, s scheduler) (any, error)) attribute {
		return attribute{name, java, func(v *view, at any) (any, error) { return get(v, at.(scheduler)) }}
	}
	between := func(v *view, s scheduler, from, to int64) (any, error) {
		if err := v.caller.Admin(); err != nil {
			return nil, err
		}
		_, err := s.RemoveBetween(v.r.Context(), from, to, v.caller.MayRemove())
		return nil, err
	}
	return &class{
		java: "org.apache.activemq.broker.jmx.JobSchedulerView", about: "The messages that are scheduled",
		attributes: []attribute{
			figure("AllJobs", javaTable, func(v *view, s scheduler) (any, error) { return v.jobs(s, 0, math.MaxInt64) }),
			figure("DelayedMessageCount", javaInt, func(_ *view, s scheduler) (any, error) { return s.Len(), nil }),
			figure("NextScheduleJobs", javaTable, func(v *view, s scheduler) (any, error) {
				due, ok, err := v.next(s)
				if err != nil || !ok {
					return map[string]job{}, err
				}
				return v.jobs(s, due, due)
			}),
			figure("NextScheduleTime", javaString, func(v *view, s scheduler) (any, error) {
				due, ok, err := v.next(s)
				if err != nil || !ok {
					return nil, err
				}
				return date(due), nil
			}),
			figure("ScheduledMessageCount", javaInt, func(_ *view, s scheduler) (any, error) { return s.Len(), nil }),
		},
		operations: []operation{
			op("getAllJobs", []string{javaString, javaString}, javaTable, func(v *view, s scheduler, a arguments) (any, error) {
				from, to, err := span(a)
				if err != nil {
					return nil, err
				}
				return v.jobs(s, from, to)
			}).harmless(),
			op("removeAllJobs", nil, javaVoid, func(v *view, s scheduler, _ arguments) (any, error) {
				return between(v, s, 0, math.MaxInt64)
			}),
			op("removeAllJobs", []string{javaString, javaString}, javaVoid, func(v *view, s scheduler, a arguments) (any, error) {
				from, to, err := span(a)
				if err != nil {
					return nil, err
				}
				return between(v, s, from, to)
			}),
			op("removeAllJobsAtScheduledTime", []string{javaString}, javaVoid, func(v *view, s scheduler, a arguments) (any, error) {
				at, err := parseDate(a.text(0))
				if err != nil {
					return nil, err
				}
				return between(v, s, at, at+999)
			}),
			op("removeJob", []string{javaString}, javaVoid, func(v *view, s scheduler, a arguments) (any, error) {
				if err := v.caller.Admin(); err != nil {
					return nil, err
				}
				return nil, s.Remove(v.r.Context(), a.text(0), v.caller.MayRemove())
			}),
		},
	}
}
