package main

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// newLog returns the logger that the configuration asks for, and its level, which a reload can
// change.
func newLog(w io.Writer, c config.Log) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	setLevel(level, c)
	options := &slog.HandlerOptions{Level: level}
	switch c.Format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), level
	case "logfmt":
		return slog.New(slog.NewTextHandler(w, options)), level
	}
	return slog.New(newTextHandler(w, level)), level
}

// setLevel applies log.level, whose values are those of slog in lower case.
func setLevel(level *slog.LevelVar, c config.Log) {
	var l slog.Level
	if l.UnmarshalText([]byte(c.Level)) == nil {
		level.Set(l)
	}
}

// textHandler writes lines for people: time, level and message in columns, then the attributes
// as slog's own handler writes them.
type textHandler struct {
	shared *textOutput
	attrs  slog.Handler // writes into shared.line
}

// textOutput is what all handlers derived from one share.
type textOutput struct {
	mu   sync.Mutex
	w    io.Writer
	line strings.Builder
}

func newTextHandler(w io.Writer, level slog.Leveler) *textHandler {
	out := &textOutput{w: w}
	return &textHandler{out, slog.NewTextHandler(&out.line, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
				return slog.Attr{} // these stand in the columns
			}
			return a
		},
	})}
}

// Enabled reports whether a level is logged.
func (h *textHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.attrs.Enabled(ctx, l)
}

// Handle writes one line.
func (h *textHandler) Handle(ctx context.Context, r slog.Record) error {
	out := h.shared
	out.mu.Lock()
	defer out.mu.Unlock()
	out.line.Reset()
	if !r.Time.IsZero() {
		out.line.WriteString(r.Time.Format("2006-01-02 15:04:05.000 "))
	}
	level := r.Level.String()
	out.line.WriteString(level)
	out.line.WriteString(strings.Repeat(" ", max(1, 6-len(level))))
	out.line.WriteString(strings.ReplaceAll(r.Message, "\n", `\n`))
	head := out.line.Len()
	out.line.WriteByte(' ')
	if err := h.attrs.Handle(ctx, r); err != nil {
		return err
	}
	line := out.line.String()
	if len(line) == head+2 { // no attributes
		line = line[:head] + "\n"
	}
	_, err := io.WriteString(out.w, line)
	return err
}

// WithAttrs returns a handler that adds attributes to each line.
func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &textHandler{h.shared, h.attrs.WithAttrs(attrs)}
}

// WithGroup returns a handler that puts what follows under a name.
func (h *textHandler) WithGroup(name string) slog.Handler {
	return &textHandler{h.shared, h.attrs.WithGroup(name)}
}
