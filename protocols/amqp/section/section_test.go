package section

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// full is a message with every section.
func full() []byte {
	b := (&Header{Durable: true, Priority: 7, TTL: 5000, HasTTL: true, DeliveryCount: 2}).Append(nil)
	for _, code := range []uint8{DeliveryAnnotationsCode, AnnotationsCode} {
		m := OpenMap(b, code)
		m.B = wire.AppendInt(wire.AppendSymbol(m.B, "x-opt-key"), 5)
		m.Count = 2
		b = m.Close()
	}
	p := everyProperty()
	b = p.Append(b)
	m := OpenMap(b, ApplicationCode)
	m.B = wire.AppendString(wire.AppendString(m.B, "color"), "red")
	m.Count = 2
	b = m.Close()
	b = wire.AppendBinary(append(b, 0, 0x53, DataCode), "one")
	b = wire.AppendBinary(append(b, 0, 0x53, DataCode), "two")
	m = OpenMap(b, FooterCode)
	return m.Close()
}

func everyProperty() Properties {
	return Properties{
		MessageID: wire.AppendString(nil, "ID:1"), UserID: []byte("user"), To: []byte("queue://a"), Subject: []byte("subject"),
		ReplyTo: []byte("queue://r"), CorrelationID: wire.AppendUlong(nil, 9), ContentType: []byte("text/plain"),
		ContentEncoding: []byte("gzip"), Expiry: 5, HasExpiry: true, Creation: 6, HasCreation: true, GroupID: []byte("g"),
		GroupSequence: 8, HasSequence: true, ReplyToGroup: []byte("rg"),
	}
}

func TestScanFindsEverySection(t *testing.T) {
	t.Parallel()
	b := full()
	l, err := Scan(b)
	if err != nil {
		t.Fatal(err)
	}
	h, err := ParseHeader(l.Header.Of(b))
	if err != nil || !h.Durable || h.Priority != 7 || h.TTL != 5000 || h.DeliveryCount != 2 {
		t.Errorf("%+v, %v", h, err)
	}
	p, err := ParseProperties(l.Properties.Of(b))
	if err != nil || !reflect.DeepEqual(p, everyProperty()) {
		t.Errorf("%+v, %v", p, err)
	}
	if v, ok := Find(l.Application.Of(b), "color"); !ok || string(v.Data) != "red" {
		t.Error(v, ok)
	}
	if v, ok := Find(l.Annotations.Of(b), "x-opt-key"); !ok || v.Data[0] != 5 {
		t.Error(v, ok)
	}
	var parts []string
	err = Parts(l.Body.Of(b), func(code uint8, value []byte) bool {
		v, _, err := wire.Parse(value)
		parts = append(parts, string(v.Data))
		return err == nil && code == DataCode
	})
	if err != nil || len(parts) != 2 || parts[0] != "one" || parts[1] != "two" || l.Parts != 2 || l.BodyCode != DataCode {
		t.Error(parts, err, l)
	}
	if !bytes.HasPrefix(b[l.Bare:], []byte{0, 0x53, PropertiesCode}) || l.Head(len(b)) != int(l.Body.From) {
		t.Error(l)
	}
}

func TestSectionsInWrongOrder(t *testing.T) {
	t.Parallel()
	sections := map[uint8][]byte{
		HeaderCode: {0, 0x53, HeaderCode, 0x45}, AnnotationsCode: {0, 0x53, AnnotationsCode, 0xc1, 1, 0},
		PropertiesCode: {0, 0x53, PropertiesCode, 0x45}, DataCode: {0, 0x53, DataCode, 0xa0, 0}, SequenceCode: {0, 0x53, SequenceCode, 0x45},
		ValueCode: {0, 0x53, ValueCode, 0x40}, FooterCode: {0, 0x53, FooterCode, 0xc1, 1, 0},
	}
	for _, c := range []struct {
		codes []uint8
		ok    bool
	}{
		{[]uint8{ValueCode}, true}, {[]uint8{HeaderCode}, true}, {[]uint8{PropertiesCode, FooterCode}, true},
		{[]uint8{DataCode, DataCode, FooterCode}, true}, {[]uint8{SequenceCode, SequenceCode}, true},
		{[]uint8{ValueCode, ValueCode}, false}, {[]uint8{DataCode, ValueCode}, false}, {[]uint8{DataCode, SequenceCode}, false},
		{[]uint8{PropertiesCode, HeaderCode}, false}, {[]uint8{HeaderCode, HeaderCode}, false}, {[]uint8{ValueCode, PropertiesCode}, false},
		{[]uint8{FooterCode, DataCode}, false}, {[]uint8{FooterCode, FooterCode}, false}, {nil, false},
	} {
		var b []byte
		for _, code := range c.codes {
			b = append(b, sections[code]...)
		}
		if _, err := Scan(b); (err == nil) != c.ok {
			t.Errorf("%x: %v", c.codes, err)
		}
	}
	for name, b := range map[string][]byte{
		"not described":       {0x40},
		"unknown section":     {0, 0x53, 0x79, 0x40},
		"header that is text": {0, 0x53, HeaderCode, 0xa1, 0},
		"data that is text":   {0, 0x53, DataCode, 0xa1, 0},
		"map that is a list":  {0, 0x53, AnnotationsCode, 0x45},
		"bytes left over":     {0, 0x53, ValueCode, 0x40, 0x40},
		"value missing":       {0, 0x53, ValueCode},
	} {
		if _, err := Scan(b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSymbolicSections(t *testing.T) {
	t.Parallel()
	b := append(wire.AppendSymbol([]byte{0}, "amqp:amqp-value:*"), 0x41)
	l, err := Scan(b)
	if err != nil || l.BodyCode != ValueCode {
		t.Error(l, err)
	}
}

func TestScanAllocatesNothing(t *testing.T) {
	b := full()
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() {
		l, err := Scan(b)
		if err != nil {
			t.Error(err)
		}
		p, _ := ParseProperties(l.Properties.Of(b))
		h, _ := ParseHeader(l.Header.Of(b))
		buf = h.Append(buf[:0])
		buf = p.Append(buf)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzScan(f *testing.F) {
	f.Add(full())
	f.Add([]byte{0, 0x53, ValueCode, 0x40})
	f.Add([]byte{0, 0x80, 0, 0, 0, 0, 0, 0, 0, ValueCode, 0x40})
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := Scan(b)
		if err != nil {
			return
		}
		if h, err := ParseHeader(l.Header.Of(b)); err == nil {
			again, err := ParseHeader(valueOf(h.Append(nil)))
			if err != nil || again != h {
				t.Fatalf("%+v became %+v: %v", h, again, err)
			}
		}
		if p, err := ParseProperties(l.Properties.Of(b)); err == nil {
			if _, err := Scan(append(p.Append(nil), 0, 0x53, ValueCode, 0x40)); err != nil {
				t.Fatalf("properties encoded again: %v", err)
			}
		}
		n := 0
		if err := Parts(b, func(uint8, []byte) bool { n++; return true }); err != nil || n == 0 {
			t.Fatalf("%d parts, %v", n, err)
		}
		for _, s := range []Span{l.DeliveryAnnotations, l.Annotations, l.Application} {
			Entries(s.Of(b), func([]byte, wire.Value) bool { return true })
		}
		if l.Head(len(b)) > len(b) || int(l.Bare) > len(b) {
			t.Fatalf("%+v of %d bytes", l, len(b))
		}
	})
}

// valueOf returns the value of a section that stands alone.
func valueOf(section []byte) []byte {
	if section == nil {
		return nil
	}
	return section[3:]
}

func BenchmarkScan(b *testing.B) {
	m := full()
	b.SetBytes(int64(len(m)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Scan(m); err != nil {
			b.Fatal(err)
		}
	}
}
