package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/go-stomp/stomp/v3"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// Options say how to connect.
type Options struct {
	CA          string // PEM file with the authorities to trust; empty: the system's
	Certificate string // PEM files of a client certificate and its key
	Key         string
	Insecure    bool // don't check the broker's certificate
	ClientID    string
	Durable     bool          // a session of MQTT outlives the connection
	Timeout     time.Duration // of the connection and of each confirmation; 0: none
}

// Conn is a connection to a broker.
type Conn interface {
	// Send sends a message to the target's destination.
	Send(m Message) error
	// Receive calls each for every message until one of s's bounds is reached, a browse is
	// complete, or ctx ends, which is no error. A message is acknowledged after each returned nil.
	// When fewer than Count came within Wait, the error has the exit code for a timeout.
	Receive(ctx context.Context, s Subscription, each func(Received) error) error
	// Close says goodbye: when it returns nil, the broker has processed all that was sent.
	Close() error
}

// Dial connects and logs in. When ctx ends, the connection is cut, and calls that wait return.
func Dial(ctx context.Context, t Target, o Options) (Conn, error) {
	dialCtx := ctx
	if o.Timeout > 0 {
		var cancel context.CancelFunc
		dialCtx, cancel = context.WithTimeout(ctx, o.Timeout)
		defer cancel()
	}
	if t.OpenWire {
		return o.dialOpenWire(dialCtx, ctx, t)
	}
	raw, stop, err := o.reach(dialCtx, ctx, t)
	if err != nil {
		return nil, err
	}
	c, err := o.speak(dialCtx, raw, t, stop)
	if err != nil {
		raw.Close()
		stop()
		return nil, err
	}
	return c, nil
}

// reach opens a connection, for TLS if the target says so. When life ends before stop was called, it
// is cut.
func (o Options) reach(ctx, life context.Context, t Target) (c net.Conn, stop func() bool, err error) {
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return nil, nil, connectError(err)
	}
	stop = context.AfterFunc(life, func() { raw.Close() })
	if !t.TLS {
		return raw, stop, nil
	}
	config, err := o.tls(t.Host)
	if err == nil {
		secure := tls.Client(raw, config)
		if err = secure.HandshakeContext(ctx); err == nil {
			return secure, stop, nil
		}
		err = connectError(fmt.Errorf("TLS with %s: %w", t.Address, err))
	}
	raw.Close()
	stop()
	return nil, nil, err
}

// speak shakes hands over a connection: for a WebSocket, and for the protocol.
func (o Options) speak(ctx context.Context, raw net.Conn, t Target, stop func() bool) (Conn, error) {
	if t.WebSocket {
		var err error
		if raw, err = upgrade(ctx, raw, t); err != nil {
			return nil, connectError(fmt.Errorf("WebSocket with %s: %w", t.Address, err))
		}
	}
	switch {
	case t.MQTT:
		return o.dialMQTT(raw, t, stop)
	case t.AMQP:
		return o.dialAMQP(ctx, raw, t, stop)
	}
	c, err := stomp.ConnectWithContext(ctx, raw, o.stomp(t)...)
	if err != nil {
		return nil, connectError(fmt.Errorf("login at %s: %w", t.Address, err))
	}
	return &stompConn{stomp: c, target: t, stop: stop}, nil
}

// stompConn is a connection that speaks STOMP.
type stompConn struct {
	stomp  *stomp.Conn
	target Target
	stop   func() bool // unhooks the connection from the context
	failed bool        // the broker refused something, or is gone
}

func (o Options) stomp(t Target) []func(*stomp.Conn) error {
	options := []func(*stomp.Conn) error{
		stomp.ConnOpt.Host(t.Host),
		stomp.ConnOpt.HeartBeat(30*time.Second, 30*time.Second),
		stomp.ConnOpt.MsgSendTimeout(o.Timeout),
		stomp.ConnOpt.RcvReceiptTimeout(o.Timeout),
		stomp.ConnOpt.DisconnectReceiptTimeout(o.Timeout),
		stomp.ConnOpt.Logger(quiet{}),
	}
	if t.User != "" || t.Password != "" {
		options = append(options, stomp.ConnOpt.Login(t.User, t.Password))
	}
	if o.ClientID != "" {
		options = append(options, stomp.ConnOpt.Header("client-id", o.ClientID))
	}
	return options
}

func (o Options) tls(host string) (*tls.Config, error) {
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.Insecure}
	if o.CA != "" {
		pem, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, sysexit.Errorf(sysexit.NoInput, "%s holds no certificate", o.CA)
		}
	}
	if o.Certificate != "" || o.Key != "" {
		pair, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
		if err != nil {
			return nil, sysexit.With(sysexit.NoInput, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// fail gives an error its exit code and remembers it.
func (c *stompConn) fail(err error) error {
	c.failed = c.failed || err != nil
	return brokerError(err)
}

// Close implements Conn. After an
// error there is nobody to say it to: the library ends the connection at any ERROR frame, and
// would wait for an answer that can't come.
func (c *stompConn) Close() error {
	defer c.stop()
	if c.failed {
		return ignoreClosed(c.stomp.MustDisconnect())
	}
	if err := c.stomp.Disconnect(); err != nil {
		// The connection may be gone already; what matters is that it does not stay.
		return errors.Join(brokerError(err), ignoreClosed(c.stomp.MustDisconnect()))
	}
	return nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// quiet drops the library's log: what matters comes back as an error.
type quiet struct{}

func (quiet) Debugf(string, ...any)   {}
func (quiet) Infof(string, ...any)    {}
func (quiet) Warningf(string, ...any) {}
func (quiet) Errorf(string, ...any)   {}
func (quiet) Debug(string)            {}
func (quiet) Info(string)             {}
func (quiet) Warning(string)          {}
func (quiet) Error(string)            {}
