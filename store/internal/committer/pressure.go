package committer

// levelOf is the pressure of so many pending bytes.
func (c *Committer) levelOf(bytes int64) int {
	switch base := c.cfg.PressureBytes; {
	case bytes < base:
		return 0
	case bytes < 4*base:
		return 1
	case bytes < 16*base:
		return 2
	}
	return 3
}

func (c *Committer) signalPressure() {
	if c.cfg.Pressure == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.idle: // the channel is closed
	default:
		select {
		case c.pressure <- struct{}{}:
		default:
		}
	}
}

// report calls Pressure on a goroutine of its own, since those who cause it hold locks.
func (c *Committer) report() {
	last := 0
	for range c.pressure {
		if now := c.levelOf(c.pendingBytes.Load()); now != last {
			last = now
			c.cfg.Pressure(now)
		}
	}
}
