package broker

import (
	"context"

	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/store"
)

// Reclaim gives an outcome to entries that wait on the subscription's queues: to those that the
// same client had got before its link to the broker was lost, which have come back since. They are
// named by the ids that their deliveries had. It returns which of them were there; the others
// have an outcome already, or are with somebody else. The token is confirmed when all of that is
// durable. It may block on the store.
func (s *Subscription) Reclaim(ctx context.Context, ids []uint64, o Outcome, t Token) (found []uint64, err error) {
	c := s.c
	s.mu.Lock()
	queues := append([]*queue.Queue(nil), s.attached...)
	s.mu.Unlock()
	wanted := make(map[store.ID]struct{}, len(ids))
	for _, id := range ids {
		wanted[store.ID(id)] = struct{}{}
	}
	var all []queue.Taken
	for _, q := range queues {
		if len(wanted) == 0 {
			break
		}
		list, err := q.Take(ctx, func(e *queue.Entry) bool {
			_, ok := wanted[e.Ref.ID]
			return ok
		}, len(wanted))
		for i := range list {
			delete(wanted, list[i].Entry.Ref.ID)
			found = append(found, uint64(list[i].Entry.Ref.ID))
		}
		all = append(all, list...)
		if err != nil {
			queue.GiveBack(all, false, 0)
			return nil, storeFault("attach", err)
		}
	}
	annotate(all, o.Fields)
	switch {
	case len(all) == 0:
		c.Confirm(t)
	case o.Kind == Accepted:
		batch := store.GetBatch()
		for i := range all {
			if all[i].Stored() {
				batch.Ack(all[i].Entry.Ref)
				batch.Durability = store.Durable
			}
		}
		queue.Forget(all)
		c.b.confirmWhenDone(batch, "acknowledge", c, t)
	case o.Kind == Rejected:
		c.b.deadLetter(all, o.Cause, c, t)
	default:
		if o.NotHere {
			s.Shun(all)
		}
		queue.GiveBack(all, o.Kind == Failed, 0)
		c.Confirm(t)
	}
	return found, nil
}
