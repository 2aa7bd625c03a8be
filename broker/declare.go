package broker

import (
	"context"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/security"
)

// AdoptTemporary makes a temporary destination whose name the client has chosen, for protocols in
// which that is so. One that this connection has already is left as it is.
func (c *Connection) AdoptTemporary(a address.Address) error {
	if err := checkName("create", a); err != nil {
		return err
	}
	if !a.Kind.IsTemp() || a.IsPattern() {
		return fault.New(fault.InvalidName, "create", a.String(), "%s can't be the name of a temporary destination", a)
	}
	c.state.Lock()
	defer c.state.Unlock()
	if c.closed.Load() {
		return c.closedError("create")
	}
	if c.temps[a] != nil {
		return nil
	}
	if len(c.temps) >= c.b.Limits.TempQueues {
		return fault.New(fault.LimitReached, "create", a.String(), "the connection has %d temporary destinations, which is the limit", len(c.temps))
	}
	if err := c.check(security.Admin, a); err != nil {
		return err
	}
	d, err := c.b.create(a, c)
	if err != nil {
		return err
	}
	if d.owner != c {
		return fault.New(fault.Exists, "create", a.String(), "%s belongs to another connection", a)
	}
	c.temps[a] = d
	return nil
}

// Owns reports whether a temporary destination is this connection's.
func (c *Connection) Owns(a address.Address) bool {
	c.state.Lock()
	defer c.state.Unlock()
	return c.temps[a] != nil
}

// Declare makes a queue or topic unless it is there, as a client's operation.
func (c *Connection) Declare(a address.Address) error {
	if a.Kind.IsTemp() {
		return c.AdoptTemporary(a)
	}
	_, err := c.b.resolve(c, "create", a)
	return err
}

// Destroy removes a queue or topic with all that it holds, as a client's operation. It fails with
// fault.InUse while it has consumers, and blocks until that is on disk. One that is not there is
// gone already.
func (c *Connection) Destroy(ctx context.Context, a address.Address) error {
	if err := c.check(security.Admin, a); err != nil {
		return err
	}
	if err := c.b.Delete(ctx, a); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return nil
}
