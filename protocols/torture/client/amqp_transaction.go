package client

import (
	"errors"

	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/section"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// state returns the encoded state of a delivery in a transaction, or outside of one.
func (c *amqpClient) state(transaction string, kind frame.StateKind) []byte {
	s := frame.State{Kind: kind}
	switch {
	case transaction != "":
		s.InTransaction, s.Txn = true, c.ids[transaction]
	case kind == frame.NoState:
		return nil
	}
	return s.Append(nil)
}

func (c *amqpClient) Begin(transaction string) error {
	l, err := c.sender("")
	if err != nil {
		return err
	}
	var id []byte
	n, err := c.post(l, c.control(frame.Control{}), false, nil)
	if err != nil {
		return err
	}
	c.declared[n] = &id
	if err := c.await("a transaction", func() bool { return id != nil }); err != nil {
		return err
	}
	if len(id) == 0 {
		return errors.New("a transaction was not declared")
	}
	c.ids[transaction] = id
	return nil
}

func (c *amqpClient) control(k frame.Control) []byte {
	return k.Append(wire.AppendDescriptor(nil, section.ValueCode))
}

func (c *amqpClient) Commit(transaction string, token uint64) error {
	return c.discharge(transaction, false, token)
}

func (c *amqpClient) Abort(transaction string, token uint64) error {
	return c.discharge(transaction, true, token)
}

func (c *amqpClient) discharge(transaction string, fail bool, token uint64) error {
	l, err := c.sender("")
	if err != nil {
		return err
	}
	id, err := c.post(l, c.control(frame.Control{Discharge: true, Txn: c.ids[transaction], Fail: fail}), false, nil)
	if err == nil {
		c.sent[id] = token
		if !fail {
			for _, r := range c.retired[transaction] {
				c.retire(r)
			}
		}
		delete(c.retired, transaction)
		delete(c.ids, transaction)
	}
	return err
}
