package broker_test

import (
	"testing"

	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/store"
)

func TestMarksOfAListAreTwoRecords(t *testing.T) {
	t.Parallel()
	b := store.GetBatch()
	queue.AppendMark(b, 7, 100)
	ops := b.Ops()
	if len(ops) != 1 {
		t.Fatalf("%d operations", len(ops))
	}
	list, mark, ok := queue.ParseMark(b.Bytes(ops[0].Head), b.Bytes(ops[0].Body))
	if !ok || list != 7 || mark != 100 {
		t.Errorf("list %d, mark %d, %v", list, mark, ok)
	}
	for _, key := range []string{"", "abcd", "clean stop", "list block"} {
		if _, _, ok := queue.ParseMark([]byte(key), make([]byte, 8)); ok {
			t.Errorf("%q passes for the key of a mark", key)
		}
	}
	drop := store.GetBatch()
	queue.DropList(drop, 7)
	if n := len(drop.Ops()); n != 4 {
		t.Errorf("dropping a list has %d operations, not the list and its three records", n)
	}
}
