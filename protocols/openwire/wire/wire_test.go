package wire

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestTextIsModified(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"plain": "plain", "é€": "é€", "\x00": "\xc0\x80", "😀": "\xed\xa0\xbd\xed\xb8\x80", "": "",
	} {
		got := TextOf(s)
		if string(got) != want || got == nil {
			t.Errorf("%q is %x, want %x", s, got, want)
		}
		if back := got.String(); back != s {
			t.Errorf("%q came back as %q", s, back)
		}
		if back := got.View(); back != s {
			t.Errorf("%q is seen as %q", s, back)
		}
	}
	for b, want := range map[string]string{"\xed\xa0\xbdx": "\uFFFDx", "a\xff": "a\uFFFD", "😀": "😀"} {
		if got := Text(b).String(); got != want {
			t.Errorf("%x is %q, want %q", b, got, want)
		}
	}
	if !NullText("").IsNull() || TextOf("").IsNull() {
		t.Error("null and empty are not told apart")
	}
}

// all is a table of formats that a test walks.
func all() []Format {
	var list []Format
	for v := int32(1); v <= MaxVersion; v++ {
		for i := range 8 {
			f := Format{Version: v, Tight: i&1 != 0, StackTrace: i&2 != 0, MaxFrameSize: 1 << 30}
			if i&4 != 0 {
				f.CacheSize = 1024
			}
			list = append(list, f)
		}
	}
	return list
}

// TestEveryCommandInEveryFormat writes and reads commands with extreme fields.
func TestEveryCommandInEveryFormat(t *testing.T) {
	t.Parallel()
	long := Text(strings.Repeat("x", 30000))
	producer := &ProducerID{ConnectionID: Text("c"), Value: -1, SessionID: math.MaxInt64}
	commands := []Command{
		&Message{Kind: TypeBlobMessage, ProducerID: producer, Destination: &Destination{Kind: TypeTempTopic, PhysicalName: long},
			MessageID:     &MessageID{ProducerID: producer, ProducerSequenceID: 65536, BrokerSequenceID: 1 << 40},
			TransactionID: &TransactionID{Kind: TypeXATransactionID, FormatID: -7, GlobalTransactionID: []byte{}, BranchQualifier: []byte{1}},
			Content:       bytes.Repeat([]byte{7}, 1<<20), Expiration: -1, Priority: -128, DataStructure: &KeepAliveInfo{},
			BrokerPath: []*BrokerID{{Text("b")}, nil}},
		&MessageDispatch{ConsumerID: &ConsumerID{}, Message: &Message{Kind: TypeTextMessage, Content: []byte{}}},
		&ExceptionResponse{Exception: &Throwable{Class: Text("a.B"), Stack: []StackTraceElement{{Text("x"), nil, Text("ü"), 5}}, Cause: &Throwable{}}},
		&DataArrayResponse{Data: []Structure{&TransactionID{Kind: TypeLocalTransactionID, ConnectionID: &ConnectionID{Text("c")}}, nil}},
		&BrokerInfo{PeerBrokerInfos: []*BrokerInfo{{BrokerName: Text("n")}}},
		&ConsumerInfo{Selector: Text{}, BrokerPath: make([]*BrokerID, 600)},
	}
	for _, f := range all() {
		w := NewWriter()
		w.SetFormat(f)
		var b []byte
		for range 2 {
			for _, c := range commands {
				b = w.Append(b, c)
			}
		}
		r := NewReader(iotest.OneByteReader(bytes.NewReader(b)))
		if f.Version > 1 {
			r = NewReader(bytes.NewReader(b))
		}
		r.SetFormat(f)
		again := NewWriter()
		again.SetFormat(f)
		var out []byte
		for {
			c, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%+v: %v", f, err)
			}
			out = again.Append(out, c)
		}
		if !bytes.Equal(b, out) {
			t.Fatalf("%+v: %d octets became %d", f, len(b), len(out))
		}
	}
}

// TestHostile gives frames that lie about sizes, counts, types and slots.
func TestHostile(t *testing.T) {
	t.Parallel()
	loose := Format{Version: 12, MaxFrameSize: 1 << 20, CacheSize: 1024, StackTrace: true}
	tight := loose
	tight.Tight = true
	frame := func(body ...byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	}
	nest := []byte{31, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	for range 100 {
		nest = append(nest, 1, 0, 0, 0, 0) // a throwable: no class, no message, no trace, a cause
	}
	for name, c := range map[string]struct {
		f Format
		b []byte
	}{
		"a negative size":        {loose, []byte{0xff, 0xff, 0xff, 0xff, 1}},
		"a size over the limit":  {loose, []byte{0x7f, 0xff, 0xff, 0xff, 1}},
		"no content":             {loose, []byte{0, 0, 0, 0}},
		"an unknown type":        {loose, frame(200)},
		"a type of no command":   {loose, frame(120, 0)},
		"a text beyond the end":  {loose, frame(14, 0, 0, 0, 0, 0, 1, 0xff, 0xff)},
		"bytes of negative size": {loose, frame(1, 'A', 'c', 't', 'i', 'v', 'e', 'M', 'Q', 0, 0, 0, 12, 1, 0xff, 0xff, 0xff, 0xff)},
		"another magic":          {loose, frame(1, 'A', 'c', 't', 'i', 'v', 'e', 'M', 'X', 0, 0, 0, 12, 0)},
		"a slot that is empty":   {loose, frame(4, 0, 0, 0, 0, 0, 0, 0, 7)},
		"a slot below 0":         {loose, frame(4, 0, 0, 0, 0, 0, 1, 0xff, 0xf0, 0)},
		"a slot too high":        {loose, frame(4, 0, 0, 0, 0, 0, 1, 4, 0, 0)},
		"a wrong type":           {loose, frame(4, 0, 0, 0, 0, 0, 1, 0, 0, 1, 120, 0)},
		"an endless array":       {loose, frame(33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 0xff)},
		"an array below 0":       {loose, frame(33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff)},
		"causes without end":     {loose, frame(nest...)},
		"booleans without end":   {tight, frame(30, 0x80, 0xff, 0xff)},
		"too few booleans":       {tight, frame(5, 1, 0, 0, 0, 0, 0)},
		"a length of no kind":    {tight, frame(30, 0x41)},
		"a marshalled message":   {tight, frame(21, 2, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 100, 0, 1, 'x')},
	} {
		r := NewReader(bytes.NewReader(c.b))
		r.SetFormat(c.f)
		cmd, err := r.Next()
		if _, ok := err.(*Error); !ok {
			t.Errorf("%s: %T, %v", name, cmd, err)
		}
	}
}

// TestLongFrameGrowsWithItsData claims a large frame and sends little of it.
func TestLongFrameGrowsWithItsData(t *testing.T) {
	t.Parallel()
	b := append(binary.BigEndian.AppendUint32(nil, 100<<20), make([]byte, 1000)...)
	r := NewReader(bytes.NewReader(b))
	r.SetMaxFrame(1 << 30)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := r.Next(); err != io.ErrUnexpectedEOF {
		t.Errorf("error %v", err)
	}
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 10<<20 {
		t.Errorf("%d octets were allocated", after.TotalAlloc-before.TotalAlloc)
	}
}

func TestNegotiate(t *testing.T) {
	t.Parallel()
	ours := Default()
	theirs, err := ours.Info().Options()
	if err != nil || theirs != ours {
		t.Fatalf("the options came back as %+v, %v", theirs, err)
	}
	theirs = Options{Version: 10, MaxInactivity: 1500, Cache: true, CacheSize: 0, MaxFrameSize: -1}
	f, err := Negotiate(ours, theirs)
	want := Format{Version: 10, CacheSize: 16383, MaxInactivity: 1500, MaxFrameSize: math.MaxInt64}
	if err != nil || f != want {
		t.Errorf("agreed on %+v, %v", f, err)
	}
	if _, err := Negotiate(ours, Options{}); err == nil {
		t.Error("version 0 was agreed on")
	}
	for size, usable := range map[int32]bool{0: true, 1: false, 99: false, 100: false, 101: true, 1024: true, -1: true} {
		if o := (Options{CacheSize: size}); o.UsableCache() != usable {
			t.Errorf("a cache of %d slots: usable %v", size, !usable)
		}
	}
}

// TestReadingAllocatesNothing reads a message and its acknowledgement again and again.
func TestReadingAllocatesNothing(t *testing.T) {
	for _, tight := range []bool{false, true} {
		f := Format{Version: 12, Tight: tight, CacheSize: 1024, MaxFrameSize: 1 << 20}
		w, r := NewWriter(), NewReader(nil)
		w.SetFormat(f)
		r.SetFormat(f)
		src := new(loop)
		r.src = src
		m, ack := sample(), sampleAck()
		one := func() {
			src.b = w.Append(src.b[:0], m)
			src.b = w.Append(src.b, ack)
			for range 2 {
				if _, err := r.Next(); err != nil {
					t.Fatal(err)
				}
			}
		}
		one()
		if n := testing.AllocsPerRun(100, one); n > 0 {
			t.Errorf("tight %v: %v allocations", tight, n)
		}
	}
}

// loop is a source of the same octets once.
type loop struct{ b []byte }

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.b)
	l.b = l.b[:copy(l.b, l.b[n:])]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func sample() *Message {
	p := &ProducerID{ConnectionID: Text("ID:host-42883-1795340424315-1:1"), Value: 1, SessionID: 1}
	return &Message{
		Kind: TypeTextMessage, ProducerID: p, Destination: &Destination{Kind: TypeQueue, PhysicalName: Text("orders")},
		MessageID: &MessageID{ProducerID: p, ProducerSequenceID: 7}, Persistent: true, Priority: 4, Timestamp: 1795340424315,
		Content: make([]byte, 1024),
	}
}

func sampleAck() *MessageAck {
	id := sample().MessageID
	return &MessageAck{
		Destination: &Destination{Kind: TypeQueue, PhysicalName: Text("orders")}, ConsumerID: &ConsumerID{ConnectionID: id.ProducerID.ConnectionID, SessionID: 1, Value: 1},
		AckType: 2, FirstMessageID: id, LastMessageID: id, MessageCount: 1,
	}
}

func BenchmarkRead(b *testing.B) {
	for _, tight := range []bool{false, true} {
		b.Run(map[bool]string{false: "loose", true: "tight"}[tight], func(b *testing.B) {
			f := Format{Version: 12, Tight: tight, CacheSize: 1024, MaxFrameSize: 1 << 20}
			w, r := NewWriter(), NewReader(nil)
			w.SetFormat(f)
			r.SetFormat(f)
			src := new(loop)
			r.src = src
			src.b = w.Append(nil, sample())
			if _, err := r.Next(); err != nil {
				b.Fatal(err)
			}
			frame := w.Append(nil, sample())
			b.ReportAllocs()
			for b.Loop() {
				src.b = append(src.b[:0], frame...)
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, tight := range []bool{false, true} {
		b.Run(map[bool]string{false: "loose", true: "tight"}[tight], func(b *testing.B) {
			w := NewWriter()
			w.SetFormat(Format{Version: 12, Tight: tight, CacheSize: 1024})
			m := sample()
			d := &MessageDispatch{ConsumerID: &ConsumerID{Value: 1}, Destination: m.Destination, Message: m}
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = w.Append(buf[:0], d)
			}
		})
	}
}
