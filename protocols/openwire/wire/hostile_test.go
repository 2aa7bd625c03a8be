package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"runtime"
	"testing"
)

// TestEveryFieldHostile puts lengths that lie at every place of every command, in both encodings. Each
// is read or refused, and takes no memory that was only claimed.
func TestEveryFieldHostile(t *testing.T) {
	const most = 256 << 10 // octets, for a few frames of a few hundred
	read := 0
	for number := range 256 {
		if Type(number) == TypeWireFormatInfo {
			continue // it comes with its magic; TestHostile has it
		}
		s := create(Type(number))
		c, ok := s.(Command)
		if !ok {
			continue
		}
		fill(reflect.ValueOf(c).Elem(), 0)
		if m, ok := c.(*Message); ok {
			m.Kind = Type(number)
		}
		for _, f := range []Format{
			{Version: MaxVersion, MaxFrameSize: 1 << 20, StackTrace: true},
			{Version: MaxVersion, MaxFrameSize: 1 << 20, StackTrace: true, Tight: true},
			{Version: MaxVersion, MaxFrameSize: 1 << 20, StackTrace: true, CacheSize: 1024},
		} {
			w := NewWriter()
			w.SetFormat(f)
			frame := w.Append(nil, c)
			for at := 4; at < len(frame); at++ {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for _, lie := range []uint32{0x7fffffff, 0xffffffff, 0x80000000, 0x7fff7fff} {
					b := bytes.Clone(frame)
					var four [4]byte
					binary.BigEndian.PutUint32(four[:], lie)
					copy(b[at:], four[:])
					r := NewReader(bytes.NewReader(b))
					r.SetFormat(f)
					_, err := r.Next()
					var e *Error
					if err != nil && !errors.As(err, &e) && err != io.ErrUnexpectedEOF && err != io.EOF {
						t.Errorf("%T at %d: %v", c, at, err)
					}
					read++
				}
				runtime.ReadMemStats(&after)
				if n := after.TotalAlloc - before.TotalAlloc; n > most {
					t.Errorf("%T at %d: %d octets were allocated", c, at, n)
				}
			}
		}
	}
	if read < 10_000 {
		t.Errorf("only %d frames", read)
	}
}

// fill gives every field a value, so that all of them are written.
func fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), depth)
		}
		switch x := v.Addr().Interface().(type) {
		case *Destination:
			x.Kind = TypeQueue
		case *TransactionID:
			x.Kind = TypeXATransactionID
		case *Message:
			x.Kind = TypeTextMessage
		}
	case reflect.Pointer:
		if depth < 3 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), depth+1)
		}
	case reflect.Interface:
		if depth < 3 {
			v.Set(reflect.ValueOf(&KeepAliveInfo{}))
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte("x"))
			return
		}
		if depth < 3 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0), depth+1)
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	}
}

// TestNullCommand passes over the frame that holds nothing but the type 0.
func TestNullCommand(t *testing.T) {
	t.Parallel()
	b := NewWriter().Append([]byte{0, 0, 0, 1, 0, 0, 0, 0, 1, 0}, &Response{CorrelationID: 7})
	if c, err := NewReader(bytes.NewReader(b)).Next(); err != nil || c.(*Response).CorrelationID != 7 {
		t.Errorf("got %+v, %v", c, err)
	}
}
