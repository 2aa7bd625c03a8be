package heap

// Plan is how much memory the process and its messages get, in bytes.
type Plan struct {
	Process  int64 // soft limit of the whole Go heap
	Messages int64 // limits.memory, lowered to what the process can hold
}

const mebibyte = 1 << 20

// headroom is what the broker needs beside messages: write buffers and cache of the store, and
// buffers of connections.
const headroom = 256 * mebibyte

// MakePlan divides memory. messages is limits.memory; cgroup is the control group's limit or 0;
// set is the limit that GOMEMLIMIT gave, or 0, and wins. A tenth of the group's limit is left
// to what the Go heap does not count: stacks of the kernel's making, page cache of the log.
func MakePlan(messages, cgroup, set int64) Plan {
	p := Plan{Messages: messages}
	switch {
	case set > 0:
		p.Process = set
	case cgroup > 0:
		p.Process = cgroup / 10 * 9
	default:
		// Messages and as much garbage again, as long as there is room for a quarter of it.
		p.Process = messages + messages/4 + headroom
		return p
	}
	if most := p.Process / 10 * 7; p.Messages > most {
		p.Messages = most
	}
	return p
}
