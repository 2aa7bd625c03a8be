//go:build !unix

package ldaptest

// signal can't stop a process here.
func (s *Server) signal(bool) { s.t.Skip("processes can't be stopped here") }
