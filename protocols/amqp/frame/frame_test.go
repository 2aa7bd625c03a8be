package frame

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// conversation returns the frames of real clients and of servers that they accepted.
func conversation(t testing.TB) [][]byte {
	t.Helper()
	f, err := os.Open("testdata/conversations.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var list [][]byte
	for s := bufio.NewScanner(f); s.Scan(); {
		_, digits, ok := strings.Cut(s.Text(), " ")
		if !ok || strings.HasPrefix(s.Text(), "#") {
			continue
		}
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
	}
	if len(list) < 50 {
		t.Fatalf("%d frames", len(list))
	}
	return list
}

// decode reads the performative of a frame. again encodes it.
func decode(body []byte) (v any, payload []byte, again func(channel uint16) []byte, err error) {
	code, f, n, err := Performative(body)
	if err != nil {
		return nil, nil, nil, err
	}
	payload = body[n:]
	switch code {
	case CodeOpen:
		p, err := ParseOpen(f)
		return p, payload, func(uint16) []byte { return p.Append(nil) }, err
	case CodeBegin:
		p, err := ParseBegin(f)
		return p, payload, func(c uint16) []byte { return p.Append(nil, c) }, err
	case CodeAttach:
		p, err := ParseAttach(f)
		return p, payload, func(c uint16) []byte { return p.Append(nil, c) }, err
	case CodeFlow:
		p, err := ParseFlow(f)
		return p, payload, func(c uint16) []byte { return p.Append(nil, c) }, err
	case CodeTransfer:
		p, err := ParseTransfer(f)
		return p, payload, func(c uint16) []byte {
			b, at := p.Append(nil, c)
			return End(append(b, payload...), at)
		}, err
	case CodeDisposition:
		p, err := ParseDisposition(f)
		return p, payload, func(c uint16) []byte { return p.Append(nil, c) }, err
	case CodeDetach:
		p, err := ParseDetach(f)
		return p, payload, func(c uint16) []byte { return p.Append(nil, c) }, err
	case CodeEnd:
		p, err := ParseEnd(f)
		return p, payload, func(c uint16) []byte { return p.Append(nil, c) }, err
	case CodeClose:
		p, err := ParseClose(f)
		return p, payload, func(uint16) []byte { return p.Append(nil) }, err
	case CodeMechanisms:
		p, err := ParseMechanisms(f)
		return p, payload, func(uint16) []byte { return AppendMechanisms(nil, p) }, err
	case CodeInit:
		p, err := ParseInit(f)
		return p, payload, func(uint16) []byte { return p.Append(nil) }, err
	case CodeChallenge, CodeResponse:
		p, err := ParseResponse(f)
		return p, payload, func(uint16) []byte { return AppendChallenge(nil, p) }, err
	case CodeOutcome:
		p, err := ParseOutcome(f)
		return p, payload, func(uint16) []byte { return AppendOutcome(nil, p.Code, p.Data) }, err
	}
	return nil, nil, nil, malformed(wire.ErrType)
}

func TestConversationsOfRealClients(t *testing.T) {
	t.Parallel()
	for _, b := range conversation(t) {
		if bytes.HasPrefix(b, []byte("AMQP")) {
			p, ok := ParsePrelude(b)
			if !ok || !bytes.Equal(AppendPrelude(nil, p), b) {
				t.Errorf("protocol header %x", b)
			}
			continue
		}
		h, err := ParseHeader(b, 1<<16)
		if err != nil || int(h.Size) != len(b) {
			t.Fatalf("%x: %v, size %d", b, err, h.Size)
		}
		v, payload, again, err := decode(b[h.Body():])
		if err != nil {
			t.Errorf("%x: %v", b, err)
			continue
		}
		second := again(h.Channel)
		g, err := ParseHeader(second, 1<<16)
		if err != nil || int(g.Size) != len(second) || g.Channel != h.Channel {
			t.Errorf("%x: encoded again it is %x: %v", b, second, err)
			continue
		}
		w, payloadAgain, _, err := decode(second[g.Body():])
		if err != nil || !reflect.DeepEqual(v, w) || !bytes.Equal(payload, payloadAgain) {
			t.Errorf("%x: encoded again it differs: %v\n%+v\n%+v", b, err, v, w)
		}
		if len(second) > len(b)+8 {
			t.Errorf("%x: %d bytes became %d", b, len(b), len(second))
		}
	}
}

func TestSymbolicDescriptors(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]uint64{
		"amqp:open:list": CodeOpen, "amqp:begin:list": CodeBegin, "amqp:attach:list": CodeAttach, "amqp:flow:list": CodeFlow,
		"amqp:transfer:list": CodeTransfer, "amqp:disposition:list": CodeDisposition, "amqp:detach:list": CodeDetach,
		"amqp:end:list": CodeEnd, "amqp:close:list": CodeClose, "amqp:sasl-init:list": CodeInit, "amqp:sasl-outcome:list": CodeOutcome,
		"amqp:other:list": unknown,
	} {
		body := append(wire.AppendSymbol([]byte{0}, name), wire.List0)
		if code, _, n, err := Performative(body); code != want || n != len(body) || err != nil {
			t.Errorf("%s: %x, %d bytes, %v", name, code, n, err)
		}
	}
	states := map[string]StateKind{"amqp:accepted:list": Accepted, "amqp:rejected:list": Rejected, "amqp:released:list": Released, "amqp:modified:list": Modified}
	for name, want := range states {
		if s, err := ParseState(append(wire.AppendSymbol([]byte{0}, name), wire.List0)); s.Kind != want || err != nil {
			t.Errorf("%s: %d, %v", name, s.Kind, err)
		}
	}
}

func TestFrameHeadersThatLie(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"size 0":                   {0, 0, 0, 0, 2, 0, 0, 0},
		"size 7":                   {0, 0, 0, 7, 2, 0, 0, 0},
		"negative size":            {0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0},
		"HTTP":                     []byte("HTTP/1.1"),
		"above the limit":          {0, 0, 2, 1, 2, 0, 0, 0},
		"body within the header":   {0, 0, 0, 8, 1, 0, 0, 0},
		"body beyond the end":      {0, 0, 0, 8, 3, 0, 0, 0},
		"body far beyond the end":  {0, 0, 0, 9, 255, 0, 0, 0},
		"body at 0":                {0, 0, 0, 8, 0, 0, 0, 0},
		"size of a very long time": {0x7f, 0xff, 0xff, 0xff, 2, 0, 0, 0},
	} {
		if _, err := ParseHeader(b, MinMaxSize); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if h, err := ParseHeader([]byte{0, 0, 2, 0, 3, 1, 0, 9}, MinMaxSize); err != nil || h.Body() != 12 || h.Channel != 9 || h.Type != TypeSASL {
		t.Error(h, err)
	}
}

func TestMandatoryFields(t *testing.T) {
	t.Parallel()
	for _, code := range []uint64{CodeOpen, CodeBegin, CodeAttach, CodeFlow, CodeTransfer, CodeDisposition, CodeDetach, CodeInit, CodeResponse} {
		if _, _, _, err := decode(append(wire.AppendDescriptor(nil, code), wire.List0)); err == nil {
			t.Errorf("%#x without fields is accepted", code)
		}
	}
	for _, code := range []uint64{CodeEnd, CodeClose} {
		if _, _, _, err := decode(append(wire.AppendDescriptor(nil, code), wire.List0)); err != nil {
			t.Errorf("%#x: %v", code, err)
		}
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	reason := &Error{Condition: NotFound, Description: "gone"}
	for _, s := range []State{
		{}, {Kind: Received, Section: 3, Offset: 1 << 40}, {Kind: Accepted}, {Kind: Released}, RejectedWith(reason), {Kind: Rejected},
		{Kind: Modified, Failed: true}, {Kind: Modified, Undeliverable: true, Annotations: []byte{wire.Map8, 1, 0}},
		{Kind: Declared, Txn: []byte("t1")}, {InTransaction: true, Txn: []byte("t2")},
		{Kind: Accepted, InTransaction: true, Txn: []byte("t2")}, {Kind: Modified, Failed: true, InTransaction: true, Txn: []byte("t2")},
	} {
		b := s.Append(nil)
		if b[0] == wire.Null {
			b = nil
		}
		got, err := ParseState(b)
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("%+v became %+v: %v", s, got, err)
		}
		if got.Kind == Rejected && got.Error != nil && got.Rejection().Error() != reason.Error() {
			t.Errorf("%+v", got.Rejection())
		}
	}
	loop := State{Kind: Accepted, InTransaction: true, Txn: []byte("a")}
	c := wire.Open(wire.AppendDescriptor(nil, codeTransactional), wire.List8)
	c.Binary([]byte("b"))
	c.Raw(loop.Append(nil))
	if _, err := ParseState(c.Close()); err == nil {
		t.Error("a transactional state in a transactional state is accepted")
	}
}

func TestLongDescriptionsAreCut(t *testing.T) {
	t.Parallel()
	e := &Error{Condition: InternalError, Description: strings.Repeat("ä", 2000)}
	d := Detach{Handle: 1, Closed: true, Error: e}
	b := d.Append(nil, 0)
	if len(b) > MinMaxSize {
		t.Errorf("%d bytes", len(b))
	}
	v, _, _, err := decode(b[8:])
	if err != nil || !strings.HasPrefix(e.Description, v.(Detach).Error.Description) || v.(Detach).Error.Description == "" {
		t.Error(err, v)
	}
}

func TestRangesThatWrapAreSplit(t *testing.T) {
	t.Parallel()
	d := Disposition{Role: Receiver, First: 0xfffffffe, Last: 1, Settled: true, State: (&State{Kind: Accepted}).Append(nil)}
	b := d.Append(nil, 3)
	h, _ := ParseHeader(b, 512)
	first, _, _, err1 := decode(b[8:h.Size])
	second, _, _, err2 := decode(b[h.Size+8:])
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if p := first.(Disposition); p.First != 0xfffffffe || p.Last != 0xffffffff {
		t.Error(p)
	}
	if p := second.(Disposition); p.First != 0 || p.Last != 1 {
		t.Error(p)
	}
}

func TestFirstFrameOfADelivery(t *testing.T) {
	t.Parallel()
	b, at, more := AppendFirst([]byte("before"), 7, 300, 5, 1<<40, 9, true)
	SetMore(b, more)
	b = End(append(b, "payload"...), at)[6:]
	h, err := ParseHeader(b, 512)
	if err != nil || h.Channel != 7 {
		t.Fatal(h, err)
	}
	v, payload, _, err := decode(b[8:])
	n, ok := ParseTag(v.(Transfer).Tag)
	want := Transfer{Handle: 300, DeliveryID: 5, HasID: true, Tag: v.(Transfer).Tag, Format: 9, HasFormat: true, Settled: true, HasSettled: true, More: true}
	if err != nil || !reflect.DeepEqual(v, want) || string(payload) != "payload" || n != 1<<40 || !ok {
		t.Errorf("%v %+v %q %d", err, v, payload, n)
	}
}

func TestHotFramesAllocateNothing(t *testing.T) {
	transfer, at, _ := AppendFirst(nil, 0, 1, 2, 3, 0, false)
	transfer = End(append(transfer, "payload"...), at)
	d := Disposition{Role: Receiver, First: 1, Last: 9, Settled: true, State: (&State{Kind: Accepted}).Append(nil)}
	disposition := d.Append(nil, 0)
	w := Flow{IncomingWindow: 1, Handle: 2, HasHandle: true, Credit: 3, HasCredit: true}
	flow := w.Append(nil, 0)
	buf := make([]byte, 0, 512)
	if n := testing.AllocsPerRun(100, func() {
		_, f, _, _ := Performative(transfer[8:])
		if _, err := ParseTransfer(f); err != nil {
			t.Error(err)
		}
		_, f, _, _ = Performative(disposition[8:])
		p, err := ParseDisposition(f)
		if err != nil {
			t.Error(err)
		}
		if s, _ := ParseState(p.State); s.Kind != Accepted {
			t.Error(s)
		}
		_, f, _, _ = Performative(flow[8:])
		q, _ := ParseFlow(f)
		p.Append(buf, 0)
		q.Append(buf, 0)
		AppendFirst(buf, 0, 1, 2, 3, 0, false)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzFrame(f *testing.F) {
	for _, b := range conversation(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < HeaderSize {
			return
		}
		h, err := ParseHeader(b, uint32(len(b)))
		if err != nil {
			return
		}
		v, _, again, err := decode(b[h.Body():h.Size])
		if err != nil {
			return
		}
		if p, ok := v.(Attach); ok {
			_ = Tags(p.Unsettled, func([]byte, State) bool { return true })
			if p.Source != nil {
				for i := range p.Source.Filters {
					p.Source.Filters[i].Selector()
					p.Source.Filters[i].NoLocal()
				}
			}
		}
		if p, ok := v.(Disposition); ok {
			if _, err := ParseState(p.State); err != nil {
				return
			}
		}
		second := again(h.Channel)
		g, err := ParseHeader(second, ^uint32(0))
		if err != nil {
			t.Fatalf("encoded again: %x, %v", second, err)
		}
		if _, _, _, err := decode(second[g.Body():g.Size]); err != nil {
			t.Fatalf("encoded again it is refused: %v", err)
		}
	})
}

func FuzzControl(f *testing.F) {
	f.Add((&Control{}).Append(nil))
	f.Add((&Control{Discharge: true, Fail: true, Txn: []byte("txn")}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := ParseControl(b)
		if err != nil || k.Global {
			return
		}
		if again, err := ParseControl(k.Append(nil)); err != nil || !reflect.DeepEqual(k, again) {
			t.Fatalf("%+v became %+v: %v", k, again, err)
		}
	})
}

func BenchmarkTransfer(b *testing.B) {
	t, at, _ := AppendFirst(nil, 0, 1, 2, 3, 0, false)
	t = End(t, at)
	b.ReportAllocs()
	for b.Loop() {
		_, f, _, _ := Performative(t[8:])
		if _, err := ParseTransfer(f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendFirst(b *testing.B) {
	buf := make([]byte, 0, 128)
	b.ReportAllocs()
	for b.Loop() {
		AppendFirst(buf, 0, 1, 2, 3, 0, false)
	}
}
