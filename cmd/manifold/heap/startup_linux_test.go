package heap

import "testing"

func TestConstant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line string
		ok   bool
	}{
		{"00400000-00f00000 r-xp 00000000 fe:00 123   /bin/broker", true},
		{"00f00000-01a00000 r--p 00b00000 fe:00 123   /bin/broker", true},
		{"01a00000-01b00000 rw-p 01600000 fe:00 123   /bin/broker", false},
		{"01b00000-01a00000 r--p 01600000 fe:00 123   /bin/broker", false},
		{"00400000-00f00000 r-xp 00000000 fe:00 124   /lib/other", false},
		{"00400000-00f00000 r-xp 00000000 fe:00 123   /bin/broker (deleted)", false},
		{"7ffd000-7ffe000 r-xp 00000000 00:00 0       [vdso]", false},
		{"c000000000-c000400000 rw-p 00000000 00:00 0", false},
		{"", false},
	} {
		from, to, ok := constant(c.line, "/bin/broker")
		if ok != c.ok || ok && from >= to {
			t.Errorf("%q: %x to %x, %t", c.line, from, to, ok)
		}
	}
}

// What was released comes back when it is needed: the test goes on running.
func TestReleaseStartup(t *testing.T) {
	t.Parallel()
	for range 10 {
		ReleaseStartup()
		if got := MakePlan(1<<30, 0, 0); got.Messages != 1<<30 {
			t.Errorf("plan %+v", got)
		}
	}
}
