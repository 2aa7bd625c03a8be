package torture

import (
	"fmt"
	"slices"
	"sync"

	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// Ledger is what clients attempted, what the broker confirmed and what came: the whole truth
// about a run as seen from outside. Every attempt is noted before its bytes leave, every
// confirmation after its bytes came. It is safe for concurrent use.
type Ledger struct {
	run uint64

	mu         sync.Mutex
	clock      uint64
	life       uint64                // the latest that was seen
	messages   map[uint32][]*message // by producer; number n at n-1
	producers  uint32
	departures map[string]map[uint64]int // by place and life: attachments that ended
	broken     []Violation               // seen at once, not by comparing
	txs        []*Transaction
	counts     Counts
	waiting    []waiter

	waitingCopies int // see Backlog
}

// Counts is how much of what happened.
type Counts struct {
	Attempted    int // messages sent
	Confirmed    int // of them confirmed, in transactions or alone
	Deliveries   int
	Redelivered  int // deliveries that said to be repeated
	Settlements  int // copies whose settlement was attempted
	Settled      int // of them confirmed
	Transactions int // commits attempted
	Committed    int // of them confirmed

	Alive uint64 // the latest life of the broker in which a message was confirmed
}

// waiter waits for a condition.
type waiter struct {
	met     func(Counts) bool
	reached chan struct{}
}

// NewLedger returns an empty ledger. The run's number is in every body, so that messages of
// different runs can't be taken for each other.
func NewLedger(run uint64) *Ledger {
	return &Ledger{run: run, messages: make(map[uint32][]*message), departures: make(map[string]map[uint64]int)}
}

// now returns the next moment in a life. mu is held.
func (l *Ledger) now(life uint64) moment {
	l.clock++
	l.life = max(l.life, life)
	return moment{life, l.clock}
}

// Producer returns a number for a new producer. Its messages are numbered, and expected, in the
// order of Attempt.
func (l *Ledger) Producer() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.producers++
	return l.producers
}

// Attempt notes that a message will be sent next, in a transaction if tx is not nil, and
// returns its key.
func (l *Ledger) Attempt(producer uint32, life uint64, to Target, size int, persistent bool, tx *Transaction) Key {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.messages[producer]
	m := &message{
		key:  Key{producer, uint64(len(list)) + 1},
		size: max(size, smallestBody), persistent: persistent, target: to, tx: tx,
		at: l.now(life), copies: make([]record, len(to.Places)),
	}
	l.messages[producer] = append(list, m)
	if tx != nil {
		tx.sends = append(tx.sends, m)
	}
	if !to.AtMostOnce {
		for i := range m.copies {
			m.copies[i].counted = true
		}
		l.waitingCopies += len(m.copies)
	}
	l.counts.Attempted++
	return m.key
}

// Confirm notes that the broker has confirmed a message sent outside of transactions.
func (l *Ledger) Confirm(k Key, life uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.find(k)
	m.state, m.confirmed = confirmed, l.now(life)
	l.confirm(1, life)
}

// Refuse notes that the broker has refused a message.
func (l *Ledger) Refuse(k Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.find(k)
	m.state = refused
	l.uncount(m)
}

// confirm counts confirmed messages. mu is held.
func (l *Ledger) confirm(n int, life uint64) {
	l.counts.Confirmed += n
	l.counts.Alive = max(l.counts.Alive, life)
	l.wake()
}

// wake lets go whose condition is met. mu is held.
func (l *Ledger) wake() {
	l.waiting = slices.DeleteFunc(l.waiting, func(w waiter) bool {
		met := w.met(l.counts)
		if met {
			close(w.reached)
		}
		return met
	})
}

// Until returns a channel that is closed when met is true of the counts. It is asked when
// something was confirmed, and must not call the ledger.
func (l *Ledger) Until(met func(Counts) bool) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := waiter{met, make(chan struct{})}
	l.waiting = append(l.waiting, w)
	l.wake()
	return w.reached
}

// Confirmed returns a channel that is closed when n more messages than now have been confirmed.
func (l *Ledger) Confirmed(n int) <-chan struct{} {
	n += l.Counts().Confirmed
	return l.Until(func(c Counts) bool { return c.Confirmed >= n })
}

// Counts returns what happened so far.
func (l *Ledger) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts
}

// Backlog returns how many copies of messages probably wait to be settled. Those whose fate
// nobody knows, because a connection broke, don't count.
func (l *Ledger) Backlog() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waitingCopies
}

// uncount takes a message's copies out of the backlog. mu is held.
func (l *Ledger) uncount(m *message) {
	for i := range m.copies {
		l.uncountCopy(&m.copies[i])
	}
}

func (l *Ledger) uncountCopy(r *record) {
	if r.counted {
		r.counted = false
		l.waitingCopies--
	}
}

// giveUp notes that the confirmation of a message, or of a transaction's end, will never come, for
// none was asked for or the connection has ended.
func (l *Ledger) giveUp(k Key, t *Transaction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.find(k); m != nil {
		l.uncount(m)
	}
	if t != nil {
		for _, m := range t.sends {
			l.uncount(m)
		}
	}
}

// find returns a message that was attempted, nil if there is none. mu is held.
func (l *Ledger) find(k Key) *message {
	if list := l.messages[k.Producer]; k.Seq > 0 && k.Seq <= uint64(len(list)) {
		return list[k.Seq-1]
	}
	return nil
}

// Begin notes a new transaction.
func (l *Ledger) Begin(name string) *Transaction {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &Transaction{name: name}
	l.txs = append(l.txs, t)
	return t
}

// Committing notes that the transaction's commit will be sent next.
func (l *Ledger) Committing(t *Transaction, life uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.phase, t.at = committing, l.now(life)
	l.counts.Transactions++
}

// Committed notes that the broker has confirmed the transaction's commit.
func (l *Ledger) Committed(t *Transaction, life uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.phase, t.finished = committed, l.now(life)
	l.counts.Committed++
	l.counts.Settled += len(t.settled)
	l.confirm(len(t.sends), life)
}

// Aborted notes that the transaction's abort will be sent next.
func (l *Ledger) Aborted(t *Transaction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.phase = aborted
	for _, m := range t.sends {
		l.uncount(m)
	}
}

// Doubt notes that the broker refused something of a transaction, or its commit.
func (l *Ledger) Doubt(t *Transaction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.phase == committing {
		t.phase = doubtful
	}
}

// Attachment is one subscription of one connection at a place.
type Attachment struct {
	place   string
	life    uint64
	highest map[uint32]uint64 // by producer: the last first delivery
	ended   bool
}

// Attach notes that a subscription will begin.
func (l *Ledger) Attach(place string, life uint64) *Attachment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Attachment{place: place, life: life, highest: make(map[uint32]uint64)}
}

// Detach notes that a subscription will end: what it has not got goes to others, late.
func (l *Ledger) Detach(a *Attachment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.ended {
		return
	}
	a.ended = true
	if l.departures[a.place] == nil {
		l.departures[a.place] = make(map[uint64]int)
	}
	l.departures[a.place][a.life]++
}

// Copy is a message at a place, as delivered to an attachment.
type Copy struct {
	message *message
	place   int
}

// Key returns the message's key.
func (c Copy) Key() Key { return c.message.key }

// Deliver notes a delivery; false if it was no message of this run that belongs there, which is
// a violation and noted as such.
func (l *Ledger) Deliver(a *Attachment, d client.Delivery) (Copy, bool) {
	run, k, err := parseBody(d.Body) // outside the lock: it reads all of the body
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Deliveries++
	if d.Redelivered {
		l.counts.Redelivered++
	}
	m := l.find(k)
	switch {
	case err != nil:
		l.fault(Damaged, k, a.place, fmt.Sprintf("%v; labelled %q", err, d.Label))
		return Copy{}, false
	case run != l.run || m == nil:
		l.fault(Unknown, k, a.place, fmt.Sprintf("run %x, expected %x; labelled %q", run, l.run, d.Label))
		return Copy{}, false
	case len(d.Body) != m.size || d.Label != "" && d.Label != k.String():
		l.fault(Damaged, k, a.place, fmt.Sprintf("%d octets labelled %q instead of %d labelled %q", len(d.Body), d.Label, m.size, k))
		return Copy{}, false
	}
	place := slices.Index(m.target.Places, a.place)
	if place < 0 {
		l.fault(Unknown, k, a.place, "was sent to "+m.target.Destination)
		return Copy{}, false
	}
	m.copies[place].deliveries = append(m.copies[place].deliveries, delivery{l.now(a.life), d.Redelivered})
	l.order(a, m, d.Redelivered)
	return Copy{m, place}, true
}

// order checks the order of first deliveries to an attachment. When another one of the place
// ended in the same life, what that one had not got comes late, and rightly so. mu is held.
func (l *Ledger) order(a *Attachment, m *message, redelivered bool) {
	last := a.highest[m.key.Producer]
	if redelivered || m.key.Seq == last {
		return
	}
	if m.key.Seq > last {
		a.highest[m.key.Producer] = m.key.Seq
		return
	}
	if l.departures[a.place][a.life] == 0 {
		other, place := l.find(Key{m.key.Producer, last}), func(m *message) int { return slices.Index(m.target.Places, a.place) }
		l.fault(OutOfOrder, m.key, a.place, fmt.Sprintf("came after number %d: %s; number %d: %s",
			last, m.history(place(m)), last, other.history(place(other))))
	}
}

// fault notes a violation. mu is held.
func (l *Ledger) fault(kind Kind, k Key, place, detail string) {
	l.broken = append(l.broken, Violation{kind, k, place, detail})
}

// Settle notes that deliveries will be settled next, in a transaction if tx is not nil.
func (l *Ledger) Settle(life uint64, copies []Copy, tx *Transaction) *Settled {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &Settled{tx: tx, at: l.now(life), copies: len(copies)}
	for _, c := range copies {
		r := &c.message.copies[c.place]
		r.settlements = append(r.settlements, s)
		l.uncountCopy(r)
		if tx != nil {
			tx.settled = append(tx.settled, settledCopy(c))
		}
	}
	l.counts.Settlements += len(copies)
	return s
}

// SettleConfirmed notes that the broker has confirmed a settlement outside of transactions.
func (l *Ledger) SettleConfirmed(s *Settled, life uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.state, s.confirmed = confirmed, l.now(life)
	l.counts.Settled += s.copies
	l.wake()
}
