package activemqxml

import (
	"strconv"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// usageClasses are the limits of the whole broker.
func usageClasses() []class {
	inner := func(name, option string, more ...any) class {
		return class{
			name: name, option: option, children: []string{name},
			attributes: all(append(more, keep("limit", option),
				lose("total", "", "a limit is a number of bytes"), lose("portion", "100", "a limit is a number of bytes"), lose("usagePortion", "1", "a limit is a number of bytes"),
				idle("limits are looked at all the time", "percentUsage", "percentUsageMinDelta", "pollingTime", "name", "executor", "limiter", "parent", "store", "usage"))...),
			use: func(c *converter, n *node) { c.usage(n, option) },
		}
	}
	return []class{
		{
			name: "systemUsage", children: []string{"systemUsage", "memoryUsage", "storeUsage", "tempUsage", "jobSchedulerUsage", "adapter", "executor", "parent", "tempStore", "jobSchedulerStore"},
			attributes: all(
				keep("sendFailIfNoSpace", "limits.send_fail_if_no_space"), keep("sendFailIfNoSpaceAfterTimeout", "limits.send_fail_if_no_space_after"),
				idle("says how often the log tells", "checkLimitsLogLevel", "name", "sendFailIfNoSpaceExplicitySet", "parent", "adapter", "executor", "jobSchedulerStore", "tempStore")),
			use: func(c *converter, n *node) {
				if v, a := c.boolean(n, "sendFailIfNoSpace"); a != nil {
					c.out.set("limits.send_fail_if_no_space", yesNo(v), a.line)
				}
				if v, a := c.millis(n, "sendFailIfNoSpaceAfterTimeout"); a != nil {
					c.out.set("limits.send_fail_if_no_space_after", period(v), a.line)
				}
			},
		},
		inner("memoryUsage", "limits.memory", become("percentOfJvmHeap", "limits.memory", "there is no Java heap; the percentage is of ActiveMQ's")),
		inner("storeUsage", "limits.store", become("percentLimit", "limits.store", "of the disk as it is now")),
		inner("tempUsage", "limits.temp", become("percentLimit", "limits.temp", "of the disk as it is now")),
		{
			name: "jobSchedulerUsage", children: []string{"jobSchedulerUsage"}, fate: Mapped, note: "scheduled messages are in the store and count for limits.store; limits.scheduled_messages bounds their number",
			attributes: idle("limits.store bounds them", "limit", "percentLimit", "total", "usagePortion", "percentUsage", "percentUsageMinDelta", "pollingTime", "name", "executor", "limiter", "parent", "store"),
		},
		gone("adapter", "the store is read where it stands", false), gone("executor", "threads are not configured here", false), gone("parent", "the broker's limits are all there are", false),
		gone("tempStore", "what does not fit into memory is in the store", false),
	}
}

// standardHeap is the heap that ActiveMQ's start script gives it, -Xmx1G.
const standardHeap = 1 << 30

// usage reads one limit: a number of bytes, or a percentage.
func (c *converter) usage(n *node, option string) {
	if v, a := c.size(n, "limit"); a != nil {
		c.limit(option, v, a.line)
	}
	if v, a := c.percent(n, "percentOfJvmHeap"); a != nil {
		heap, of := c.in.Heap, "of the heap that was given"
		if heap <= 0 {
			heap, of = standardHeap, "of 1 GiB, the heap of ActiveMQ's start script; --jvm-heap tells of another"
		}
		c.remap("%d%% %s", v, of)
		c.limit(option, config.Size(heap/100*v), a.line)
		c.out.get(option).comment("%d%% %s.", v, of)
	}
	v, a := c.percent(n, "percentLimit")
	if a == nil {
		return
	}
	if c.in.Disk == nil {
		c.drop(true, "the size of the disk is not known")
		return
	}
	size, err := c.in.Disk(c.storePath())
	if err != nil {
		c.drop(true, "the size of the disk is not known: %s", err)
		return
	}
	c.limit(option, config.Size(size/100*v), a.line)
	c.out.get(option).comment("%d%% of the disk.", v)
}

func (c *converter) percent(n *node, name string) (int64, *attr) {
	a := c.take(n, name)
	if a == nil {
		return 0, nil
	}
	v, err := strconv.ParseInt(a.value, 10, 64)
	if err != nil || v < 0 || v > 100 {
		c.bad(n, a, "a percentage from 0 to 100")
		return 0, nil
	}
	return v, a
}

// limit writes a limit of the broker. 0 is none in ActiveMQ.
func (c *converter) limit(option string, v config.Size, line int) {
	const least = 1 << 20
	if v == 0 {
		c.drop(false, "0 is no limit; the default holds")
		return
	}
	v = max(v, least) &^ 1023
	c.out.set(option, v.String(), line)
}
