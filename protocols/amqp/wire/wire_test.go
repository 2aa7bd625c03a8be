package wire

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// every is one value of each encoding of the standard.
func every() map[string][]byte {
	return map[string][]byte{
		"null": {0x40}, "true": {0x41}, "false": {0x42}, "boolean": {0x56, 1}, "ubyte": {0x50, 200}, "ushort": {0x60, 1, 2},
		"uint0": {0x43}, "smalluint": {0x52, 9}, "uint": {0x70, 0, 0, 0, 0}, "ulong0": {0x44}, "smallulong": {0x53, 9},
		"ulong": {0x80, 0, 0, 0, 0, 0, 0, 0, 1}, "byte": {0x51, 0x80}, "short": {0x61, 0xff, 0xff}, "smallint": {0x54, 0xff},
		"int": {0x71, 0xff, 0xff, 0xff, 0xff}, "smalllong": {0x55, 0xfe}, "long": {0x81, 0x80, 0, 0, 0, 0, 0, 0, 0},
		"float": AppendFloat(nil, 1.5), "double": AppendDouble(nil, -2.25), "decimal32": {0x74, 1, 2, 3, 4},
		"decimal64": {0x84, 1, 2, 3, 4, 5, 6, 7, 8}, "decimal128": append([]byte{0x94}, make([]byte, 16)...), "char": {0x73, 0, 1, 0xf6, 0},
		"timestamp": AppendTime(nil, -1), "uuid": AppendUUID(nil, "0123456789abcdef"), "bin8": {0xa0, 2, 0xff, 0}, "bin32": {0xb0, 0, 0, 0, 1, 7},
		"str8": {0xa1, 2, 0xc3, 0x9f}, "str32": {0xb1, 0, 0, 0, 1, 'x'}, "sym8": {0xa3, 1, 'x'}, "sym32": {0xb3, 0, 0, 0, 1, 'x'},
		"list0": {0x45}, "list8": {0xc0, 3, 2, 0x40, 0x41}, "list32": {0xd0, 0, 0, 0, 5, 0, 0, 0, 1, 0x40}, "map8": {0xc1, 5, 2, 0xa1, 1, 'k', 0x41},
		"map32": {0xd1, 0, 0, 0, 8, 0, 0, 0, 2, 0xa1, 1, 'k', 0x41}, "array8": {0xe0, 6, 2, 0xa3, 1, 'a', 1, 'b'},
		"array32": {0xf0, 0, 0, 0, 7, 0, 0, 0, 2, 0x50, 1, 2}, "described": {0x00, 0x53, 0x24, 0x45},
		"array of nothing":      {0xe0, 2, 9, 0x41},
		"described by a symbol": {0x00, 0xa3, 1, 'x', 0x41}, "described twice": {0x00, 0x53, 1, 0x00, 0x53, 2, 0x41},
	}
}

func TestEveryEncodingIsMeasuredAndRead(t *testing.T) {
	t.Parallel()
	list := every()
	list["array of described"] = []byte{0xe0, 7, 2, 0x00, 0x53, 0x24, 0x50, 7, 8}
	for name, b := range list {
		padded := append(append([]byte(nil), b...), 0xee)
		for _, f := range []struct {
			name string
			call func([]byte) (int, error)
		}{{"Size", Size}, {"Check", Check}, {"Parse", func(b []byte) (int, error) { _, n, err := Parse(b); return n, err }}} {
			if n, err := f.call(padded); n != len(b) || err != nil {
				t.Errorf("%s: %s says %d, %v; it has %d bytes", name, f.name, n, err, len(b))
			}
			for cut := range len(b) {
				if _, err := f.call(b[:cut:cut]); err == nil {
					t.Errorf("%s cut to %d bytes: %s accepts it", name, cut, f.name)
				}
			}
		}
		v, _, _ := Parse(b)
		items := v.Items()
		n := 0
		for _, ok := items.Next(); ok; _, ok = items.Next() {
			n++
		}
		if n != v.Count || items.Err() != nil {
			t.Errorf("%s: %d items of %d, %v", name, n, v.Count, items.Err())
		}
	}
}

func TestNumbersOfEachWidth(t *testing.T) {
	t.Parallel()
	for want, list := range map[uint64][][]byte{
		0: {{0x43}, {0x44}, {0x50, 0}, {0x52, 0}, {0x53, 0}, {0x60, 0, 0}, {0x70, 0, 0, 0, 0}}, 255: {{0x50, 255}, {0x52, 255}, {0x53, 255}},
		math.MaxUint64: {AppendUlong(nil, math.MaxUint64)}, math.MaxUint32: {AppendUint(nil, math.MaxUint32)}, 258: {{0x60, 1, 2}},
	} {
		for _, b := range list {
			v, _, err := Parse(b)
			if got, ok := v.Unsigned(); !ok || got != want || err != nil {
				t.Errorf("%x is %d (%v, %v), want %d", b, got, ok, err, want)
			}
		}
	}
	for _, want := range []int64{0, -1, 127, -128, 128, -129, math.MaxInt32, math.MinInt32} {
		for _, b := range [][]byte{AppendInt(nil, int32(want)), AppendLong(nil, want)} {
			v, _, err := Parse(b)
			if got, ok := v.Signed(); !ok || got != want || err != nil {
				t.Errorf("%x is %d (%v, %v), want %d", b, got, ok, err, want)
			}
		}
	}
}

func TestLiesAreRefused(t *testing.T) {
	t.Parallel()
	deep := func(open []byte, n int) []byte { return append(bytes.Repeat(open, n), 0x40) }
	nested := []byte{0x45}
	for range 100 {
		c := Open(nil, List8)
		c.Raw(nested)
		nested = c.Close()
	}
	for name, b := range map[string][]byte{
		"unknown code":                 {0x46},
		"unknown code of known shape":  {0x5f, 1},
		"code of no shape":             {0x10},
		"boolean of 2":                 {0x56, 2},
		"char beyond Unicode":          {0x73, 0, 0x11, 0, 0},
		"string that is no UTF-8":      {0xa1, 1, 0xff},
		"symbol that is no ASCII":      {0xa3, 1, 0x80},
		"size of 4 GiB":                {0xb0, 0xff, 0xff, 0xff, 0xff, 1},
		"list of 4 G items":            {0xd0, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff},
		"list of more items than fit":  {0xc0, 2, 9, 0x40},
		"list with bytes left over":    {0xc0, 3, 1, 0x40, 0x40},
		"list smaller than its count":  {0xc0, 0},
		"list32 smaller than count":    {0xd0, 0, 0, 0, 3, 0, 0, 0},
		"map with half a pair":         {0xc1, 2, 1, 0x40},
		"array of 4 G nulls":           {0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40},
		"array of 4 G described nulls": {0xf0, 0, 0, 0, 8, 0xff, 0xff, 0xff, 0xff, 0x00, 0x53, 0x24, 0x45},
		"array of 4 G bytes":           {0xf0, 0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff, 0x50, 1},
		"array of 4 G texts":           {0xf0, 0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff, 0xa1, 0},
		"array without a constructor":  {0xe0, 1, 0},
		"array of unknown elements":    {0xe0, 2, 1, 0x4f},
		"array with bytes left over":   {0xe0, 4, 1, 0x50, 1, 2},
		"array element beyond its end": {0xe0, 4, 1, 0xa1, 9, 'x'},
		"descriptors without an end":   deep([]byte{0x00, 0x53, 1}, 10000),
		"descriptors of descriptors":   deep([]byte{0x00}, 10000),
		"lists in lists":               nested,
	} {
		if n, err := Check(b); err == nil {
			t.Errorf("%s: accepted, %d bytes", name, n)
		}
	}
}

func TestFieldsDefaultsAndErrors(t *testing.T) {
	t.Parallel()
	c := Open(nil, List8)
	c.Uint(7)
	c.Null()
	c.Bool(true)
	c.String("text")
	c.Symbols([]string{"a", "b"})
	c.Item()
	c.B = AppendSymbol(c.B, "alone")
	c.Binary([]byte{})
	c.Null()
	f, n, err := FieldsOf(c.Close())
	if err != nil || n == 0 {
		t.Fatal(n, err)
	}
	one := f.MustUint()
	two := f.UintOr(9)
	three := f.Bool()
	four := string(f.String())
	five := strings.Join(f.Symbols(), " ")
	six := strings.Join(f.Symbols(), " ")
	seven := f.Binary()
	eight := f.Binary()
	missing, has := f.Ulong()
	if one != 7 || two != 9 || !three || four != "text" || five != "a b" || six != "alone" || seven == nil || eight != nil || missing != 0 || has || f.Err() != nil {
		t.Error(one, two, three, four, five, six, seven, eight, missing, has, f.Err())
	}
	f.MustUint()
	if f.Err() != ErrAbsent {
		t.Error("a mandatory field is absent, and the error is", f.Err())
	}
	wrong, _, _ := FieldsOf([]byte{0xc0, 3, 2, 0x41, 0x43})
	if wrong.MustUint(); wrong.Err() != ErrType {
		t.Error("a boolean for a uint:", wrong.Err())
	}
	if wrong.MustUint() != 0 || wrong.Err() != ErrType {
		t.Error("the first error stays")
	}
}

func TestCompoundsBecomeLong(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 254, 255, 256, 300, 70000} {
		c := Open([]byte{0xaa}, List8)
		for range n {
			c.Bool(true)
		}
		b := c.Close()[1:]
		v, size, err := Parse(b)
		if err != nil || size != len(b) || v.Count != n {
			t.Errorf("%d items: %d, size %d of %d, %v", n, v.Count, size, len(b), err)
		}
		if _, err := Check(b); err != nil {
			t.Errorf("%d items: %v", n, err)
		}
	}
	long := strings.Repeat("x", 300)
	b := AppendSymbols(nil, []string{long, "y"})
	v, _, err := Parse(b)
	items := v.Items()
	first, _ := items.Next()
	second, _ := items.Next()
	if err != nil || string(first.Data) != long || string(second.Data) != "y" || first.Code != Symbol32 {
		t.Error(err, len(first.Data), string(second.Data))
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	c := Open(nil, List8)
	c.Uint(1)
	c.Binary([]byte("tag"))
	c.Bool(false)
	b := c.Close()
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() {
		f, _, _ := FieldsOf(b)
		f.MustUint()
		f.Binary()
		f.Bool()
		if _, err := Check(b); err != nil {
			t.Error(err)
		}
		o := Open(buf[:0], List8)
		o.Uint(70000)
		o.Null()
		o.Bool(true)
		o.Close()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzValue(f *testing.F) {
	for _, b := range every() {
		f.Add(b)
	}
	f.Add([]byte{0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40})
	f.Add(bytes.Repeat([]byte{0x00, 0x53, 1}, 100))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Check(b)
		if err != nil {
			_, _ = Size(b)
			if v, _, err := Parse(b); err == nil {
				walk(t, &v, 0)
			}
			return
		}
		if m, err := Size(b); m != n || err != nil {
			t.Fatalf("Check says %d, Size %d, %v", n, m, err)
		}
		v, m, err := Parse(b)
		if m != n || err != nil {
			t.Fatalf("Check says %d, Parse %d, %v", n, m, err)
		}
		if err := walk(t, &v, 0); err != nil {
			t.Fatalf("what Check accepts can't be read: %v", err)
		}
		_, _ = v.Boolean()
		_, _ = v.Float()
		_, _ = v.Signed()
		_, _ = v.Unsigned()
	})
}

// walk reads everything in a value.
func walk(t *testing.T, v *Value, depth int) error {
	if depth > 2*MaxDepth {
		t.Fatal("deeper than Check allows")
	}
	if v.Count > MaxEmpty && v.Count > len(v.Data) {
		t.Fatalf("%d items in %d bytes", v.Count, len(v.Data))
	}
	items := v.Items()
	for e, ok := items.Next(); ok; e, ok = items.Next() {
		if depth == 2*MaxDepth {
			return nil
		}
		if err := walk(t, &e, depth+1); err != nil {
			return err
		}
	}
	return items.Err()
}

func FuzzFields(f *testing.F) {
	f.Add([]byte{0xc0, 3, 2, 0x40, 0x41}, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
	f.Fuzz(func(t *testing.T, b, calls []byte) {
		l, _, err := FieldsOf(b)
		if err != nil {
			return
		}
		for _, k := range calls {
			switch k % 12 {
			case 0:
				l.Uint()
			case 1:
				l.Ulong()
			case 2:
				l.Ushort()
			case 3:
				l.Ubyte()
			case 4:
				l.Bool()
			case 5:
				l.Time()
			case 6:
				l.Binary()
			case 7:
				l.Symbol()
			case 8:
				l.Any()
			case 9:
				l.Map()
			case 10:
				if s := l.Symbols(); len(s) > maxMultiple {
					t.Fatal(len(s))
				}
			case 11:
				_ = l.String()
			}
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	c := Open(nil, Map8)
	for i := range 20 {
		c.B = AppendString(c.B, "property"+string(rune('a'+i)))
		c.B = AppendInt(c.B, int32(i*1000))
		c.Count += 2
	}
	m := c.Close()
	b.SetBytes(int64(len(m)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Check(m); err != nil {
			b.Fatal(err)
		}
	}
}
