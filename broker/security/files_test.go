package security

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/fault"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	for _, watch := range []bool{false, true} {
		now := time.Unix(1e9, 0)
		users, groups := file(t, "users", "a=p\nb="+hash(t, "q")), file(t, "groups", "g=a,b\nh=b")
		var failures []error
		f, err := NewFiles(FileOptions{
			Users: users, Groups: groups, Watch: watch,
			Failed: func(err error) { failures = append(failures, err) }, Clock: func() time.Time { return now },
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Verify(t.Context(), "b", "q"); err != nil || !slices.Equal(got, []string{"g", "h"}) {
			t.Errorf("got %v, %v", got, err)
		}
		if _, err := f.Verify(t.Context(), "a", "q"); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("wrong password: %v", err)
		}
		if _, err := f.Verify(t.Context(), "c", "q"); !errors.Is(err, ErrNoUser) {
			t.Errorf("unknown user: %v", err)
		}

		must(t, os.WriteFile(users, []byte("a=changed\n"), 0o600))
		if _, err := f.Verify(t.Context(), "a", "p"); err != nil {
			t.Errorf("within the second: %v", err)
		}
		now = now.Add(watchInterval)
		if _, err := f.Verify(t.Context(), "a", "changed"); (err == nil) != watch {
			t.Errorf("watch %t: the new password got %v", watch, err)
		}
		if _, err := f.Verify(t.Context(), "b", "q"); (err == nil) == watch {
			t.Errorf("watch %t: the removed user got %v", watch, err)
		}

		must(t, os.WriteFile(users, []byte("a=\n"), 0o600))
		now = now.Add(watchInterval)
		if _, err := f.Verify(t.Context(), "a", "changed"); (err == nil) != watch {
			t.Errorf("watch %t: while the file is damaged, %v", watch, err)
		}
		if told := len(failures) == 1 && strings.Contains(failures[0].Error(), "has no password"); told != watch {
			t.Errorf("watch %t: told of %v", watch, failures)
		}
	}
	for _, o := range []FileOptions{{}, {Users: "does/not/exist"}, {Users: file(t, "u", "a=p"), Groups: "does/not/exist"}} {
		if _, err := NewFiles(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}
