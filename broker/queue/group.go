package queue

import (
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// ownership is what a queue knows of a message group: one consumer gets all of its messages, so that
// they are consumed in their order, until the group is closed or begun anew, or its owner goes.
type ownership struct {
	*consumerState
	since store.ID // the message by which it became the owner
	// Others were refused messages between these, which may still wait; 0: there are none.
	lowest, highest store.ID
	// The first message that would have begun the group anew, if it had not been for those; 0: there is
	// none. What others were refused behind it is not counted.
	beginning store.ID
	unsure    bool // something of these went otherwise than to the owner
}

// group is a message's, as a queue knows it.
type group struct {
	name  string // "" for a message of none
	owner *ownership
}

// groupOf returns what is known of a message's group. The caller holds the dispatch lock.
func (q *Queue) groupOf(m *message.Message) group {
	if m.GroupID == "" {
		return group{}
	}
	name := groupName(m)
	return group{name, q.groups[name]}
}

// longGroup is the length in bytes beyond which a hash stands for a group's name.
const longGroup = 256

// groupName returns the name under which a message's group is remembered.
func groupName(m *message.Message) string {
	if len(m.GroupID) <= longGroup {
		return m.GroupID
	}
	sum := sha256.Sum256([]byte(m.GroupID))
	return "sha256 " + string(sum[:])
}

// begins reports whether an entry begins a group anew (JMSXGroupSeq 1), so that anybody may have it.
// While others of its group wait before it, it does not, as it would overtake them. Nor does one that
// comes again after its group has begun, unless its owner does not want it, which has then passed it
// over.
func (o *ownership) begins(e *Entry) bool {
	if e.Msg.GroupSeq != 1 || o.lowest != 0 && o.lowest < e.Ref.ID {
		return false
	}
	return e.Ref.ID > o.since || !o.wants(e) || o.shuns(e)
}

// isOpen reports whether any consumer may have an entry, as far as its group is concerned.
func (g group) isOpen(e *Entry) bool { return g.owner == nil || g.owner.begins(e) }

// grants reports whether a consumer may have an entry of a group. The caller holds the dispatch lock.
func (q *Queue) grants(g group, c *Consumer, e *Entry) bool {
	id := e.Ref.ID
	if len(q.undecided) > 0 && q.waits(g, id) {
		q.passedOver = true
		return false
	}
	if g.isOpen(e) || g.owner.Consumer == c {
		return true
	}
	g.owner.refuse(e)
	q.unsure = q.unsure || g.owner.unsure && g.owner.beginning != 0
	q.passedOver = true
	return false
}

// refuse notes that somebody else was refused an entry of the group. What the owner does not want
// either holds up nothing.
func (o *ownership) refuse(e *Entry) {
	id := e.Ref.ID
	switch {
	case o.beginning != 0 && id >= o.beginning:
	case e.Msg.GroupSeq == 1 && (id > o.since || !o.wants(e) || o.shuns(e)):
		o.beginning = id
	case !o.wants(e) || o.shuns(e):
	default:
		if o.lowest == 0 || id < o.lowest {
			o.lowest = id
		}
		o.highest = max(o.highest, id)
	}
}

// lift forgets what others were refused.
func (o *ownership) lift() {
	o.lowest, o.highest, o.beginning, o.unsure = 0, 0, 0, false
}

// got notes that the owner has got a message. What begins the group anew is anybody's if that was the
// last one before it.
func (q *Queue) got(o *ownership, id store.ID) {
	switch {
	case o.lowest == 0 || id < o.lowest:
	case id >= o.highest || o.beginning != 0 && (id >= o.beginning || o.highest > o.beginning):
		q.regrouped = q.regrouped || o.beginning != 0 && q.passedOver
		o.lift()
	default:
		o.lowest = id + 1
	}
}

// withdrawn notes that an entry which waited goes, and to no consumer. The caller holds the dispatch
// lock.
func (q *Queue) withdrawn(e *Entry) {
	if e.Msg.GroupID == "" || len(q.groups) == 0 {
		return
	}
	if o := q.groups[groupName(e.Msg)]; o != nil && o.lowest != 0 && e.Ref.ID >= o.lowest {
		o.unsure = true
		q.unsure = q.unsure || o.beginning != 0
	}
}

// own notes that a consumer has got an entry of a group: it owns that from now on, or not any more
// after the group's last one.
func (q *Queue) own(g group, s *consumerState, e *Entry) {
	o := g.owner
	switch {
	case o == nil && e.Msg.GroupSeq < 0:
		return
	case o == nil:
	case e.Msg.GroupSeq < 0 && e.Ref.ID > o.since:
		// One that comes again while a later part of its group is under way has closed its own before.
		q.disown(g.name, o)
		return
	case o.consumerState == s:
		if o.begins(e) {
			o.since = e.Ref.ID
		}
		q.got(o, e.Ref.ID)
		return
	default:
		q.disown(g.name, o)
	}
	if q.groups == nil {
		q.groups = make(map[string]*ownership)
	}
	limit := q.options.Load().GroupLimit
	if limit <= 0 {
		limit = 1024
	}
	for name, o := range q.groups {
		if len(q.groups) < limit {
			break
		}
		q.disown(name, o)
	}
	q.groups[strings.Clone(g.name)] = &ownership{consumerState: s, since: e.Ref.ID} // the message's memory must not stay with it
	s.owns++
}

// disown forgets a group: what others were refused of it they may have now.
func (q *Queue) disown(name string, o *ownership) {
	delete(q.groups, name)
	o.owns--
	q.regrouped = q.regrouped || q.passedOver
}

// regroup lets consumers look again at what they were refused because of groups that may be free now.
func (q *Queue) regroup() {
	if q.unsure {
		for _, o := range q.groups {
			if o.unsure {
				o.lift()
			}
		}
	}
	q.regrouped, q.passedOver, q.unsure = false, false, false
	q.rewind()
}

// disownAll forgets the groups of a consumer. The caller holds the dispatch lock.
func (q *Queue) disownAll(c *Consumer) {
	for name, o := range q.groups {
		if o.Consumer == c {
			q.disown(name, o)
		}
	}
}

// part keeps a consumer in sight that has gone and left deliveries to a transaction. Until that is
// over nothing overtakes, within their groups, what may come back. The caller holds the dispatch lock.
func (q *Queue) part(c *Consumer) {
	q.disownAll(c)
	q.parted = append(q.parted, c)
	q.settleParted()
}

// settleParted forgets consumers that have gone and whose transactions are over, and notes which groups
// wait for those that are not. The caller holds the dispatch lock.
func (q *Queue) settleParted() {
	was := q.undecided
	q.undecided = nil
	q.parted = slices.DeleteFunc(q.parted, func(c *Consumer) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case c.returning > 0:
			for name, id := range was { // what comes back is on its way
				q.await(name, id)
			}
		case c.enlisted == 0:
			return true
		}
		if !slices.Contains(c.parted, q) {
			c.parted = append(c.parted, q)
		}
		for n := c.first; c.enlisted > 0 && n <= c.last.Load(); n++ {
			if s := c.slotAt(n); s != nil && s.enlisted && s.q == q && s.e.Msg.GroupID != "" {
				q.await(groupName(s.e.Msg), s.e.Ref.ID)
			}
		}
		return false
	})
	for name, id := range was {
		if now, ok := q.undecided[name]; !ok || now > id {
			q.regrouped = q.regrouped || q.passedOver
		}
	}
}

// await notes that a transaction decides on a message of a group whose consumer has gone.
func (q *Queue) await(name string, id store.ID) {
	if q.undecided == nil {
		q.undecided = make(map[string]store.ID)
	}
	if lowest, ok := q.undecided[name]; !ok || id < lowest {
		q.undecided[strings.Clone(name)] = id
	}
}

// waits reports whether a message comes after one of its group that a transaction decides on, and that
// nobody has. What belongs to a later part of the group, with an owner of its own, does not wait. The
// caller holds the dispatch lock.
func (q *Queue) waits(g group, id store.ID) bool {
	lowest, ok := q.undecided[g.name]
	return ok && id > lowest && (g.owner == nil || g.owner.since <= lowest || id < g.owner.since)
}

// decided frees the groups that a consumer which has gone still had, when nothing is left of it for
// transactions to decide on.
func (q *Queue) decided() {
	q.lock()
	q.settleParted()
	q.unlock()
	q.Kick()
}

// fewest returns, of the consumers from first to end that may get something and were not tried, the one
// with the fewest groups, and of several the next in turn from at; -1 if there is none.
func (q *Queue) fewest(first, end, at int) int {
	best := -1
	for range end - first {
		s := q.consumers[at]
		if s.eligible && s.tried != q.tries && (best < 0 || s.owns < q.consumers[best].owns) {
			best = at
		}
		if at++; at == end {
			at = first
		}
	}
	if best >= 0 {
		q.consumers[best].tried = q.tries
	}
	return best
}
