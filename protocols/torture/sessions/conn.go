package sessions

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// How long a broker may take to answer before its connection is given up.
const answerTime = 30 * time.Second

// conn is a connection that has been accepted.
type conn struct {
	net.Conn
	r   *packet.Reader
	v   packet.Version
	out []byte // not written yet
}

// dial connects a client whose session is kept, and returns whether it was there.
func dial(ctx context.Context, address string, v packet.Version, id string) (*conn, bool, error) {
	if address == "" {
		return nil, false, errors.New("there is no broker at present")
	}
	d := net.Dialer{Timeout: answerTime}
	raw, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, false, err
	}
	c := &conn{Conn: raw, v: v, r: packet.NewReader(raw, packet.ReaderOptions{Version: v, Limits: packet.DefaultLimits()})}
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	var props packet.Properties
	if v == packet.V5 {
		props = packet.AppendNum(nil, packet.SessionExpiry, 86400)
	}
	c.out = packet.AppendConnect(nil, v, &packet.Login{ClientID: []byte(id)}, props)
	p, err := c.next(answerTime)
	if err == nil && (p.Type != packet.Connack || p.Reason != 0) {
		err = fmt.Errorf("CONNECT was answered with %v %d", p.Type, p.Reason)
	}
	if err != nil {
		c.close()
		return nil, false, err
	}
	return c, p.SessionPresent, nil
}

func (c *conn) close() { _ = c.Conn.Close() }

// flush writes what is gathered.
func (c *conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_ = c.SetWriteDeadline(time.Now().Add(answerTime))
	_, err := c.Write(c.out)
	c.out = c.out[:0]
	return err
}

// next returns the next packet. What is gathered is written before it waits.
func (c *conn) next(wait time.Duration) (*packet.Packet, error) {
	if !c.r.More() {
		if err := c.flush(); err != nil {
			return nil, err
		}
		_ = c.SetReadDeadline(time.Now().Add(wait))
	}
	return c.r.Next()
}

// answer gathers an acknowledgement.
func (c *conn) answer(t packet.Type, id uint16) {
	c.out = packet.AppendAnswer(c.out, c.v, t, id, packet.Success, nil)
}
