package broker

import (
	"context"
	"crypto/x509"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/security"
)

// Token identifies an operation to the one who asked for it. 0 means that no confirmation is
// wanted.
type Token uint64

// Handler hears what concerns a whole connection. Its methods are called with locks of the
// core held: they must not block and must not call the core back.
type Handler interface {
	// Confirmed tells the outcome of the operation with a token. Confirmations of sends come
	// in the order of Send, per connection.
	Confirmed(t Token, err error)
	// Blocked says that sends wait for space, and why; with an empty reason, that they go on.
	Blocked(reason string)
	// Closed says that the broker ended the connection; nothing is delivered any more.
	Closed(reason error)
	// Wake is called once after a series of the above, without any lock held: it is time to
	// write.
	Wake()
}

// Login is who connects, and from where.
type Login struct {
	Protocol     string
	Listener     string
	ClientID     string // empty: one is made
	User         string
	Password     string
	HasUser      bool // a user name was given, even an empty one
	Mechanism    string
	Certificates []*x509.Certificate // verified by TLS
	Remote       net.Addr
	TakeOver     bool // end another connection with the same client identifier
	// Overtaking lets confirmations of other operations go before those of sends that wait for
	// space: the client may be about to make the space.
	Overtaking bool
	// Yield may block for a moment, without any lock, before the connection is taken over: it
	// handles what its client had sent already, and may end. Nil: it is ended at once.
	Yield func()
	// Principal is who has authenticated already, by [Broker.Authenticate], where a protocol does
	// that before it knows the rest; nil: Connect does it.
	Principal *security.Principal
	// Unrestricted connections are an administrator's, who may do everything; it has a Principal.
	Unrestricted bool
}

// Connection is one client's connection.
type Connection struct {
	b         *Broker
	handler   Handler
	login     Login
	principal *security.Principal
	access    *security.Access // nil: open to everyone
	id        string
	since     time.Time

	mu        sync.Mutex // sends; never held while a queue's lock is taken
	burst     *burst
	touched   []*queue.Queue // got memory-only messages since the last Flush
	settled   []Token        // to be confirmed by Flush
	crowded   *queue.Queue   // got more than its consumers take
	parked    []parked
	parkedLen int64
	unpark    chan struct{}
	blockage  shortage // why sends wait
	blockedAt time.Time
	producers map[*Producer]struct{} // open ones

	allowance *queue.Allowance // deliveries without an outcome

	inflight atomic.Int64 // committed bursts that are not done
	closed   atomic.Bool
	yielded  atomic.Bool  // Login.Yield was called
	sent     atomic.Int64 // messages received from the client

	merger merger // of bindings; guarded by mu

	state   sync.Mutex // what follows
	session *Session
	subs    map[*Subscription]struct{}
	txs     map[*Transaction]struct{}
	temps   map[address.Address]*Destination
	temp    uint64
	lastSub uint64
}

// Connect authenticates a client and returns its connection. It may block on hashing a
// password.
func (b *Broker) Connect(ctx context.Context, l Login, h Handler) (*Connection, error) {
	if b.Role() != Active {
		return nil, fault.New(fault.Closed, "connect", b.Name, "the broker is %s", b.Role())
	}
	c := &Connection{
		b: b, handler: h, login: l, since: time.Now(), unpark: make(chan struct{}, 1),
		subs:  make(map[*Subscription]struct{}),
		txs:   make(map[*Transaction]struct{}),
		temps: make(map[address.Address]*Destination),
	}
	c.allowance = queue.NewAllowance(b.Limits.Unsettled, c.offerAll)
	n := b.nextConn.Add(1)
	c.id = "ID:" + b.Name + "-" + b.boot + "-" + strconv.FormatUint(n, 10)
	if c.principal = l.Principal; c.principal == nil {
		p, err := b.Authenticate(ctx, l)
		if err != nil {
			return nil, err
		}
		c.principal = p
	}
	if b.Security != nil && !l.Unrestricted {
		c.access = b.Security.Access(c.principal)
	}
	c.login.Password = ""
	if slices.Contains(b.LinkStealing, l.Listener) {
		c.login.TakeOver = true
	}
	if c.login.ClientID == "" {
		c.login.ClientID = c.id
	}
	return c, b.register(c)
}

// Authenticate returns who shows the credentials of a login. It may block on hashing a password.
func (b *Broker) Authenticate(ctx context.Context, l Login) (*security.Principal, error) {
	if b.Security == nil {
		return &security.Principal{Name: l.User}, nil
	}
	return b.Security.Authenticate(ctx, security.Credentials{
		User: l.User, Password: l.Password, HasUser: l.HasUser, Certificates: l.Certificates, Mechanism: l.Mechanism,
	})
}

// register enters the connection into the tables, or says why it can't be.
func (b *Broker) register(c *Connection) error {
	for {
		b.mu.Lock()
		other := b.clients[c.login.ClientID]
		switch {
		case other != nil && c.login.TakeOver:
			b.mu.Unlock()
			if other.login.Yield != nil && !other.yielded.Swap(true) {
				other.login.Yield()
				continue
			}
			other.end(fault.New(fault.InUse, "connect", c.login.ClientID, "the session was taken over by %s", remote(c.login.Remote)))
			other.Close()
			continue
		case other != nil:
			b.mu.Unlock()
			return fault.New(fault.InUse, "connect", c.login.ClientID, "Broker: %s - Client: %s already connected from %s",
				b.Name, c.login.ClientID, remote(other.login.Remote))
		case len(b.connections) >= b.Limits.Connections:
			b.mu.Unlock()
			return fault.New(fault.LimitReached, "connect", b.Name, "Exceeded the maximum number of allowed client connections: %d", b.Limits.Connections)
		case b.Limits.PerUser > 0 && b.perUser[c.principal.Name] >= b.Limits.PerUser:
			b.mu.Unlock()
			return fault.New(fault.LimitReached, "connect", c.principal.Name, "user %s has %d connections, which is the limit", c.principal.Name, b.Limits.PerUser)
		}
		b.clients[c.login.ClientID] = c
		b.connections[c] = struct{}{}
		b.perUser[c.principal.Name]++
		b.mu.Unlock()
		b.total.Connections.Add(1)
		b.events.publish(Event{Kind: Connected, Client: c.login.ClientID, Connection: c})
		return nil
	}
}

func remote(a net.Addr) string {
	if a == nil {
		return "pipe"
	}
	return "tcp://" + a.String()
}

// ID returns the connection's identifier, unique over all brokers and starts.
func (c *Connection) ID() string { return c.id }

// ClientID returns the client's own identifier, or the connection's if it gave none.
func (c *Connection) ClientID() string { return c.login.ClientID }

// User returns the name of the user.
func (c *Connection) User() string { return c.principal.Name }

// Login returns what the client said of itself, without its password.
func (c *Connection) Login() Login { return c.login }

// Closed reports whether the connection has ended, or is about to.
func (c *Connection) Closed() bool { return c.closed.Load() }

// Since returns when the client connected.
func (c *Connection) Since() time.Time { return c.since }

// Transactions returns how many transactions of the connection are open.
func (c *Connection) Transactions() int {
	c.state.Lock()
	defer c.state.Unlock()
	return len(c.txs)
}

// Sent returns how many messages the client has sent.
func (c *Connection) Sent() int64 { return c.sent.Load() }

// Broker returns the broker.
func (c *Connection) Broker() *Broker { return c.b }

// check reports whether the connection may do something with a destination.
func (c *Connection) check(op security.Operation, a address.Address) error {
	if c.access == nil {
		return nil
	}
	return c.access.Check(op, a)
}

func (c *Connection) closedError(op string) error {
	return fault.New(fault.Closed, op, c.id, "the connection is closed")
}

// CreateTemporary makes a temporary queue or topic, which only this connection may consume
// from and which ends with it.
func (c *Connection) CreateTemporary(k address.Kind) (address.Address, error) {
	c.state.Lock()
	defer c.state.Unlock()
	if c.closed.Load() {
		return address.Address{}, c.closedError("create")
	}
	if len(c.temps) >= c.b.Limits.TempQueues {
		return address.Address{}, fault.New(fault.LimitReached, "create", k.String(), "the connection has %d temporary destinations, which is the limit", len(c.temps))
	}
	c.temp++
	a := address.Address{Kind: k, Name: c.id + ":" + strconv.FormatUint(c.temp, 10)}
	if err := c.check(security.Admin, a); err != nil {
		return address.Address{}, err
	}
	if err := c.b.mayCreate("create", a); err != nil {
		return address.Address{}, err
	}
	d, err := c.b.create(a, c)
	if err != nil {
		return address.Address{}, err
	}
	c.temps[a] = d
	return a, nil
}

// DeleteTemporary removes a temporary destination of this connection.
func (c *Connection) DeleteTemporary(a address.Address) error {
	c.state.Lock()
	d := c.temps[a]
	if d != nil && c.b.consumersOf(d) > 0 {
		c.state.Unlock()
		return fault.New(fault.InUse, "delete", a.String(), "Destination: %s still has an active subscription", a)
	}
	delete(c.temps, a)
	c.state.Unlock()
	if d == nil {
		return fault.New(fault.NotFound, "delete", a.String(), "%s is not a temporary destination of this connection", a)
	}
	c.b.dropTemporary(d)
	return nil
}

func (b *Broker) dropTemporary(d *Destination) {
	b.mu.Lock()
	delete(b.destinations, d.Address)
	b.mu.Unlock()
	b.drop(d, fault.New(fault.NotFound, "delete", d.Address.String(), "%s was deleted", d.Address))
	b.events.publish(Event{Kind: DestinationDeleted, Address: d.Address})
}

// Close ends the connection: open transactions are rolled back, subscriptions closed with
// what the client was sent counted as delivered, temporary destinations deleted. Sends that
// were accepted still take effect. It may be called twice.
func (c *Connection) Close() {
	if c.closed.Swap(true) {
		return
	}
	c.Flush()
	c.mu.Lock()
	for p := range c.producers {
		p.closeLocked()
	}
	c.mu.Unlock()
	c.state.Lock()
	subs, txs, temps, session := c.subs, c.txs, c.temps, c.session
	c.subs, c.txs, c.temps, c.session = nil, nil, nil, nil
	c.state.Unlock()
	for s := range subs {
		s.Limit(0) // what one gives back must not go to another of them, and count as one more failure
	}
	for tx := range txs {
		tx.abandon()
	}
	for s := range subs {
		s.closeWith(^uint64(0))
	}
	if session != nil {
		session.detach(false)
	}
	for _, d := range temps {
		c.b.dropTemporary(d)
	}
	b := c.b
	b.flow.leave(c)
	b.mu.Lock()
	delete(b.connections, c)
	if b.clients[c.login.ClientID] == c {
		delete(b.clients, c.login.ClientID)
	}
	if b.perUser[c.principal.Name]--; b.perUser[c.principal.Name] <= 0 {
		delete(b.perUser, c.principal.Name)
	}
	b.mu.Unlock()
	b.events.publish(Event{Kind: Disconnected, Client: c.login.ClientID, Connection: c})
}

// end closes the connection from the broker's side and tells its handler.
func (c *Connection) end(reason error) {
	c.Close()
	c.handler.Closed(reason)
	c.handler.Wake()
}

// Kick closes a client's connection, as an administrator's operation.
func (b *Broker) Kick(clientID, reason string) error {
	b.mu.RLock()
	c := b.clients[clientID]
	b.mu.RUnlock()
	if c == nil {
		return fault.New(fault.NotFound, "kick", clientID, "no client %s is connected", clientID)
	}
	c.end(fault.New(fault.Closed, "kick", clientID, "%s", strings.TrimSpace("closed by an administrator: "+reason)))
	return nil
}
