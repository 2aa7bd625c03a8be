package memory_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/memory"
)

func appendTo(list store.ListID, body string, done func(*store.Batch, error)) *store.Batch {
	b := store.GetBatch()
	b.Durability, b.Done = store.Durable, done
	b.Append(store.Target{List: list}, 4, store.Msg{Body: []byte(body)})
	return b
}

func TestPauseHoldsCommitsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := memory.Open(memory.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.Pause()
		done := 0
		for range 3 {
			s.Commit(appendTo(1, "x", func(_ *store.Batch, err error) {
				if err == nil {
					done++
				}
			}))
		}
		synctest.Wait()
		if done != 0 {
			t.Fatalf("%d done while paused", done)
		}
		s.Resume()
		synctest.Wait()
		if done != 3 {
			t.Fatalf("%d done after resume, want 3", done)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFailEndsEverything(t *testing.T) {
	t.Parallel()
	var events []store.Event
	disk := memory.NewDisk()
	s, err := memory.Open(memory.Options{Disk: disk, Hooks: store.Hooks{Event: func(e store.Event) { events = append(events, e) }}})
	if err != nil {
		t.Fatal(err)
	}
	s.Pause()
	got := make(chan error, 2)
	s.Commit(appendTo(1, "x", func(_ *store.Batch, err error) { got <- err }))
	cause := errors.New("the disk is gone")
	s.Fail(cause)
	s.Commit(appendTo(1, "y", func(_ *store.Batch, err error) { got <- err }))
	for range 2 {
		if err := <-got; !errors.Is(err, store.ErrStopped) || !errors.Is(err, cause) {
			t.Fatalf("done with %v", err)
		}
	}
	if len(events) != 1 || events[0].Kind != store.Fatal {
		t.Fatalf("events %v", events)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err = memory.Open(memory.Options{Disk: disk})
	if err != nil {
		t.Fatal(err)
	}
	if s.Info().Clean {
		t.Error("the disk looks cleanly closed")
	}
	if n, _, err := s.Count(t.Context(), 1); n != 0 || err != nil {
		t.Errorf("%d entries, %v", n, err)
	}
}

func TestCommitAfterClose(t *testing.T) {
	t.Parallel()
	s, err := memory.Open(memory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		got := make(chan error)
		s.Commit(appendTo(1, "x", func(_ *store.Batch, err error) { got <- err }))
		if err := <-got; !errors.Is(err, store.ErrClosed) {
			t.Fatalf("done with %v", err)
		}
	}
}
