package frame

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// endless repeats a piece of stream for ever.
type endless struct {
	data []byte
	pos  int
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c := copy(p[n:], e.data[e.pos:])
		n, e.pos = n+c, (e.pos+c)%len(e.data)
	}
	return n, nil
}

func sendFrame(body int) []byte {
	return []byte("SEND\ndestination:/queue/orders\ncontent-type:text/plain\npersistent:true\n" +
		"receipt:message-17\norder:4711\n\n" + strings.Repeat("x", body) + "\x00\n")
}

func BenchmarkReaderSend(b *testing.B) {
	for _, size := range []struct {
		name string
		body int
	}{{"100B", 100}, {"1KiB", 1 << 10}, {"10KiB", 10 << 10}, {"100KiB", 100 << 10}} {
		b.Run(size.name, func(b *testing.B) {
			data := bytes.Repeat(sendFrame(size.body), 3)
			r := NewReader(&endless{data: data}, Options{Version: V12, Limits: DefaultLimits()})
			b.ReportAllocs()
			b.SetBytes(int64(len(data) / 3))
			for b.Loop() {
				f, err := r.Next()
				if err != nil || len(f.Headers.Get(Destination)) == 0 {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReaderSendLength(b *testing.B) {
	data := []byte("SEND\ndestination:/queue/orders\ncontent-length:100000\n\n" + strings.Repeat("x", 100000) + "\x00\n")
	r := NewReader(&endless{data: data}, Options{Version: V12, Limits: DefaultLimits()})
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReaderAck(b *testing.B) {
	data := []byte("ACK\nid:ID\\chost-1234-5678\\c1\\c17\n\n\x00\n")
	r := NewReader(&endless{data: data}, Options{Version: V12, Limits: DefaultLimits()})
	b.ReportAllocs()
	for b.Loop() {
		if f, err := r.Next(); err != nil || f.Command != Ack {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendMessage(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 100)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendCommand(buf[:0], Message)
		buf = AppendKnown(buf, V12, MessageID, "ID:host-1234-5678:1:17")
		buf = AppendKnown(buf, V12, Destination, "/queue/orders")
		buf = AppendKnown(buf, V12, Subscription, "1")
		buf = AppendHeaderInt(buf, Timestamp, 1700000000000)
		buf = AppendHeaderInt(buf, Expires, 0)
		buf = AppendHeaderInt(buf, Priority, 4)
		buf = AppendHeader(buf, V12, "order", "4711")
		buf = AppendBody(buf, body)
	}
	if len(buf) == 0 {
		b.Fatal(io.ErrShortWrite)
	}
}

func BenchmarkIterForward(b *testing.B) {
	r := NewReader(bytes.NewReader(sendFrame(10)), Options{Version: V12})
	f, err := r.Next()
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = buf[:0]
		var u Unique
		for it := f.Headers.Iter(); it.Next(); {
			if u.First(&it) {
				buf = it.AppendTo(buf, V12)
			}
		}
	}
}
