package activemqxml

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// bad says that an attribute's value is none.
func (c *converter) bad(n *node, a *attr, want string) {
	v := a.value
	if secretName(a.name) {
		v = config.Mask
	}
	c.fail(place(n.file, a.line), n.path, "%s: %.80q is not %s", a.name, v, want)
}

// text reads an attribute.
func (c *converter) text(n *node, name string) (string, *attr) {
	a := c.take(n, name)
	if a == nil {
		return "", nil
	}
	return a.value, a
}

// boolean reads true or false, as Java's Boolean does in any case of letters, and Spring's on, yes
// and 1.
func (c *converter) boolean(n *node, name string) (bool, *attr) {
	a := c.take(n, name)
	if a == nil {
		return false, nil
	}
	v, ok := parseBool(a.value)
	if !ok {
		c.bad(n, a, "true or false")
		return false, nil
	}
	return v, a
}

func parseBool(s string) (v, ok bool) {
	switch strings.ToLower(s) {
	case "true", "on", "yes", "1":
		return true, true
	case "false", "off", "no", "0":
		return false, true
	}
	return false, false
}

// integer reads a whole number.
func (c *converter) integer(n *node, name string) (int64, *attr) {
	a := c.take(n, name)
	if a == nil {
		return 0, nil
	}
	v, err := strconv.ParseInt(a.value, 10, 64)
	if err != nil {
		c.bad(n, a, "a whole number")
		return 0, nil
	}
	return v, a
}

// decimal reads a number.
func (c *converter) decimal(n *node, name string) (float64, *attr) {
	a := c.take(n, name)
	if a == nil {
		return 0, nil
	}
	v, err := strconv.ParseFloat(a.value, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		c.bad(n, a, "a number")
		return 0, nil
	}
	return v, a
}

// millis reads milliseconds.
func (c *converter) millis(n *node, name string) (time.Duration, *attr) {
	v, a := c.integer(n, name)
	if a == nil {
		return 0, nil
	}
	if v > int64(math.MaxInt64/time.Millisecond) {
		v = int64(math.MaxInt64 / time.Millisecond)
	}
	return time.Duration(v) * time.Millisecond, a
}

// period writes a duration as the configuration reads it; less than nothing is nothing.
func period(d time.Duration) string {
	if d <= 0 {
		return "0s"
	}
	switch {
	case d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	case d%time.Minute == 0:
		return strconv.FormatInt(int64(d/time.Minute), 10) + "m"
	case d%time.Second == 0:
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return strconv.FormatInt(int64(d/time.Millisecond), 10) + "ms"
}

// count writes a number for an option that takes no larger one.
func count(v int64) string { return strconv.FormatInt(min(v, math.MaxInt32), 10) }

// size reads a number of bytes as ActiveMQ does: 1024, 64 kb, 64mb, 1 g. Its units are powers of 1024.
func (c *converter) size(n *node, name string) (config.Size, *attr) {
	a := c.take(n, name)
	if a == nil {
		return 0, nil
	}
	v, ok := ParseSize(a.value)
	if !ok {
		c.bad(n, a, "a size such as 64mb")
		return 0, nil
	}
	return v, a
}

// ParseSize reads a size as ActiveMQ and Java do: a number, and k, m, g or t for powers of 1024.
func ParseSize(s string) (config.Size, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	digits := strings.TrimRight(s, "bkmgt ")
	unit := strings.TrimSpace(s[len(digits):])
	shift, ok := map[string]uint{"": 0, "b": 0, "k": 10, "kb": 10, "m": 20, "mb": 20, "g": 30, "gb": 30, "t": 40, "tb": 40}[unit]
	v, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil {
		return 0, false
	}
	if v > math.MaxInt64>>shift {
		return math.MaxInt64, true
	}
	return config.Size(v << shift), true
}

func decimalText(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
