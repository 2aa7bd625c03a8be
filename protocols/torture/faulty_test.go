package torture

import (
	"bytes"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/manifoldmq/manifold/protocols/stomp/frame"
)

// faulty is a broker in memory that speaks as much STOMP as the engine does, and breaks one
// promise now and then: proof that a whole run sees it.
type faulty struct {
	fault Kind // kinds: none
	url   string

	mu     sync.Mutex
	ids    int
	chance int
	places map[string]*waiting   // queues, and durable subscriptions by client and name
	topics map[string][]*waiting // by topic: its durable subscriptions
	open   sync.WaitGroup
}

// waiting is a place: what waits there, and who takes it.
type waiting struct {
	messages []*stored // by id, but for the fault
	takers   []*taker
}

type stored struct {
	id          int
	label, body []byte
	redelivered bool
}

// taker is a subscription.
type taker struct {
	link       *link
	id         string
	cumulative bool
	from       *waiting
	credit     int
	unsettled  []*stored
}

// link is a connection.
type link struct {
	b      *faulty
	client string
	out    chan []byte // what its writer has to write; closed at the end
	gone   bool
	takers []*taker
	txs    map[string][]func()
}

// startFaulty starts a broker that ends with the test.
func startFaulty(t *testing.T, fault Kind) *faulty {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &faulty{
		fault: fault, url: "stomp://" + l.Addr().String(),
		places: map[string]*waiting{}, topics: map[string][]*waiting{},
	}
	b.open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b.open.Go(func() { b.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		b.open.Wait()
	})
	return b
}

// heal ends all wrongdoing.
func (b *faulty) heal() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = kinds
}

// errs says whether it is time to do wrong.
func (b *faulty) errs(k Kind) bool {
	if b.fault != k {
		return false
	}
	b.chance++
	return b.chance%20 == 0
}

func (b *faulty) serve(conn net.Conn) {
	defer conn.Close()
	k := &link{b: b, out: make(chan []byte, 1<<16), txs: map[string][]func(){}}
	b.open.Go(func() {
		for part := range k.out {
			if _, err := conn.Write(part); err != nil {
				conn.Close()
			}
		}
	})
	in := frame.NewReader(conn, frame.Options{Limits: frame.DefaultLimits()})
	for {
		f, err := in.Next()
		b.mu.Lock()
		if err != nil {
			b.leave(k)
			b.mu.Unlock()
			return
		}
		if f.Command == frame.Connect {
			in.SetVersion(frame.V12)
		}
		b.handle(k, f)
		b.mu.Unlock()
	}
}

// leave gives back what a connection has not settled.
func (b *faulty) leave(k *link) {
	k.gone = true
	close(k.out)
	for _, s := range k.takers {
		s.from.takers = slices.DeleteFunc(s.from.takers, func(o *taker) bool { return o == s })
		for _, m := range s.unsettled {
			m.redelivered = !b.errs(Unflagged)
			s.from.put(m)
		}
	}
	for _, s := range k.takers {
		b.dispatch(s.from)
	}
}

func (w *waiting) put(m *stored) {
	i, _ := slices.BinarySearchFunc(w.messages, m.id, func(m *stored, id int) int { return m.id - id })
	w.messages = slices.Insert(w.messages, i, m)
}

func (b *faulty) place(name string) *waiting {
	if b.places[name] == nil {
		b.places[name] = &waiting{}
	}
	return b.places[name]
}

func (b *faulty) handle(k *link, f *frame.Frame) {
	h := &f.Headers
	later := func(do func()) {
		if tx := h.String(frame.Transaction); tx != "" {
			k.txs[tx] = append(k.txs[tx], do)
			return
		}
		do()
	}
	switch f.Command {
	case frame.Connect:
		k.client = h.String(frame.ClientID)
		k.out <- frame.AppendConnected(nil, frame.Welcome{Version: frame.V12})
	case frame.Subscribe:
		b.subscribe(k, h)
	case frame.Send:
		to, body := h.String(frame.Destination), bytes.Clone(f.Body)
		label, _ := h.Find("torture")
		alone := !h.Has(frame.Transaction)
		later(func() {
			if !alone || !b.errs(Lost) {
				b.route(to, bytes.Clone(label), body)
			}
		})
	case frame.Ack:
		id := h.String(frame.ID)
		later(func() { b.settle(k, id) })
	case frame.Commit, frame.Abort:
		b.end(k, h.String(frame.Transaction), f.Command == frame.Commit)
	}
	if receipt := h.Get(frame.ReceiptHeader); receipt != nil {
		k.out <- frame.AppendReceipt(nil, frame.V12, receipt)
	}
	for _, s := range k.takers { // after the receipt of SUBSCRIBE
		b.dispatch(s.from)
	}
}

func (b *faulty) end(k *link, tx string, commit bool) {
	steps := k.txs[tx]
	delete(k.txs, tx)
	if !commit && !b.errs(Uncommitted) {
		return
	}
	if len(steps) > 1 && b.errs(HalfApplied) {
		steps = steps[1:]
	}
	for _, step := range steps {
		step()
	}
}

func (b *faulty) subscribe(k *link, h *frame.Headers) {
	to := h.String(frame.Destination)
	from := b.place(to)
	if name := h.String(frame.SubscriptionName); name != "" {
		from = b.place(k.client + "/" + name)
		if !slices.Contains(b.topics[to], from) {
			b.topics[to] = append(b.topics[to], from)
		}
	}
	credit, _ := h.Int(frame.PrefetchSize)
	s := &taker{link: k, id: h.String(frame.ID), from: from, credit: int(credit), cumulative: h.Is(frame.AckHeader, "client")}
	k.takers = append(k.takers, s)
	from.takers = append(from.takers, s)
}

func (b *faulty) route(to string, label, body []byte) {
	targets, topic := b.topics[to]
	if !topic {
		if b.errs(Unknown) {
			to = "/queue/torture.1"
		}
		targets = []*waiting{b.place(to)}
	}
	for _, w := range targets {
		b.ids++
		m := &stored{id: b.ids, label: label, body: body}
		w.messages = append(w.messages, m)
		if n := len(w.messages); n > 1 && b.errs(OutOfOrder) {
			w.messages[n-1], w.messages[n-2] = w.messages[n-2], w.messages[n-1]
		}
		b.dispatch(w)
	}
}

func (b *faulty) dispatch(w *waiting) {
	for len(w.messages) > 0 {
		i := slices.IndexFunc(w.takers, func(s *taker) bool { return len(s.unsettled) < s.credit })
		if i < 0 {
			return
		}
		s, m := w.takers[i], w.messages[0]
		w.messages = w.messages[1:]
		w.takers = append(slices.Delete(w.takers, i, i+1), s) // the next one's turn
		s.unsettled = append(s.unsettled, m)
		body := m.body
		if b.errs(Damaged) {
			body = bytes.Clone(body)
			body[len(body)/2] ^= 4
		}
		out := frame.AppendCommand(nil, frame.Message)
		out = frame.AppendHeader(out, frame.V12, "subscription", s.id)
		out = frame.AppendHeader(out, frame.V12, "ack", strconv.Itoa(m.id))
		out = frame.AppendHeader(out, frame.V12, "torture", m.label)
		if m.redelivered {
			out = frame.AppendHeader(out, frame.V12, "redelivered", "true")
		}
		out = frame.AppendHeaderInt(out, frame.ContentLength, int64(len(body)))
		s.link.out <- frame.AppendBody(out, body)
	}
}

func (b *faulty) settle(k *link, id string) {
	for _, s := range k.takers {
		i := slices.IndexFunc(s.unsettled, func(m *stored) bool { return strconv.Itoa(m.id) == id })
		if i < 0 {
			continue
		}
		first := i
		if s.cumulative {
			first = 0
		}
		if m := s.unsettled[i]; b.errs(Returned) {
			s.from.put(&stored{id: m.id, label: m.label, body: m.body, redelivered: true})
		}
		s.unsettled = slices.Delete(s.unsettled, first, i+1)
		return
	}
}

// TestEngine: a run against a broker without a fault finds none, and one with a fault finds it.
func TestEngine(t *testing.T) {
	t.Parallel()
	for fault := range kinds + 1 {
		name := "none"
		if fault < kinds {
			name = fault.String()
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := Crash(99)
			w.Sizes = []Size{{100, 1}}
			w.Cuts = 0.02
			if fault == OutOfOrder {
				w.Cuts = 0 // consumers that leave are an excuse
			}
			b := startFaulty(t, fault)
			broker := Endpoint{URL: b.url, Life: 1}
			l := NewLedger(w.Seed)
			run, err := Start(t.Context(), w, l, func() []Endpoint { return []Endpoint{broker} })
			if err != nil {
				t.Fatal(err)
			}
			<-l.Confirmed(2000)
			if err := run.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			b.heal() // or the drain's last messages could be hit
			if err := Drain(t.Context(), w, l, broker); err != nil {
				t.Error(err)
			}
			r := l.Audit()
			if fault == kinds {
				if err := r.Err(); err != nil {
					t.Error(err)
				}
				return
			}
			if r.Totals[fault] == 0 {
				t.Errorf("the broker's fault was not found: %s", r.String())
			}
		})
	}
}
