package ipcbench

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// transports is the table of all that is measured, in the order of the report.
var transports = []transport{anonymousPipe, namedPipe, fifo, unixSocket, tcpSocket, messageQueue, posixQueue, messageRing, sharedStream}

// transport is a way for two processes to exchange messages.
type transport struct {
	name    string // as --only has it
	style   int    // of its line in charts: pipes 0 to 2, sockets 3 and 4, queues 5 and 6, rings 7 and 8
	missing string // why this system lacks it; "" if it doesn't
	cantSpin,
	cantPark func() string // why a mode is missing, or ""; nil means that it isn't
	largest func() (bytes int, why string) // the largest message; nil means that any size will do

	// inherit, if not nil, is called before the peer is started: it makes what cmd is
	// going to inherit, and returns this process's link and the handles by which the
	// peer knows its part. serve finds them in end.handles. dial is nil then.
	inherit func(e *end, cmd *exec.Cmd) (*inherited, error)
	serve   func(*end) (link, error)
	dial    func(*end) (link, error)

	remove func(name string) // what a killed process left, but for files in end.dir
}

// inherited is what the peer inherits.
type inherited struct {
	link    link
	handles []string
	started func() // closes here what only the peer needs
}

// link is one end of a connection. One goroutine uses it. The messages of one direction
// are of the size that both ends expect, so that a stream needs no marks between them.
type link interface {
	// Room returns room for the next message of n bytes, at most end.size. If the
	// transport can, it is where the receiver will read it.
	Room(n int) ([]byte, error)
	// Send sends what was written to the room.
	Send() error
	// Receive waits for the next message, of n bytes, and returns it: in place, if the
	// transport can.
	Receive(n int) ([]byte, error)
	// Release gives back the message that Receive has returned.
	Release() error
	// Close ends the use of the link.
	Close() error
}

// find returns the transport with a name, or nil.
func find(name string) *transport {
	for i := range transports {
		if transports[i].name == name {
			return &transports[i]
		}
	}
	return nil
}

// Transports returns the names of all transports, also of those that this system lacks.
func Transports() (names []string) {
	for _, t := range transports {
		names = append(names, t.name)
	}
	return names
}

// without returns why a row is missing, or "".
func (t *transport) without(mode Mode, size int) string {
	if t.missing != "" {
		return t.missing
	}
	lacks := t.cantPark
	if mode == Spin {
		lacks = t.cantSpin
	}
	if lacks != nil && lacks() != "" {
		return lacks()
	}
	if t.largest != nil {
		if most, why := t.largest(); size > most {
			return why
		}
	}
	return ""
}

// removeObjects removes the objects that a run in dir has named.
func (t *transport) removeObjects(dir string) {
	if t.remove != nil && t.missing == "" {
		t.remove(filepath.Base(dir))
	}
}

// needsProcessors says why a link that spins for as long as that pays off can't spin here.
func needsProcessors() string {
	if runtime.GOMAXPROCS(0) == 1 {
		return "spins only with GOMAXPROCS above 1"
	}
	return ""
}

// because makes a reason of a transport.
func because(why string) func() string { return func() string { return why } }

// only returns why a system lacks what others have.
func only(systems, what string) string {
	for system := range strings.FieldsSeq(systems) {
		if runtime.GOOS == system {
			return ""
		}
	}
	return what
}
