package schedule_test

import (
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/schedule"
)

func TestCronNext(t *testing.T) {
	t.Parallel()
	const layout = "2006-01-02 15:04"
	for _, x := range []struct{ cron, after, want string }{
		{"* * * * *", "2024-02-28 23:59", "2024-02-29 00:00"},
		{"0 * * * *", "2024-01-01 10:00", "2024-01-01 11:00"},
		{"30 8 * * 1-5", "2024-06-07 08:30", "2024-06-10 08:30"}, // a Friday
		{"*/15 * * * *", "2024-01-01 10:46", "2024-01-01 11:00"},
		{"5/20 * * * *", "2024-01-01 10:26", "2024-01-01 10:45"},
		{"0 0 1 1 *", "2024-01-01 00:00", "2025-01-01 00:00"},
		{"0 0 29 2 *", "2024-02-29 00:00", "2028-02-29 00:00"},
		{"0 0 31 * *", "2024-03-31 00:00", "2024-05-31 00:00"},
		{"0 12 13 * fri", "2024-01-01 00:00", "2024-01-05 12:00"}, // either kind of day
		{"0 12 13 * *", "2024-01-01 00:00", "2024-01-13 12:00"},
		{"0 0 * * 7", "2024-01-01 00:00", "2024-01-07 00:00"},
		{"0 0 * dec sun", "2024-01-01 00:00", "2024-12-01 00:00"},
		{"1,3-5,59 23 31 12 *", "2024-12-31 23:05", "2024-12-31 23:59"},
	} {
		c, err := schedule.ParseCron(x.cron)
		if err != nil {
			t.Errorf("%q: %v", x.cron, err)
			continue
		}
		after, err := time.Parse(layout, x.after)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := c.Next(after); !ok || got.Format(layout) != x.want {
			t.Errorf("%q after %s: %s %t, want %s", x.cron, x.after, got.Format(layout), ok, x.want)
		}
	}
}

func TestCronThatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8",
		"a * * * *", "*/0 * * * *", "*/-1 * * * *", "5-3 * * * *", "1-99 * * * *", ",* * * * *", "*, * * * *", "1- * * * *",
		"99999999999999999999 * * * *", "* * * foo *",
	} {
		if _, err := schedule.ParseCron(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestCronThatNeverFires(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0 0 30 2 *", "0 0 31 4,6,9,11 *"} {
		c, err := schedule.ParseCron(text)
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := c.Next(time.Now()); ok {
			t.Errorf("%q fires at %s", text, at)
		}
	}
}

// A search ends, and what it finds is in the future, also where clocks are put forward and back.
func FuzzCron(f *testing.F) {
	for _, seed := range []string{"* * * * *", "0 0 29 2 *", "*/15 1-5 * jan-dec mon", "0 0 31 * 7", "1,2,3 * 5/9 * *"} {
		f.Add(seed, int64(1711846800))
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		zone = time.UTC
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		c, err := schedule.ParseCron(text)
		if err != nil {
			return
		}
		after := time.Unix(unix%(1<<34), 0).In(zone)
		if at, ok := c.Next(after); ok && !at.After(after) {
			t.Errorf("%q: %s is not after %s", text, at, after)
		}
	})
}
