package httpd

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/security"
)

// Options make a Server.
type Options struct {
	Broker  *broker.Broker // required; it need not be active
	Log     *slog.Logger   // nil: nothing is logged
	Version string         // of the program, for status and build information

	// Token is the bearer token that the API asks for. Where it is empty, TokenFile names the
	// file that holds it, which New makes with a random token if it isn't there. With neither
	// the API refuses everybody.
	Token     string
	TokenFile string

	// Reload reads the configuration again and returns what changed, for people. The text of
	// its error is shown to the caller. Nil: not offered.
	Reload func(ctx context.Context) (changes []string, err error)

	// Backups is the directory that backups are made in, usually that named backups in the
	// data directory. Empty, with AnyBackupDir false: no backups.
	Backups string
	// AnyBackupDir also allows backups in any other directory, named by an absolute path.
	AnyBackupDir bool

	WebSocket Upgrader // nil: no WebSockets

	Checks []Check // what readiness waits for, beside the broker itself

	// Jolokia answers as ActiveMQ's agent does, under /api/jolokia; with JolokiaExec also
	// operations that change something.
	Jolokia, JolokiaExec bool
	Console              bool // serve the web console, under /console/
	// Administrator is one who may do everything here, and is no user of the broker; nil: none.
	Administrator *security.User
	// Admins and Monitors are groups of users who may administrate, and who may look, beside
	// those who have the token; see package access.
	Admins, Monitors []string

	Metrics        bool // serve /metrics
	ProtectMetrics bool // only to those who have the token
	ActiveMQNames  bool // also under the names that ActiveMQ's dashboards read
	// SeriesCap is how many queues, topics and durable subscriptions, of each, get figures of
	// their own; the others are added up under the name "other". 0 means 1,000, a negative
	// number none.
	SeriesCap int
}

// Check is one condition for being ready.
type Check struct {
	Name string
	// Func returns nil, or what is missing, for people. It may be called by many goroutines at
	// once and must end with ctx. The error's text is shown to those who have the token only.
	Func func(ctx context.Context) error
	// Advisory conditions are shown, and don't make the broker unready.
	Advisory bool
}

// Limits on what a client may send and how long it may take.
const (
	maxHeader     = 32 << 10
	maxBody       = 64 << 10
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	checkTimeout  = 5 * time.Second
	defaultCap    = 1000
)

func (o *Options) setDefaults() error {
	if o.Broker == nil {
		return errors.New("http: no broker")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.SeriesCap == 0 {
		o.SeriesCap = defaultCap
	}
	o.SeriesCap = max(o.SeriesCap, 0)
	return nil
}
