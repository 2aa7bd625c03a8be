package torture

import "fmt"

// moment is a point in the history of a run. Moments of different lives of the broker compare by
// the life, whenever they were noted: a client may read from its socket what a broker wrote that
// has been killed since.
type moment struct{ life, at uint64 }

func (m moment) before(o moment) bool {
	return m.life < o.life || m.life == o.life && m.at < o.at
}

// String writes the moment as life.position.
func (m moment) String() string { return fmt.Sprintf("%d.%d", m.life, m.at) }
