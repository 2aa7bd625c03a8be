package protocols

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// Adopted is a connection that somebody else has accepted and that counts as a listener's.
type Adopted struct {
	*Conn
	Context context.Context // ends with Release, with the server, or when nobody has logged in in time
	Release func()          // closes the connection; must be called once it is served
}

// Adopt counts a connection that was accepted elsewhere, such as by the HTTP server of the
// management surface, under the same limits as those of the listeners. The name stands for the
// listener's, and state is nil where there is no TLS. On an error the connection is not the
// server's, and not closed.
func (s *Server) Adopt(c net.Conn, name string, state *tls.ConnectionState) (*Adopted, error) {
	if err := s.admission.enter(); err != nil {
		return nil, err
	}
	client := addrOf(c.RemoteAddr())
	if err := s.admission.claim(client); err != nil {
		s.admission.leave()
		return nil, err
	}
	if !s.add(c) {
		s.admission.release(client)
		s.admission.leave()
		return nil, net.ErrClosed
	}
	limits := s.admission.current()
	conn := &Conn{
		Conn: c, Listener: name, TLS: state, Accepted: time.Now(),
		raw: c, remote: c.RemoteAddr(), local: c.LocalAddr(), left: -1,
	}
	if limits.LoginBytes > 0 {
		conn.left = limits.LoginBytes
	}
	ctx, cancel := context.WithCancel(s.ctx)
	if limits.Handshake > 0 {
		conn.login = time.AfterFunc(limits.Handshake, func() {
			if !conn.IsLoggedIn() {
				_ = c.Close()
				cancel()
			}
		})
	}
	release := func() {
		if conn.login != nil {
			conn.login.Stop()
		}
		cancel()
		_ = c.Close()
		s.admission.release(client)
		s.admission.leave()
		s.remove(c)
	}
	return &Adopted{Conn: conn, Context: ctx, Release: release}, nil
}
