package note_test

import (
	"slices"
	"testing"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
)

func TestNotes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		assurance message.Assurance
		retain    bool
		give, get []uint32
	}{
		{message.AtMostOnce, false, nil, nil},
		{message.AtLeastOnce, true, []uint32{0}, nil},
		{message.ExactlyOnce, false, []uint32{7, 3, 7, note.MaxIdentifier, 0}, []uint32{3, 7, note.MaxIdentifier}},
		{message.ExactlyOnce, true, []uint32{1}, []uint32{1}},
	} {
		n := note.Of(note.Append(nil, note.Index(c.assurance, c.retain), c.give...))
		if n.Assurance() != c.assurance || n.Retain() != c.retain {
			t.Errorf("%v: assurance %d, retain %v", c, n.Assurance(), n.Retain())
		}
		if got := slices.Collect(n.Identifiers); !slices.Equal(got, c.get) {
			t.Errorf("%v: identifiers %v", c, got)
		}
	}
}

func TestEmptyNote(t *testing.T) {
	t.Parallel()
	var n note.Of
	if n.Assurance() != message.AtMostOnce || n.Retain() || len(slices.Collect(n.Identifiers)) != 0 {
		t.Error("an empty note says something")
	}
}

func TestSetHasAllVariants(t *testing.T) {
	t.Parallel()
	s := note.NewSet(300)
	for _, a := range []message.Assurance{message.AtMostOnce, message.AtLeastOnce, message.ExactlyOnce} {
		for _, keep := range []bool{false, true} {
			n := note.Of(s[note.Index(a, keep)])
			if n.Assurance() != a || n.Retain() != keep || !slices.Equal(slices.Collect(n.Identifiers), []uint32{300}) {
				t.Errorf("%d, %v: %v", a, keep, n)
			}
		}
	}
}

// FuzzNote reads what may be in a damaged store: no panic, no end.
func FuzzNote(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{5, 0x80})
	f.Add(note.Append(nil, 6, 1, 200, 1<<20))
	f.Fuzz(func(t *testing.T, p []byte) {
		n := note.Of(p)
		_, _ = n.Assurance(), n.Retain()
		if ids := slices.Collect(n.Identifiers); len(ids) > len(p) {
			t.Error("more identifiers than bytes")
		}
	})
}
