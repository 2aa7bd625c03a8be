package packet

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func publish(v Version, topic string, payload []byte) []byte {
	return AppendPublish(nil, v, &PublishHead{QoS: 1, ID: 1, Topic: []byte(topic)}, payload)
}

// TestLargePackets reads packets of sizes around every boundary, mixed with small ones.
func TestLargePackets(t *testing.T) {
	t.Parallel()
	var wire []byte
	sizes := []int{0, 1, 100, minBuffer - 10, minBuffer, direct - 20, direct, direct + 1, maxBuffer - 9, maxBuffer, firstRead + 1, 300 << 10}
	for _, n := range sizes {
		wire = append(wire, publish(V5, "t", bytes.Repeat([]byte{byte(n)}, n))...)
		wire = AppendPing(wire, Pingreq)
	}
	for _, chunk := range []int{1, 7, 4096, 1 << 20} {
		r := NewReader(&chunks{wire, chunk}, ReaderOptions{Version: V5, Limits: DefaultLimits()})
		var kept [][]byte
		for _, n := range sizes {
			p, err := r.Next()
			if err != nil {
				t.Fatal(chunk, n, err)
			}
			if len(p.Payload) != n || !bytes.Equal(p.Payload, bytes.Repeat([]byte{byte(n)}, n)) {
				t.Fatalf("chunk %d: payload of %d octets differs", chunk, n)
			}
			kept = append(kept, p.Payload)
			if p, err = r.Next(); err != nil || p.Type != Pingreq {
				t.Fatal(chunk, n, err)
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Fatal(err)
		}
		for i, n := range sizes {
			if !bytes.Equal(kept[i], bytes.Repeat([]byte{byte(n)}, n)) {
				t.Fatalf("chunk %d: the payload of %d octets has changed since", chunk, n)
			}
		}
	}
}

// chunks gives at most n octets per Read.
type chunks struct {
	b []byte
	n int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.n)], c.b)
	c.b = c.b[n:]
	return n, nil
}

// TestClaimedLengths checks that a length alone costs no memory, is refused before its octets
// come, and is asked for where that is wanted.
func TestClaimedLengths(t *testing.T) {
	for _, wire := range []string{"\x30\xff\xff\xff\x7f", "\x82\xff\xff\xff\x7f", "\x10\xff\xff\xff\x7f", "\x30\x81\x80\x04"} {
		v := V5
		if wire[0] == 0x10 {
			v = 0
		}
		r := NewReader(strings.NewReader(wire), ReaderOptions{Version: v, Limits: Limits{Packet: 64 << 10}})
		if _, err := r.Next(); reasonOf(err) != PacketTooLarge {
			t.Errorf("%x: %v", wire, err)
		}
	}
	allocs := testing.AllocsPerRun(10, func() {
		r := NewReader(strings.NewReader("\x30\xff\xff\xff\x7f\x00"), ReaderOptions{Version: V5})
		if _, err := r.Next(); err != io.ErrUnexpectedEOF {
			t.Errorf("%v", err)
		}
		if cap(r.block) > firstRead {
			t.Errorf("%d octets were allocated for a claim", cap(r.block))
		}
	})
	if allocs > 6 {
		t.Errorf("%v allocations", allocs)
	}
	full := errors.New("full")
	asked := 0
	r := NewReader(strings.NewReader("\x30\x80\x80\x80\x01"), ReaderOptions{Version: V5, Reserve: func(n int) error { asked += n; return full }})
	if _, err := r.Next(); err != full || asked != 1<<21 {
		t.Errorf("%v, asked for %d", err, asked)
	}
}

// TestLimitsOfLists checks the limits on what one packet may hold.
func TestLimitsOfLists(t *testing.T) {
	t.Parallel()
	filters := make([]Filter, 5)
	for i := range filters {
		filters[i].Filter = []byte("a")
	}
	var props []byte
	for range 5 {
		props = AppendUser(props, "a", "b")
	}
	for _, wire := range [][]byte{
		AppendFilters(nil, V5, Subscribe, 1, filters, nil),
		AppendPublish(nil, V5, &PublishHead{Topic: []byte("a"), Properties: props}, ""),
	} {
		for n, want := range map[int]Reason{4: ImplementationError, 5: Success} {
			r := NewReader(bytes.NewReader(wire), ReaderOptions{Version: V5, Limits: Limits{Filters: n, UserProperties: n}})
			if _, err := r.Next(); reasonOf(err) != want {
				t.Errorf("%x with limit %d: %v", wire, n, err)
			}
		}
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	whole := publish(V5, "topic", make([]byte, 40<<10))
	for _, n := range []int{1, 2, 5, 100, 20 << 10, len(whole) - 1} {
		r := NewReader(bytes.NewReader(whole[:n]), ReaderOptions{Version: V5, Limits: DefaultLimits()})
		if _, err := r.Next(); err != io.ErrUnexpectedEOF {
			t.Errorf("after %d octets: %v", n, err)
		}
	}
	r := NewReader(bytes.NewReader(nil), ReaderOptions{})
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("%v", err)
	}
	r.Shrink()
	if r.buf != nil {
		t.Error("an idle reader keeps its buffer")
	}
}
