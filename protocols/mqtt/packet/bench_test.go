package packet

import "testing"

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

func BenchmarkReaderPublish(b *testing.B) {
	user := AppendUser(AppendText(AppendNum(nil, MessageExpiry, 60), ContentType, "text/plain"), "key", "value")
	for _, c := range []struct {
		name  string
		v     Version
		props []byte
		size  int
	}{{"3.1.1/256B", V311, nil, 256}, {"3.1.1/1KiB", V311, nil, 1 << 10}, {"5/1KiB", V5, nil, 1 << 10}, {"5/1KiB/properties", V5, user, 1 << 10}, {"5/100KiB", V5, nil, 100 << 10}} {
		b.Run(c.name, func(b *testing.B) {
			h := PublishHead{QoS: 1, ID: 77, Topic: []byte("sensors/house/kitchen/temperature"), Properties: c.props}
			data := AppendPublish(nil, c.v, &h, make([]byte, c.size))
			r := NewReader(&endless{data: data}, ReaderOptions{Version: c.v, Limits: DefaultLimits()})
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if p, err := r.Next(); err != nil || p.ID != 77 {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReaderPuback(b *testing.B) {
	r := NewReader(&endless{data: AppendAnswer(nil, V311, Puback, 9, 0, nil)}, ReaderOptions{Version: V311, Limits: DefaultLimits()})
	b.ReportAllocs()
	for b.Loop() {
		if p, err := r.Next(); err != nil || p.ID != 9 {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendPublish(b *testing.B) {
	payload := make([]byte, 1024)
	h := PublishHead{QoS: 1, ID: 77, Topic: []byte("sensors/house/kitchen/temperature"), Properties: AppendUser(nil, "key", "value")}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendPublish(buf[:0], V5, &h, payload)
	}
}
