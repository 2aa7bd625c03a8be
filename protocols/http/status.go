package httpd

import (
	"encoding/hex"
	"net/http"
	"time"

	"github.com/manifoldmq/manifold/broker"
)

// mode and epoch say how the broker shares its work with others: it doesn't.
const (
	mode  = "standalone"
	epoch = 0
)

type statusView struct {
	Broker  string    `json:"broker"`
	Version string    `json:"version"`
	Role    string    `json:"role"`
	Mode    string    `json:"mode"`
	Owner   string    `json:"owner"` // the broker that holds the store
	Epoch   uint64    `json:"epoch"`
	Since   time.Time `json:"since"`
	Uptime  float64   `json:"uptimeSeconds"`
	// Recovered is how far the start has come, in percent.
	Recovered int    `json:"recoveredPercent"`
	Failure   string `json:"failure,omitempty"`

	Usage       map[string]usageView `json:"usage"`
	Totals      totalsView           `json:"totals"`
	Store       *storeView           `json:"store,omitempty"`
	Connections int                  `json:"connections"`
	Queues      int                  `json:"queues"`
	Topics      int                  `json:"topics"`
	Messages    int64                `json:"messages"`
}

type usageView struct {
	Used  int64 `json:"usedBytes"`
	Limit int64 `json:"limitBytes"`
}

type totalsView struct {
	Connections  int64 `json:"connections"`
	Received     int64 `json:"received"`
	Delivered    int64 `json:"delivered"`
	Expired      int64 `json:"expired"`
	DeadLettered int64 `json:"deadLettered"`
}

type storeView struct {
	Engine       string        `json:"engine"`
	Format       uint32        `json:"format"`
	ID           string        `json:"id"`
	Path         string        `json:"path,omitempty"`
	Clean        bool          `json:"cleanStart"`
	Pending      int64         `json:"pendingBatches"`
	PendingBytes int64         `json:"pendingBytes"`
	DiskUsed     int64         `json:"diskUsedBytes"`
	DiskFree     int64         `json:"diskFreeBytes"`
	SyncP50      time.Duration `json:"syncP50Nanoseconds"`
	SyncP99      time.Duration `json:"syncP99Nanoseconds"`
}

// status tells how the broker is, active or not.
func (s *Server) status(*http.Request, string) (any, error) {
	b := s.o.Broker
	t, u := b.Totals(), b.Usage()
	v := &statusView{
		Broker: b.Name, Version: s.o.Version, Role: b.Role().String(), Mode: mode, Owner: b.Name, Epoch: epoch,
		Since: s.since, Uptime: time.Since(s.since).Seconds(), Recovered: b.Progress(),
		Usage: map[string]usageView{
			"memory": {u.Memory, u.MemoryLimit}, "store": {u.Store, u.StoreLimit}, "temp": {u.Temp, u.TempLimit},
		},
		Totals: totalsView{
			t.Connections.Load(), t.Received.Load(), t.Delivered.Load(), t.Expired.Load(), t.DeadLettered.Load(),
		},
	}
	if err := b.Failure(); err != nil {
		v.Failure = err.Error()
	}
	if st := b.Store(); st != nil {
		i, n := st.Info(), st.Stats()
		v.Store = &storeView{
			i.Backend, i.Format, hex.EncodeToString(i.StoreID[:]), i.Path, i.Clean,
			n.Pending, n.PendingBytes, n.DiskUsed, n.DiskFree, n.SyncP50, n.SyncP99,
		}
		b.Connections(func(*broker.Connection) { v.Connections++ })
		for _, d := range b.Destinations() {
			if q := d.Queue(); q != nil {
				v.Queues++
				v.Messages += q.Counters().Entries.Load()
			} else {
				v.Topics++
			}
		}
		for _, d := range b.Durables() {
			v.Messages += d.Counters.Entries.Load()
		}
	}
	return v, nil
}
