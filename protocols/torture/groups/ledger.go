package groups

import (
	"fmt"
	"slices"
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
	committed                            int // messages whose settlement was confirmed
	aborted                              int // transactions that were rolled back
	left                                 int // subscriptions that were ended with a transaction open
	parted                               int // deliveries to another consumer than has what came before a group was closed or begun anew
	handed                               int // times that a group went from one consumer to another
	attached                             int // connections of consumers
	broken                               []string
}

// group is what is known of one group.
type group struct {
	messages []message // by number
	part     int       // of the newest message
	closes   bool      // that one closes the group
	open     []held    // delivered, and not tried to be settled, in the order of their numbers
	owner    *attachment
	newest   map[int]int // by part: the highest number that was delivered
	life     uint64
	inLife   map[int]int // by part: the highest number that the broker of that life has delivered
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
	// part counts how often the group was closed, or begun anew, before: no order is promised between
	// parts.
	part      int
	confirmed bool
	delivered bool
	tried     bool          // to be settled
	done      bool          // its settlement was confirmed: it must not come again
	doubted   bool          // its producer's connection broke before it was confirmed
	life      uint64        // of the broker that delivered it last
	had       []*attachment // who got it from that broker
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
	last map[place]int // the number of the last delivery
}

// place is a part of a group.
type place struct{ group, part int }

func newLedger(groups int) *ledger {
	l := &ledger{groups: make([]group, groups), moved: make(chan struct{})}
	for i := range l.groups {
		l.groups[i].newest, l.groups[i].inLife = make(map[int]int), make(map[int]int)
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

// attempt notes that a message is about to be sent, with a JMSXGroupSeq, and returns its number.
func (l *ledger) attempt(g, sequence int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := &l.groups[g]
	if sequence == 1 || k.closes {
		k.part++
	}
	k.closes = sequence < 0
	k.messages = append(k.messages, message{part: k.part})
	k.note(fmt.Sprintf("sent as %d of part %d", sequence, k.part), len(k.messages)-1, nil)
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
	return &attachment{name: name, life: life, last: make(map[place]int)}
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
		k.life = a.life
		clear(k.inLife)
	}
	if m.life != a.life {
		m.had = nil
	}
	if a.life > l.ending {
		l.check(k, a, g, number)
	}
	a.last[place{g, m.part}] = number
	m.had = append(m.had, a)
	if k.owner != nil && k.owner != a {
		l.handed++
	}
	l.delivered++
	if m.delivered {
		l.again++
	}
	k.owner, k.newest[m.part], k.inLife[m.part] = a, max(k.newest[m.part], number), max(k.inLife[m.part], number)
	m.delivered, m.life = true, a.life
	if a.life > l.ending || !m.tried { // it may be read late, and settled by somebody else
		k.hold(held{number, a})
	}
	l.progress()
}

// check compares a delivery with those before it. The caller holds mu.
func (l *ledger) check(k *group, a *attachment, g, number int) {
	m := &k.messages[number]
	if m.done {
		l.violate(k, "group %d: %d came to %s after its settlement was confirmed", g, number, a.name)
	}
	if last, ok := a.last[place{g, m.part}]; ok && number <= last {
		l.violate(k, "group %d: %s got %d after %d", g, a.name, number, last)
	}
	if newest := k.newest[m.part]; !m.delivered && number < newest {
		l.violate(k, "group %d: %d came to %s for the first time after %d had come", g, number, a.name, newest)
	}
	if newest := k.inLife[m.part]; m.life != a.life && number < newest {
		l.violate(k, "group %d: %d came to %s after %d had come from the same broker", g, number, a.name, newest)
	}
	for _, o := range k.open {
		if o.number >= number || o.by == a {
			continue
		}
		if k.messages[o.number].part != m.part {
			l.parted++
			continue
		}
		l.violate(k, "group %d: %d came to %s while %s has, or had, %d unsettled", g, number, a.name, o.by.name, o.number)
		break
	}
	// Who got a later one must have had this one, which was not settled then, as it comes now.
	for later := number + 1; later <= k.newest[m.part]; later++ {
		o := &k.messages[later]
		if o.part != m.part || o.life != a.life {
			continue
		}
		for _, by := range o.had {
			if !slices.Contains(m.had, by) {
				l.violate(k, "group %d: %d came to %s after %s, which did not have it, had got %d", g, number, a.name, by.name, later)
			}
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
	l.groups[g].note("settled by", number, a)
	l.try(g, number)
	l.progress()
}

// try notes that a message may be settled. The caller holds mu.
func (l *ledger) try(g, number int) {
	k := &l.groups[g]
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
}

// finish notes that the broker has confirmed that messages are settled: they must not come again,
// whatever happens to it.
func (l *ledger) finish(a *attachment, list []taken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range list {
		k := &l.groups[d.group]
		m := &k.messages[d.number]
		k.note("settlement confirmed to", d.number, a)
		if m.delivered && m.life > a.life {
			l.violate(k, "group %d: the settlement of %d was confirmed to %s, and yet it came again", d.group, d.number, a.name)
		}
		l.try(d.group, d.number)
		m.done = true
		l.committed++
	}
	l.progress()
}

// abort notes that messages are not settled after all, and stay with their consumer.
func (l *ledger) abort(a *attachment, list []taken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.aborted++
	for _, d := range list {
		l.groups[d.group].note("not settled after all by", d.number, a)
	}
}

// leave notes that a consumer has ended its subscription, but for a transaction with some messages.
func (l *ledger) leave(a *attachment, list []taken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left++
	for _, d := range list {
		l.groups[d.group].note("in a transaction without a subscription of", d.number, a)
	}
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
