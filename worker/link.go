package worker

import (
	"io"
	"net"
)

// link is what joins a parent and a worker.
type link struct {
	data net.Conn // calls and answers
	// control is beside it, one way, so that a command is heard while a function runs
	// and none has to read data then: the parent's end writes, the worker's reads. Its
	// end is that of the parent.
	control io.ReadWriteCloser
	ledger  *ledger // where the connection doesn't tell what was read of it, or nil
}

// close closes all. Commands that wait for room fail.
func (l link) close() {
	l.data.Close()
	l.control.Close()
	l.ledger.close()
}
