package broker

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/store"
)

// Records of the Marks bucket that are not marks of lists, which have keys of five bytes.
const (
	cleanKey = "clean stop" // there after a clean stop, until the next start
	listsKey = "list block" // list identifiers below it may be in use
)

// listBlock is how many list identifiers are reserved at once.
const listBlock = 1 << 16

func bootID() string { return strconv.FormatInt(time.Now().UnixMilli(), 36) }

// recover builds the broker's state from the store.
func (b *Broker) recover(ctx context.Context) error {
	unclean, err := b.startMark(ctx)
	if err != nil {
		return err
	}
	marks, suspects := make(map[store.ListID]store.ID), make(map[store.ListID]store.ID)
	err = b.store.Records(ctx, store.Marks, nil, nil, func(key, value []byte) error {
		if list, mark, ok := queue.ParseMark(key, value); ok {
			marks[list] = max(marks[list], mark)
		}
		if list, id, ok := queue.ParseSuspect(key, value); ok {
			suspects[list] = id
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("dispatch marks: %w", err)
	}
	first, last := make(map[store.ListID]store.ID), make(map[store.ListID]store.ID)
	err = b.store.Lists(ctx, func(i store.ListInfo) error {
		first[i.List], last[i.List] = i.First, i.Last
		return nil
	})
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	byList := make(map[store.ListID]*holder)
	if err := b.recoverDestinations(ctx, byList); err != nil {
		return err
	}
	if err := b.recoverDurables(ctx, byList); err != nil {
		return err
	}
	if err := b.recoverSessions(ctx, byList); err != nil {
		return err
	}
	if err := b.recoverRetained(ctx); err != nil {
		return err
	}
	if err := b.recoverIdentities(ctx); err != nil {
		return err
	}
	if err := b.forgetOldSequences(ctx); err != nil {
		return err
	}
	b.dropOrphans(last, byList)
	if unclean {
		for list, id := range last {
			// Entries above the mark were not seen, and those to come will be above last.
			suspects[list] = max(suspects[list], min(marks[list], id))
		}
	}
	b.keepSuspects(suspects, first)
	done := 0
	for list, h := range byList {
		done++
		b.progress.Store(int64(done * 99 / len(byList)))
		if last[list] == 0 {
			h.queue.Recover(0, 0, 0, marks[list], 0)
			continue
		}
		entries, bytes, err := b.store.Count(ctx, list)
		if err != nil {
			return fmt.Errorf("count %s: %w", h.queue.Address, err)
		}
		h.queue.Recover(int64(entries), int64(bytes), last[list], marks[list], suspects[list])
	}
	return b.recoverBranches(ctx, byList)
}

// keepSuspects records which entries may have been seen before an unclean stop: they must come
// flagged also if they still wait after the next, clean one. Records whose entries are gone,
// and their elements of suspects, are deleted.
func (b *Broker) keepSuspects(suspects, first map[store.ListID]store.ID) {
	batch := store.GetBatch()
	batch.Durability = store.Durable
	batch.Done = release
	for list, id := range suspects {
		if first[list] == 0 || first[list] > id {
			queue.DeleteSuspect(batch, list)
			delete(suspects, list)
			continue
		}
		queue.PutSuspect(batch, list, id)
	}
	if batch.Empty() {
		store.PutBatch(batch)
		return
	}
	b.store.Commit(batch)
}

// startMark reads and removes the mark of a clean stop, and reserves list identifiers.
func (b *Broker) startMark(ctx context.Context) (unclean bool, err error) {
	clean := false
	err = b.store.Records(ctx, store.Marks, nil, nil, func(key, value []byte) error {
		switch {
		case string(key) == cleanKey:
			clean = true
		case string(key) == listsKey && len(value) == 4:
			b.lists = store.ListID(binary.BigEndian.Uint32(value))
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("start mark: %w", err)
	}
	batch := store.GetBatch()
	batch.Durability = store.Durable
	batch.Done = release
	batch.DeleteRecord(store.Marks, []byte(cleanKey))
	var block [4]byte
	binary.BigEndian.PutUint32(block[:], uint32(b.lists)+2*listBlock)
	batch.PutRecord(store.Marks, []byte(listsKey), block[:])
	b.store.Commit(batch)
	return !clean, b.store.Sync(ctx)
}

// markClean notes that nothing was in flight when the store was closed.
func (b *Broker) markClean(ctx context.Context) error {
	batch := store.GetBatch()
	batch.Durability = store.Durable
	batch.Done = release
	batch.PutRecord(store.Marks, []byte(cleanKey), nil)
	var block [4]byte
	b.listMu.Lock()
	binary.BigEndian.PutUint32(block[:], uint32(b.lists))
	b.listMu.Unlock()
	batch.PutRecord(store.Marks, []byte(listsKey), block[:])
	b.store.Commit(batch)
	return b.store.Sync(ctx)
}

func (b *Broker) recoverDestinations(ctx context.Context, byList map[store.ListID]*holder) error {
	err := b.store.Records(ctx, store.Destinations, nil, nil, func(_, value []byte) error {
		var rec destinationRecord
		if err := json.Unmarshal(value, &rec); err != nil {
			return err
		}
		d := &Destination{Address: addressOf(rec.Name), b: b}
		d.forwarding = b.forwardingOf(d.Address)
		p := b.Policies.Lookup(d.Address)
		d.setPolicy(&p)
		if d.Address.Kind == address.Queue {
			o := queueOptions(&p)
			o.Prioritized = rec.Prioritized
			d.queue = queue.New(b.env, d.Address, rec.List, o)
			d.queue.Tag = d
			h := d.holder()
			byList[rec.List] = &h
		}
		b.destinations[d.Address] = d
		b.bindVirtual(d)
		return nil
	})
	if err != nil {
		return fmt.Errorf("destinations: %w", err)
	}
	return nil
}

func (b *Broker) recoverDurables(ctx context.Context, byList map[store.ListID]*holder) error {
	err := b.store.Records(ctx, store.Subscriptions, nil, nil, func(_, value []byte) error {
		var rec durableRecord
		if err := json.Unmarshal(value, &rec); err != nil {
			return err
		}
		filter, err := compile(rec.Selector, rec.ConvertStrings)
		if err != nil {
			return err
		}
		d := b.newDurable(rec, filter)
		b.durables[d.key] = d
		b.bindings.Bind(d.binding.pattern, d.binding)
		byList[rec.List] = &d.binding.to
		return nil
	})
	if err != nil {
		return fmt.Errorf("subscriptions: %w", err)
	}
	return nil
}

func (b *Broker) recoverBranches(ctx context.Context, byList map[store.ListID]*holder) error {
	err := b.store.Records(ctx, store.Prepared, nil, nil, func(key, value []byte) error {
		return b.recoverBranch(ctx, string(key), value, byList)
	})
	if err != nil {
		return fmt.Errorf("prepared branches: %w", err)
	}
	return nil
}

// dropOrphans deletes lists that nothing refers to: what a subscription collected whose record
// did not reach the disk, for instance.
func (b *Broker) dropOrphans(lists map[store.ListID]store.ID, byList map[store.ListID]*holder) {
	batch := store.GetBatch()
	batch.Done = release
	for list := range lists {
		if byList[list] == nil {
			b.Log.Info("list without an owner dropped", "list", list)
			queue.DropList(batch, list)
		}
	}
	b.store.Commit(batch)
}
