package server

import (
	"net"

	"github.com/manifoldmq/manifold/protocols"
)

type web struct{}

func newWeb(s *Server) (*web, error)        { return new(web), nil }
func (w *web) listen() error                { return nil }
func (w *web) addr() net.Addr               { return nil }
func (w *web) protocol() protocols.Protocol { return nil }
func (w *web) close()                       {}
