package heap

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"testing/fstest"
)

func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

func TestCgroupLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		root fstest.MapFS
		want int64
	}{
		{"no proc", files(), 0},
		{"version 2", files("proc/self/cgroup", "0::/system.slice/manifold.service\n",
			"sys/fs/cgroup/system.slice/manifold.service/memory.max", "1073741824\n"), 1 << 30},
		{"the parent's is lower", files("proc/self/cgroup", "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max", "max\n", "sys/fs/cgroup/a/memory.max", "1024\n", "sys/fs/cgroup/memory.max", "2048\n"), 1024},
		{"unlimited", files("proc/self/cgroup", "0::/a\n", "sys/fs/cgroup/a/memory.max", "max\n"), 0},
		{"container that sees only itself", files("proc/self/cgroup", "0::/../../pod\n", "sys/fs/cgroup/memory.max", "4096\n"), 4096},
		{"version 1", files("proc/self/cgroup", "12:cpu,cpuacct:/x\n3:memory:/docker/1\n",
			"sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "8192\n"), 8192},
		{"version 1 without a limit", files("proc/self/cgroup", "3:memory:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"), 0},
		{"nonsense", files("proc/self/cgroup", "x\n0::/a\n", "sys/fs/cgroup/a/memory.max", "-5\n"), 0},
	} {
		if got := CgroupLimit(c.root); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

func TestMakePlan(t *testing.T) {
	t.Parallel()
	const gib = 1 << 30
	for _, c := range []struct {
		name                  string
		messages, cgroup, set int64
		want                  Plan
	}{
		{"free", gib, 0, 0, Plan{gib + gib/4 + headroom, gib}},
		{"roomy group", gib, 10 * gib, 0, Plan{9 * gib, gib}},
		{"tight group", gib, 1000 * mebibyte, 0, Plan{900 * mebibyte, 630 * mebibyte}},
		{"GOMEMLIMIT wins", gib, 10 * gib, 1000 * mebibyte, Plan{1000 * mebibyte, 700 * mebibyte}},
	} {
		if got := MakePlan(c.messages, c.cgroup, c.set); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestPercent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		live, roots int64
		want        int
	}{
		{0, 0, 1600},
		{4 * mebibyte, 0, 1500},
		{2 * mebibyte, 2 * mebibyte, 1550},
		{mebibyte, 0, 1600},
		{32 * mebibyte, 0, 100},
		{1000 * mebibyte, 0, 100},
	} {
		if got := Percent(c.live, c.roots); got < c.want-1 || got > c.want {
			t.Errorf("live %d, roots %d: got %d, want %d", c.live, c.roots, got, c.want)
		}
	}
}

// It sets the whole process's collector, so it does not run beside the other tests.
func TestTuneKeepsTheTargetUp(t *testing.T) {
	before, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	defer func() { debug.SetGCPercent(before); debug.SetMemoryLimit(limit) }()
	Tune(1 << 40)
	if got := debug.SetMemoryLimit(-1); got != 1<<40 {
		t.Errorf("memory limit %d", got)
	}
	goal := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
	runtime.GC()
	metrics.Read(goal)
	if got := int64(goal[0].Value.Uint64()); got < FloorTarget*7/8 || got > FloorTarget*2 {
		t.Errorf("a collection starts at %d bytes", got)
	}
}
