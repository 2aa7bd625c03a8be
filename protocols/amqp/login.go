package amqp

import (
	"bytes"
	"time"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// greet exchanges protocol headers, and lets the client log in. What comes next is open.
// [AMQP 2.2] A client may have sent all of that, and more, in one go.
func (c *connection) greet() error {
	b, err := c.in.prelude()
	if err != nil {
		return err
	}
	p, ok := frame.ParsePrelude(b)
	if ok && p == frame.SASL {
		if err := c.sasl(); err != nil {
			return err
		}
		if b, err = c.in.prelude(); err != nil {
			return err
		}
		if p, ok = frame.ParsePrelude(b); !ok || p != frame.AMQP {
			return c.offer(frame.AMQP)
		}
		c.greeted()
		return nil
	}
	if !ok || p != frame.AMQP {
		return c.offer(frame.SASL)
	}
	// Without SASL, clients are those whom their certificate names, or anybody where that is
	// allowed.
	if len(c.login.Certificates) > 0 {
		err = c.authenticate(security.External)
	}
	if len(c.login.Certificates) == 0 || err != nil {
		err = c.authenticate(security.Anonymous)
	}
	if err != nil {
		return c.offer(frame.SASL)
	}
	c.greeted()
	return nil
}

func (c *connection) greeted() {
	c.out.Raw(frame.AppendPrelude(nil, frame.AMQP))
	c.out.Wake()
	c.hello = true
}

// offer answers a protocol header that can't be served with one that can. [AMQP 2.2]
func (c *connection) offer(p frame.Protocol) error {
	c.out.Raw(frame.AppendPrelude(nil, p))
	c.leaving = true
	return errStop
}

// mechanism is one of SASL's. More can join the list.
type mechanism struct {
	name    string
	offered func(c *connection) bool
	// next judges the client's response, which is nil where there is none, and returns a
	// challenge, or done with what goes with the outcome. The login has the credentials then.
	next func(c *connection, response []byte) (answer []byte, done bool, err error)
}

// mechanisms returns what there is, in the order of preference.
func mechanisms() []mechanism {
	return []mechanism{
		{security.External, func(c *connection) bool { return len(c.login.Certificates) > 0 }, external},
		{"PLAIN", func(*connection) bool { return true }, plain},
		{security.Anonymous, func(c *connection) bool { return c.o.Broker.Security == nil || c.o.Broker.Security.Admits() }, anonymous},
	}
}

// sasl lets the client log in. [AMQP 5.3]
func (c *connection) sasl() error {
	c.out.Raw(frame.AppendPrelude(nil, frame.SASL))
	var names []string
	for _, m := range mechanisms() {
		if m.offered(c) {
			names = append(names, m.name)
		}
	}
	c.out.Raw(frame.AppendMechanisms(nil, names))
	c.out.Wake()
	code, f, err := c.saslFrame()
	if err != nil {
		return err
	}
	init, err := frame.ParseInit(f)
	if code != frame.CodeInit || err != nil {
		return c.refuseLogin(frame.LoginSystem)
	}
	for _, m := range mechanisms() {
		if m.name == init.Mechanism && m.offered(c) {
			return c.exchange(&m, init.Response)
		}
	}
	return c.refuseLogin(frame.LoginFailed)
}

// exchange goes through the challenges of a mechanism.
func (c *connection) exchange(m *mechanism, response []byte) error {
	for range 8 {
		answer, done, err := m.next(c, response)
		if err == nil && done {
			err = c.authenticate(m.name)
		}
		switch {
		case fault.Is(err, fault.Timeout), err != nil && fault.Is(err, fault.Internal):
			c.o.Log.Error("login", "remote", c.net.RemoteAddr(), "error", err)
			return c.refuseLogin(frame.LoginTemporary)
		case err != nil:
			return c.refuseLogin(frame.LoginFailed)
		case done:
			c.out.Raw(frame.AppendOutcome(nil, frame.LoginOK, answer))
			c.out.Wake()
			return nil
		}
		c.out.Raw(frame.AppendChallenge(nil, answer))
		c.out.Wake()
		code, f, err := c.saslFrame()
		if err != nil {
			return err
		}
		if code != frame.CodeResponse {
			return c.refuseLogin(frame.LoginSystem)
		}
		if response, err = frame.ParseResponse(f); err != nil {
			return c.refuseLogin(frame.LoginSystem)
		}
	}
	return c.refuseLogin(frame.LoginFailed)
}

// refuseLogin says that the login has failed, and ends the connection so that the client can read
// that. What it has sent already is dropped.
func (c *connection) refuseLogin(code frame.OutcomeCode) error {
	c.out.Raw(frame.AppendOutcome(nil, code, nil))
	c.leaving = true
	return errStop
}

// authenticate asks whether the credentials of the login are right.
func (c *connection) authenticate(name string) error {
	c.login.Mechanism = name
	p, err := c.o.Broker.Authenticate(c.ctx, c.login)
	if err == nil {
		c.login.Principal, c.login.Password = p, ""
	}
	return err
}

// saslFrame reads one of SASL's frames. [AMQP 5.3.1]
func (c *connection) saslFrame() (code uint64, f wire.Fields, err error) {
	h, body, err := c.in.frame(frameBeforeOpen)
	if err != nil {
		return 0, f, err
	}
	if h.Type != frame.TypeSASL || len(body) == 0 {
		return 0, f, c.refuseLogin(frame.LoginSystem)
	}
	code, fields, _, err := frame.Performative(body)
	if err != nil {
		return 0, f, c.refuseLogin(frame.LoginSystem)
	}
	return code, fields, nil
}

// plain is SASL's PLAIN (RFC 4616).
func plain(c *connection, response []byte) ([]byte, bool, error) {
	if response == nil {
		return []byte{}, false, nil
	}
	parts := bytes.Split(response, []byte{0})
	if len(parts) != 3 || len(parts[0]) > 0 && !bytes.Equal(parts[0], parts[1]) {
		return nil, false, fault.New(fault.Unauthenticated, "connect", "", "the response is not one of PLAIN, or asks for another identity")
	}
	c.login.User, c.login.Password, c.login.HasUser = string(parts[1]), string(parts[2]), true
	return nil, true, nil
}

// external is SASL's EXTERNAL (RFC 4422, appendix A): the client's certificate says who it is.
func external(c *connection, response []byte) ([]byte, bool, error) {
	if response == nil {
		return []byte{}, false, nil
	}
	c.login.User, c.login.HasUser = string(response), len(response) > 0
	return nil, true, nil
}

// anonymous is SASL's ANONYMOUS (RFC 4505). The response is for traces only.
func anonymous(*connection, []byte) ([]byte, bool, error) { return nil, true, nil }

// handshakeOver ends the limits that hold until open.
func (c *connection) handshakeOver() {
	c.net.LoggedIn()
	_ = c.net.SetReadDeadline(time.Time{})
}
