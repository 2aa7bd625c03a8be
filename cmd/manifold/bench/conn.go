package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/protocols/stomp/frame"
)

const (
	loginTime   = 30 * time.Second
	bufferSize  = 256 << 10 // of connections that carry messages, in each direction
	idleBuffer  = 2 << 10
	headerSpace = 64 << 10 // what the headers of a frame may need beside the body
	goodbye     = "bye"    // the receipt of DISCONNECT
)

// conn is a connection that has logged in. When the context of its dial ends, it is closed.
type conn struct {
	net.Conn
	in  *scanner
	out []byte // frames that wait for flush
}

// dial connects and logs in.
func (c *Config) dial(ctx context.Context, buffer int) (*conn, error) {
	dialer := net.Dialer{Timeout: loginTime}
	tcp, err := dialer.DialContext(ctx, "tcp", c.Target.Address)
	if err != nil {
		return nil, broken(err)
	}
	context.AfterFunc(ctx, func() { tcp.Close() })
	raw := tcp
	if c.Target.TLS {
		config := &tls.Config{MinVersion: tls.VersionTLS12}
		if c.TLS != nil {
			config = c.TLS.Clone()
		}
		if config.ServerName == "" {
			config.ServerName = c.Target.Host
		}
		raw = tls.Client(raw, config)
	}
	conn := &conn{Conn: raw, in: newScanner(raw, buffer, c.Size+headerSpace)}
	if err := conn.login(c.Target); err != nil {
		raw.Close()
		return nil, fmt.Errorf("login at %s: %w", c.Target.Address, err)
	}
	return conn, nil
}

// login introduces the client, and waits for the broker's welcome.
func (c *conn) login(t Target) error {
	// Headers of CONNECT are not escaped, which is 1.0's way.
	out := frame.AppendCommand(c.out[:0], frame.Connect)
	out = frame.AppendKnown(out, frame.V10, frame.AcceptVersion, "1.2")
	out = frame.AppendKnown(out, frame.V10, frame.Host, t.Host)
	out = frame.AppendKnown(out, frame.V10, frame.HeartBeatHeader, "0,0")
	if t.User != "" || t.Password != "" {
		out = frame.AppendKnown(out, frame.V10, frame.Login, t.User)
		out = frame.AppendKnown(out, frame.V10, frame.Passcode, t.Password)
	}
	c.out = frame.AppendBody(out, "")
	if err := c.SetDeadline(time.Now().Add(loginTime)); err != nil {
		return err
	}
	if err := c.flush(); err != nil {
		return err
	}
	f, err := c.next()
	var refused *refusal
	switch {
	case errors.As(err, &refused): // few reasons but the credentials exist here
		return sysexit.With(sysexit.Permission, err)
	case err != nil:
		return err
	case string(f.command) != "CONNECTED":
		return sysexit.With(sysexit.Data, errMalformed)
	}
	return c.SetDeadline(time.Time{})
}

// flush writes what waits.
func (c *conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	out := c.out
	c.out = c.out[:0]
	return c.write(out)
}

// write writes p at once. If the broker has hung up, its last words are the error.
func (c *conn) write(p []byte) error {
	_, err := c.Write(p)
	if err == nil {
		return nil
	}
	if c.SetReadDeadline(time.Now().Add(time.Second)) == nil {
		for {
			_, reading := c.next()
			if refused := (*refusal)(nil); errors.As(reading, &refused) {
				return reading
			}
			if reading != nil {
				break
			}
		}
	}
	return broken(err)
}

// next returns the next frame, which is good until the next call. An ERROR frame is an error.
func (c *conn) next() (*incoming, error) {
	f, err := c.in.next()
	if err != nil {
		return nil, broken(err)
	}
	if string(f.command) == "ERROR" {
		return nil, sysexit.With(sysexit.Data, &refusal{string(f.message)})
	}
	return f, nil
}

// disconnect says goodbye and waits until the broker has processed all that was sent. Frames that
// come before its answer are handed to handle.
func (c *conn) disconnect(handle func(*incoming)) error {
	c.out = frame.AppendCommand(c.out, frame.Disconnect)
	c.out = frame.AppendKnown(c.out, frame.V12, frame.ReceiptHeader, goodbye)
	c.out = frame.AppendBody(c.out, "")
	if err := c.flush(); err != nil {
		return err
	}
	for {
		f, err := c.next()
		if err != nil {
			return err
		}
		if string(f.command) == "RECEIPT" && string(f.receipt) == goodbye {
			return c.Close()
		}
		handle(f)
	}
}

// refusal is an ERROR frame.
type refusal struct{ text string }

// Error returns what the broker said.
func (r *refusal) Error() string { return "the broker refused: " + r.text }

// broken gives an error of a connection its exit code.
func broken(err error) error {
	var network net.Error
	switch {
	case errors.Is(err, errMalformed), errors.Is(err, errTooLarge):
		return sysexit.With(sysexit.Data, err)
	case errors.As(err, &network) && network.Timeout():
		return sysexit.With(sysexit.Timeout, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return sysexit.Errorf(sysexit.Unavailable, "the broker closed the connection: %w", err)
	}
	return sysexit.With(sysexit.Unavailable, err)
}
