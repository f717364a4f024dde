//go:build unix && !linux

package pipe

// hadWriter is false: the system does not tell a FIFO that had a writer from
// one that had none.
func hadWriter(fd int) bool { return false }
