//go:build unix

package ldaptest

import "syscall"

// signal stops or continues the process.
func (s *Server) signal(stop bool) {
	s.t.Helper()
	sig := syscall.SIGCONT
	if stop {
		sig = syscall.SIGSTOP
	}
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}
