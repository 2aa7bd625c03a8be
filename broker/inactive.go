package broker

import (
	"context"
	"time"
)

// deleteInactive removes the destinations that nobody has used for as long as their policies allow.
func (b *Broker) deleteInactive(now time.Time) {
	var list []*Destination
	b.mu.RLock()
	for _, d := range b.destinations { // of which there may be many, and most have no such policy
		if d.Policy().Inactive > 0 && !d.Address.Kind.IsTemp() {
			list = append(list, d)
		}
	}
	b.mu.RUnlock()
	for _, d := range list {
		after := d.Policy().Inactive
		if after <= 0 {
			continue
		}
		if !d.inactive() {
			d.idleSince = time.Time{}
			continue
		}
		if d.idleSince.IsZero() {
			d.idleSince = now
		}
		if now.Sub(d.idleSince) < after {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if err := b.Delete(ctx, d.Address); err == nil {
			b.Log.Info("inactive destination deleted", "destination", d.Address.String())
		}
		cancel()
	}
}

// inactive reports whether a destination has neither messages, nor consumers, nor producers.
func (d *Destination) inactive() bool {
	return d.producers.Load() == 0 && d.Consumers() == 0 && (d.queue == nil || d.queue.Counters().Entries.Load() == 0)
}
