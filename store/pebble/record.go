package pebble

import (
	"bytes"
	"context"
	"fmt"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/manifoldmq/manifold/store"
)

// Records implements store.Store.
func (s *Store) Records(ctx context.Context, k store.Bucket, from, to []byte, fn func(key, value []byte) error) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	upper := recordKey(k+1, nil)
	if to != nil {
		upper = recordKey(k, to)
	}
	lower := recordKey(k, from)
	if bytes.Compare(lower, upper) >= 0 {
		return nil
	}
	it, err := s.db.NewIterWithContext(ctx, &lsm.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return asCorrupt(err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		var v []byte
		if err := guard(func() (err error) { v, err = it.ValueAndErr(); return err }); err != nil {
			return fmt.Errorf("read records: %w", asCorrupt(err))
		}
		if err := fn(it.Key()[2:], v); err != nil {
			return err
		}
	}
	return asCorrupt(it.Error())
}

// Record implements store.Store.
func (s *Store) Record(ctx context.Context, k store.Bucket, key []byte) ([]byte, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	value := []byte{}
	err := guard(func() error {
		v, closer, err := s.db.Get(recordKey(k, key))
		if err != nil {
			return asCorrupt(err)
		}
		value = append(value, v...)
		return closer.Close()
	})
	if err != nil {
		return nil, err
	}
	return value, nil
}
