package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/store"
)

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

func (b *bench) records(k store.Bucket, from, to []byte) string {
	b.t.Helper()
	var got []string
	err := b.s.Records(b.t.Context(), k, from, to, func(key, value []byte) error {
		got = append(got, fmt.Sprintf("%s=%s", key, value))
		return nil
	})
	if err != nil {
		b.t.Fatalf("records: %v", err)
	}
	return strings.Join(got, " ")
}

func testRecords(t *testing.T, open Opener) {
	b := start(t, open)
	b.commit(func(x *store.Batch) {
		for _, k := range []string{"b", "a", "d", "c"} {
			x.PutRecord(store.Retained, []byte(k), []byte("v"+k))
		}
		x.PutRecord(store.Retained, []byte("a"), []byte("new"))
		x.PutRecord(store.Retained, []byte{0xff, 0xff}, nil)
		x.PutRecord(store.Marks, nil, []byte("empty key"))
		x.DeleteRecord(store.Retained, []byte("d"))
		x.DeleteRecord(store.Retained, []byte("not there"))
	})
	check := func() {
		t.Helper()
		for _, c := range []struct{ from, to, want string }{
			{"", "", "a=new b=vb c=vc \xff\xff="},
			{"b", "", "b=vb c=vc \xff\xff="},
			{"b", "c", "b=vb"},
			{"", "c", "a=new b=vb"},
			{"aa", "bb", "b=vb"},
			{"c", "b", ""},
		} {
			var to []byte
			if c.to != "" {
				to = []byte(c.to)
			}
			if got := b.records(store.Retained, []byte(c.from), to); got != c.want {
				t.Errorf("%q to %q: %q, want %q", c.from, c.to, got, c.want)
			}
		}
		if got := b.records(store.Marks, nil, nil); got != "=empty key" {
			t.Errorf("marks %q", got)
		}
		if got := b.records(store.Schedule, nil, nil); got != "" {
			t.Errorf("schedule %q", got)
		}
		if v, err := b.s.Record(t.Context(), store.Retained, []byte("a")); string(v) != "new" || err != nil {
			t.Errorf("record %q, %v", v, err)
		}
		if v, err := b.s.Record(t.Context(), store.Retained, []byte("d")); !isNotFound(err) {
			t.Errorf("deleted record %q, %v", v, err)
		}
	}
	check()
	b.reopen()
	check()
	n := 0
	err := b.s.Records(t.Context(), store.Retained, nil, nil, func(_, _ []byte) error { n++; return errStop })
	if err != errStop || n != 1 {
		t.Fatalf("%d records, then %v", n, err)
	}
	b.commit(func(x *store.Batch) {
		for i := range 1000 {
			x.PutRecord(store.Schedule, fmt.Appendf(nil, "%04d", i), []byte("x"))
		}
	})
	n = 0
	err = b.s.Records(t.Context(), store.Schedule, nil, []byte("0900"), func(k, _ []byte) error {
		if string(k) != fmt.Sprintf("%04d", n) {
			t.Fatalf("record %d is %q", n, k)
		}
		n++
		return nil
	})
	if err != nil || n != 900 {
		t.Fatalf("%d records, %v", n, err)
	}
}
