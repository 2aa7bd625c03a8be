package openwire_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
	"github.com/manifoldmq/manifold/protocols/server"
)

// turn is a part of a scenario: so many frames of one of its connections.
type turn struct{ connection, frames int }

// rest is a turn's number of frames that stands for all that are left.
const rest = -1

// TestReplayRecorded replays the captures that say something only together: of several connections, or
// with a broker that is set up for them. What ActiveMQ answered is in the captures.
//
// Captures are left out whose clients name what only their broker knew: 24 acknowledges what an earlier run had left in
// the queues, 26 shows advisories of what another client did, 28 acknowledges messages that the scheduler had named. The
// suite in Java has what they show. 34 is a duplex network connector, which is refused.
func TestReplayRecorded(t *testing.T) {
	t.Parallel()
	users := brokertest.WithSecurity(security.Options{
		Users: []security.User{
			{Name: "admin", Password: "admin", Groups: []string{"admins"}}, {Name: "user", Password: "pw", Groups: []string{"users"}},
		},
		Permissions: []security.Permission{
			{Match: "queue://>", Read: []string{"admins"}, Write: []string{"admins"}, Admin: []string{"admins"}},
			{Match: "queue://USERS.>", Read: []string{"users"}, Write: []string{"users"}, Admin: []string{"users"}},
			{Match: "topic://ActiveMQ.Advisory.>", Read: []string{"*"}, Write: []string{"*"}, Admin: []string{"*"}},
		},
	})
	for _, c := range []struct {
		name   string
		turns  []turn // none: all of the first connection
		broker []brokertest.Option
	}{
		{name: "11-tx-poison-onmessage"},
		// The second connection answers on the temporary queue of the first.
		{name: "13-temp-request-reply", turns: []turn{{1, 4}, {2, 5}, {1, 5}, {2, 3}, {1, rest}, {2, rest}}},
		{name: "18-errors-auth-fail", broker: []brokertest.Option{users}},
		{name: "19-errors-authz", broker: []brokertest.Option{users}},
		// The second connection has the client identifier of the first.
		{name: "20-errors-misc", turns: []turn{{1, 4}, {2, rest}, {1, rest}}},
		{name: "21-stacktrace-disabled", broker: []brokertest.Option{users}},
		{name: "22-keepalive"},
		// The second connection is the client's after a failover.
		{name: "27-failover-reconnect", turns: []turn{{1, rest}, {2, rest}}},
		{name: "32-expired-on-client"},
		{name: "35-cluster-client-update-and-broker-shutdown", broker: []brokertest.Option{connectedBrokers("tcp://localhost:31400")}},
		{name: "36-consumer-control-and-max-frame", broker: []brokertest.Option{brokertest.With(func(o *server.Options) {
			o.OpenWire.MaxFrame = 4096
			o.Policies = []policy.Entry{{Match: "queue://>", Values: []policy.Value{{
				Name: "prefetch.queue", Set: func(p *policy.Policy) { p.Prefetch.Queue = 5 },
			}}}}
		})}},
		{name: "37-tx-failover-mid-transaction", turns: []turn{{1, rest}, {2, rest}}},
		{name: "42-cpp-authfail", broker: []brokertest.Option{users}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := brokertest.Start(t, c.broker...)
			turns := c.turns
			if turns == nil {
				turns = []turn{{1, rest}}
			}
			replays := map[int]*replay{}
			for i, now := range turns {
				r := replays[now.connection]
				if r == nil {
					r = newReplay(t, b.Dial("auto"), capture(t, c.name, now.connection, "c2b"))
					replays[now.connection] = r
				}
				if now.frames == rest {
					now.frames = len(r.frames)
				}
				r.send(now.frames)
				if i+1 < len(turns) && len(r.frames) == 0 && !r.ended() {
					_ = r.conn.Close() // the network had failed
				}
			}
			for n, r := range replays {
				r.compareRecorded(recorded(t, c.name, n))
			}
		})
	}
}

// capture returns one direction of a connection of a scenario.
func capture(t *testing.T, name string, connection int, direction string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("wire/testdata/captures", name+"."+string(rune('0'+connection))+"."+direction+".bin"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recorded returns what ActiveMQ answered to the client of a connection.
func recorded(t *testing.T, name string, connection int) expected {
	t.Helper()
	b := capture(t, name, connection, "b2c")
	format, err := wire.Negotiate(readInfo(t, b), readInfo(t, capture(t, name, connection, "c2b")))
	if err != nil {
		t.Fatal(err)
	}
	r := emptyReplay(t, nil)
	r.count(wire.NewReader(bytes.NewReader(b)), format)
	return expected{Replies: r.counts, Exceptions: r.exceptions}
}

// ended reports whether the client has taken its leave.
func (r *replay) ended() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// where is what texts of exceptions have of the broker that they came from.
var where = regexp.MustCompile(`^Broker: \S+ |tcp://[0-9.:]+`)

func (r *replay) compareRecorded(want expected) {
	r.t.Helper()
	r.mu.Lock()
	for _, list := range [][][]string{r.exceptions, want.Exceptions} {
		for i := range list {
			list[i][2] = where.ReplaceAllString(list[i][2], "")
		}
	}
	r.mu.Unlock()
	r.compare(want)
}
