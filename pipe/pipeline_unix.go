//go:build unix

package pipe

import (
	"os"
	"syscall"
)

func endedBySIGPIPE(s *os.ProcessState) bool {
	if s == nil {
		return false
	}
	status, ok := s.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGPIPE
}
