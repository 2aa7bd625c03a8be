package httpd

import (
	"hash/fnv"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxLabel bounds label values in bytes: clients choose names of up to 32 KiB.
const maxLabel = 256

// clean makes any bytes a label value: valid UTF-8 of bounded length. What is cut off stays in
// it as a hash, so that names with a long common beginning remain apart.
func clean(s string) string {
	if len(s) <= maxLabel && utf8.ValidString(s) {
		return s
	}
	v := strings.ToValidUTF8(s, "\uFFFD")
	if len(v) <= maxLabel {
		return v
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	tail := "…" + strconv.FormatUint(h.Sum64(), 16)
	cut := maxLabel - len(tail)
	for cut > 0 && !utf8.RuneStart(v[cut]) {
		cut--
	}
	return v[:cut] + tail
}
