package groups

import (
	"fmt"
	"sync"
)

// ledger knows what was sent, delivered and settled.
type ledger struct {
	mu     sync.Mutex
	groups []group
	life   uint64 // of the newest broker that a consumer was with
	ending uint64 // of the newest broker that is being stopped: see Run.Stopping
	moved  chan struct{}

	confirmed, delivered, again, settled int
	waiting                              int // messages that were sent, and whose settlement was not tried
	handed                               int // times that a group went from one consumer to another
	attached                             int // connections of consumers
	broken                               []string
}

// group is what is known of one group.
type group struct {
	messages []message // by number
	open     []held    // delivered, and not tried to be settled, in the order of their numbers
	owner    *attachment
	newest   int // highest number that was delivered; -1: none
	life     uint64
	inLife   int // highest number that the broker of that life has delivered; -1: none
	history  []event
}

// event is something that happened to a message, for reports.
type event struct {
	what   string
	number int
	by     *attachment // nil: a producer
}

func (e event) String() string {
	if e.by == nil {
		return fmt.Sprintf("%d %s", e.number, e.what)
	}
	return fmt.Sprintf("%d %s %s (%d)", e.number, e.what, e.by.name, e.by.life)
}

func (k *group) note(what string, number int, by *attachment) {
	if len(k.history) > 200 {
		k.history = append(k.history[:0], k.history[100:]...)
	}
	k.history = append(k.history, event{what, number, by})
}

// message is one message of a group.
type message struct {
	confirmed bool
	delivered bool
	tried     bool   // to be settled
	doubted   bool   // its producer's connection broke before it was confirmed
	life      uint64 // of the broker that delivered it last
}

// held is a message that a consumer has and has not settled.
type held struct {
	number int
	by     *attachment
}

// attachment is one connection of a consumer.
type attachment struct {
	name string
	life uint64
	last map[int]int // by group: the number of the last delivery
}

func newLedger(groups int) *ledger {
	l := &ledger{groups: make([]group, groups), moved: make(chan struct{})}
	for i := range l.groups {
		l.groups[i].newest, l.groups[i].inLife = -1, -1
	}
	return l
}

// progress wakes those who wait. The caller holds mu.
func (l *ledger) progress() {
	close(l.moved)
	l.moved = make(chan struct{})
}

// violate notes a broken promise, the first ones with all that is known. The caller holds mu.
func (l *ledger) violate(k *group, format string, args ...any) {
	if len(l.broken) >= 20 {
		return
	}
	text := fmt.Sprintf(format, args...)
	if k != nil && len(l.broken) < 2 {
		text += fmt.Sprintf("; %v", k.history[max(0, len(k.history)-60):])
	}
	l.broken = append(l.broken, text)
}

// attempt notes that a message is about to be sent, and returns its number.
func (l *ledger) attempt(g int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := &l.groups[g]
	k.messages = append(k.messages, message{})
	k.note("sent", len(k.messages)-1, nil)
	l.waiting++
	return len(k.messages) - 1
}

// confirm notes that the broker has said that it has a message.
func (l *ledger) confirm(g, number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.groups[g].messages[number].confirmed = true
	l.groups[g].note("confirmed", number, nil)
	l.confirmed++
	l.progress()
}

// doubt notes that nobody will know whether a message has come to the broker, unless it is
// delivered.
func (l *ledger) doubt(g, number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := &l.groups[g].messages[number]
	m.doubted = true
	l.groups[g].note("doubted", number, nil)
	if !m.tried {
		l.waiting--
	}
}

// backlog returns how many messages wait for their settlement.
func (l *ledger) backlog() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting
}

// attach begins a connection of a consumer.
func (l *ledger) attach(name string, life uint64) *attachment {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.life = max(l.life, life)
	l.attached++
	return &attachment{name: name, life: life, last: make(map[int]int)}
}

// deliver notes a delivery, and checks the order. What a dead broker had sent is of no interest any
// more once another is there.
func (l *ledger) deliver(a *attachment, g, number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.life < l.life {
		return
	}
	if g < 0 || g >= len(l.groups) || number < 0 || number >= len(l.groups[g].messages) {
		l.violate(nil, "message %d of group %d came, which was never sent", number, g)
		return
	}
	k := &l.groups[g]
	m := &k.messages[number]
	k.note("to", number, a)
	if k.life != a.life {
		k.life, k.inLife = a.life, -1
	}
	if a.life > l.ending {
		l.check(k, a, g, number)
	}
	a.last[g] = number
	if k.owner != nil && k.owner != a {
		l.handed++
	}
	l.delivered++
	if m.delivered {
		l.again++
	}
	k.owner, k.newest, k.inLife = a, max(k.newest, number), max(k.inLife, number)
	m.delivered, m.life = true, a.life
	if a.life > l.ending || !m.tried { // it may be read late, and settled by somebody else
		k.hold(held{number, a})
	}
	l.progress()
}

// check compares a delivery with those before it. The caller holds mu.
func (l *ledger) check(k *group, a *attachment, g, number int) {
	m := &k.messages[number]
	if last, ok := a.last[g]; ok && number <= last {
		l.violate(k, "group %d: %s got %d after %d", g, a.name, number, last)
	}
	if !m.delivered && number < k.newest {
		l.violate(k, "group %d: %d came to %s for the first time after %d had come", g, number, a.name, k.newest)
	}
	if m.life != a.life && number < k.inLife {
		l.violate(k, "group %d: %d came to %s after %d had come from the same broker", g, number, a.name, k.inLife)
	}
	for _, o := range k.open {
		if o.number < number && o.by != a {
			l.violate(k, "group %d: %d came to %s while %s has, or had, %d unsettled", g, number, a.name, o.by.name, o.number)
			break
		}
	}
}

// hold adds to what is open, in the place of what an earlier consumer held.
func (k *group) hold(h held) {
	for i := range k.open {
		switch {
		case k.open[i].number == h.number:
			k.open[i] = h
			return
		case k.open[i].number > h.number:
			k.open = append(k.open[:i], append([]held{h}, k.open[i:]...)...)
			return
		}
	}
	k.open = append(k.open, h)
}

// settle notes that a consumer is about to settle a message.
func (l *ledger) settle(a *attachment, g, number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.life < l.life {
		return
	}
	k := &l.groups[g]
	k.note("settled by", number, a)
	for i := range k.open {
		if k.open[i].number == number {
			k.open = append(k.open[:i], k.open[i+1:]...)
			break
		}
	}
	m := &k.messages[number]
	if !m.tried {
		m.tried = true
		l.settled++
		if !m.doubted {
			l.waiting--
		}
	}
	l.progress()
}

// missing says which confirmed messages have not come, or were not settled; "" if there are none.
func (l *ledger) missing() string {
	n, text := 0, ""
	for g := range l.groups {
		for number, m := range l.groups[g].messages {
			if !m.confirmed || m.delivered && m.tried {
				continue
			}
			if n++; n == 1 {
				text = fmt.Sprintf("message %d of group %d, delivered %t", number, g, m.delivered)
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d messages, such as %s", n, text)
}
