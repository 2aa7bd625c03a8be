package broker

import (
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/store"
)

// watch says whether any policy wants housekeeping to look at consumers or subscriptions.
type watch struct{ slow, offline atomic.Bool }

func (w *watch) set(s *policy.Set) {
	w.slow.Store(s.Some(func(p *policy.Policy) bool { return p.Slow.On() }))
	w.offline.Store(s.Some(func(p *policy.Policy) bool { return p.OfflineDurable > 0 }))
}

// pace is how a consumer has kept up.
type pace struct {
	since   time.Time // it is slow; zero: it is not
	times   int       // how often it has become slow
	settled time.Time // when it settled something last, or had nothing to settle
	oldest  uint64    // number of its oldest delivery then
}

// closeSlow closes consumers that do not keep up, where policies ask for that: ActiveMQ's
// abortSlowConsumerStrategy and abortSlowAckConsumerStrategy.
func (b *Broker) closeSlow(now time.Time) {
	if !b.watch.slow.Load() {
		return
	}
	b.Subscriptions(func(s *Subscription) {
		if len(s.o.Addresses) == 0 {
			return // a session's, whose messages come by many destinations
		}
		a := s.o.Addresses[0]
		p := b.Policies.Lookup(a)
		if !p.Slow.On() || s.o.Browse || isAdvisory(a) {
			return
		}
		why := s.pace.note(s, &p.Slow, now)
		if why == "" {
			return
		}
		b.Log.Warn("slow consumer closed", "client", s.c.login.ClientID, "destination", a.String(), "reason", why)
		err := fault.New(fault.Closed, "subscribe", a.String(), "the consumer is too slow: %s", why)
		if p.Slow.Whole {
			s.c.end(err)
			return
		}
		s.Abort(err)
		s.closeWith(^uint64(0))
	})
}

// note takes account of how a subscription does now, and returns why it is to be closed, or "".
func (k *pace) note(s *Subscription, p *policy.Slow, now time.Time) string {
	switch slow := s.Slow(); {
	case !slow:
		k.since = time.Time{}
	case k.since.IsZero():
		k.since = now
		k.times++
	}
	oldest, unsettled := s.Oldest(), s.Unsettled()
	if k.settled.IsZero() || oldest != k.oldest || unsettled == 0 && !p.Idle {
		k.settled, k.oldest = now, oldest
	}
	switch {
	case p.After > 0 && !k.since.IsZero() && now.Sub(k.since) >= p.After:
		return "messages have waited for it for " + now.Sub(k.since).Round(time.Second).String()
	case p.Count > 0 && k.times >= p.Count:
		return "messages had to wait for it again and again"
	case p.AckWithin > 0 && now.Sub(k.settled) >= p.AckWithin:
		return "it has acknowledged nothing for " + now.Sub(k.settled).Round(time.Second).String()
	}
	return ""
}

// deleteOffline ends the durable subscriptions that have been without a consumer for as long as
// their policies allow: ActiveMQ's offlineDurableSubscriberTimeout.
func (b *Broker) deleteOffline(now time.Time) {
	if !b.watch.offline.Load() {
		return
	}
	var over []*durable
	b.mu.Lock()
	for key, d := range b.durables {
		if d.busy() || d.rec.Members {
			d.offline = time.Time{}
			continue
		}
		if d.offline.IsZero() {
			d.offline = now
		}
		p := b.Policies.Lookup(address.Parse(d.rec.Address, address.Topic))
		if after := p.OfflineDurable; after > 0 && now.Sub(d.offline) >= after {
			delete(b.durables, key)
			over = append(over, d)
		}
	}
	b.mu.Unlock()
	for _, d := range over {
		batch := store.GetBatch()
		batch.Durability = store.Durable
		batch.Done = release
		d.drop(batch)
		b.store.Commit(batch)
		b.Log.Info("durable subscription deleted, as it had no consumer", "client", d.rec.Client, "name", d.rec.Name, "topic", d.rec.Address)
	}
}
