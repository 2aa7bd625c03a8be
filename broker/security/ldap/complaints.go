package ldap

import (
	"log/slog"
	"sync"
	"time"
)

// complaints logs what goes wrong, but not each time: logins fail by the thousand while a
// directory is away.
type complaints struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	last    map[string]time.Time
	omitted map[string]int
}

// complaintInterval is how often the same is said, at most.
const complaintInterval = 10 * time.Second

// warn logs a message that is one of few.
func (c *complaints) warn(msg string, args ...any) {
	c.mu.Lock()
	now := c.now()
	if at, ok := c.last[msg]; ok && now.Sub(at) < complaintInterval {
		c.omitted[msg]++
		c.mu.Unlock()
		return
	}
	if c.last == nil {
		c.last, c.omitted = make(map[string]time.Time), make(map[string]int)
	}
	omitted := c.omitted[msg]
	c.last[msg], c.omitted[msg] = now, 0
	c.mu.Unlock()
	if omitted > 0 {
		args = append(args, "not logged since the last", omitted)
	}
	c.log.Warn(msg, args...)
}
