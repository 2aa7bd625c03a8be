package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

// sizeUnits are in the order in which String prefers them: the largest that divides evenly.
// Binary units come first, since limits are mostly powers of two.
var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1},
}

// ParseSize reads a whole number of bytes with an optional unit: B, KB, MB, GB, TB are powers
// of 1000; KiB, MiB, GiB, TiB powers of 1024.
func ParseSize(text string) (Size, error) {
	digits := 0
	for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
		digits++
	}
	unit := strings.TrimSpace(text[digits:])
	n, err := strconv.ParseInt(text[:digits], 10, 64)
	if err != nil && digits == 0 {
		return 0, fmt.Errorf("%q is not a size; write a whole number and a unit, such as 64MiB", text)
	}
	if err != nil {
		return 0, fmt.Errorf("%q is too large", text)
	}
	if unit == "" {
		return Size(n), nil
	}
	for _, u := range sizeUnits {
		if u.name != unit {
			continue
		}
		if n > math.MaxInt64/u.bytes {
			return 0, fmt.Errorf("%q is too large", text)
		}
		return Size(n * u.bytes), nil
	}
	if name := nearestUnit(unit); name != "" {
		return 0, fmt.Errorf("%q has an unknown unit; did you mean %d%s?", text, n, name)
	}
	return 0, fmt.Errorf("%q has an unknown unit; use B, KB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (powers of 1024)", text)
}

// nearestUnit guesses the unit that other programs' spellings stand for. "mb" and "M" mean
// powers of 1024 in the configuration files that people bring along.
func nearestUnit(unit string) string {
	switch strings.ToLower(unit) {
	case "b", "byte", "bytes":
		return "B"
	case "k", "kb", "kib", "ki":
		return "KiB"
	case "m", "mb", "mib", "mi":
		return "MiB"
	case "g", "gb", "gib", "gi":
		return "GiB"
	case "t", "tb", "tib", "ti":
		return "TiB"
	}
	return ""
}

// String writes the size with the largest unit that divides it.
func (s Size) String() string {
	if s == 0 {
		return "0"
	}
	for _, u := range sizeUnits {
		if int64(s)%u.bytes == 0 && u.bytes > 1 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}
