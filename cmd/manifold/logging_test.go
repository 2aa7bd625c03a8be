package main

import (
	"errors"
	"log/slog"
	"regexp"
	"testing"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

func TestLogFormats(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"text": `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} INFO  ready
\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} WARN  two\\nlines conn=7 g.error="a b" g.msg=x
$`,
		"logfmt": `^time=\S+ level=INFO msg=ready
time=\S+ level=WARN msg="two\\nlines" conn=7 g.error="a b" g.msg=x
$`,
		"json": `^\{"time":"[^"]+","level":"INFO","msg":"ready"\}
\{"time":"[^"]+","level":"WARN","msg":"two\\nlines","conn":7,"g":\{"error":"a b","msg":"x"\}\}
$`,
	} {
		var out buffer
		log, level := newLog(&out, config.Log{Level: "info", Format: format})
		log.Debug("unheard")
		log.Info("ready")
		log.With("conn", 7).WithGroup("g").Warn("two\nlines", "error", errors.New("a b"), "msg", "x")
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("%s:\n%s", format, out.String())
		}
		setLevel(level, config.Log{Level: "error"})
		before := out.String()
		log.Warn("unheard")
		if out.String() != before || level.Level() != slog.LevelError {
			t.Errorf("%s: the level did not change", format)
		}
	}
}
