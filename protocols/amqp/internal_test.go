package amqp

import (
	"errors"
	"testing"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/section"
)

func TestEveryKindOfFaultHasACondition(t *testing.T) {
	t.Parallel()
	for k := range fault.Kind(fault.Kinds) {
		e := answerOf(&fault.Error{Kind: k, Op: "op"})
		if e.Condition == "" || e.Description == "" {
			t.Errorf("%s has the answer %+v", k, e)
		}
		if e := answerOf(fault.New(k, "op", "object", "what happened")); e.Description != "what happened" {
			t.Errorf("%s: %q", k, e.Description)
		}
		if k != fault.Internal {
			continue
		}
		if e := answerOf(errors.New("secret")); e.Condition != frame.InternalError || e.Description == "secret" {
			t.Errorf("%+v tells clients too much", e)
		}
	}
}

func TestWhereToGo(t *testing.T) {
	t.Parallel()
	moved := &fault.Error{Kind: fault.Moved, Op: "send", Where: "other:5672"}
	e := closeError(moved)
	v, ok := section.Find(e.Info, "address")
	if e.Condition != frame.ConnectionRedirect || !ok || string(v.Data) != "other:5672" {
		t.Errorf("%+v", e)
	}
	if e := linkError(moved); e.Condition != frame.LinkRedirect {
		t.Errorf("%+v", e)
	}
}

func TestEndsByTheBroker(t *testing.T) {
	t.Parallel()
	for kind, want := range map[fault.Kind]frame.Condition{
		fault.NotFound: frame.ResourceDeleted, fault.Closed: frame.DetachForced, fault.Forbidden: frame.UnauthorizedAccess,
	} {
		if e := linkError(fault.New(kind, "op", "", "text")); e.Condition != want {
			t.Errorf("%s: %s", kind, e.Condition)
		}
	}
	if e := closeError(fault.New(fault.Closed, "stop", "", "text")); e.Condition != frame.ConnectionForced {
		t.Error(e.Condition)
	}
	taken := closeError(fault.New(fault.InUse, "connect", "", "text"))
	if _, ok := section.Find(taken.Info, "sole-connection-enforcement"); taken.Condition != frame.ResourceLocked || !ok {
		t.Errorf("%+v", taken)
	}
}

func TestRunsOfDeliveries(t *testing.T) {
	t.Parallel()
	var r runs
	a, b := new(sender), new(sender)
	id := uint32(0xfffffffa) // it wraps
	for n := uint64(1); n <= 10; n++ {
		r.add(a, id, n)
		id++
	}
	for n := uint64(1); n <= 3; n++ {
		r.add(b, id, n)
		id++
	}
	r.add(a, id, 11)
	if len(r.list) != 3 {
		t.Fatalf("%d runs", len(r.list))
	}
	type part struct {
		l           *sender
		first, last uint64
	}
	for _, c := range []struct {
		first, last uint32
		want        []part
	}{
		{0xfffffffa, 0xfffffffa, []part{{a, 1, 1}}},
		{0xfffffffe, 1, []part{{a, 5, 8}}},
		{3, 4, []part{{a, 10, 10}, {b, 1, 1}}},
		{0, 0x70000000, []part{{a, 7, 10}, {b, 1, 3}, {a, 11, 11}}},
		{0xffffff00, 0xfffffff9, nil},
		{8, 100, nil},
		{7, 7, []part{{a, 11, 11}}},
	} {
		var got []part
		r.find(c.first, c.last, func(l *sender, _ uint32, first, last uint64) { got = append(got, part{l, first, last}) })
		if len(got) != len(c.want) {
			t.Errorf("%d..%d: %v", c.first, c.last, got)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%d..%d: part %d is %v, want %v", c.first, c.last, i, got[i], c.want[i])
			}
		}
	}
	a.stop()
	r.list[1].link.browser = true
	r.clean()
	if len(r.list) != 1 || r.list[0].link != b {
		t.Errorf("%d runs are left", len(r.list))
	}
}
