package pipe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// stream is the pipe's handle below a Conn.
type stream struct {
	f          *sys.File
	server     bool // this is the server's end
	local      bool // the pipe is this machine's
	message    bool
	maxMessage int

	// What a client that asked for both directions did not get. It then finds
	// that direction closed, as on other systems.
	deaf, mute bool

	// nameless says that the client has not let us know its user. Most
	// programs, .NET's among them, don't until they have written something
	// (dynamic tracking, the default of CreateFile without SECURITY_SQOS_PRESENT).
	nameless bool

	reading sync.Mutex // in message mode
	inside  int        // bytes of the present message that were read
	readErr error      // lasting

	writing  sync.Mutex // in message mode
	writeErr error      // lasting
}

func newStream(f *sys.File, s *settings, server bool) *stream {
	return &stream{f: f, server: server, local: s.Host == "", message: s.Message, maxMessage: s.MaxMessage}
}

func (st *stream) Read(p []byte) (int, error) {
	if st.deaf {
		return 0, st.ended(io.EOF)
	}
	if st.message {
		return st.readMessage(p)
	}
	for {
		n, err := st.read(p)
		// In byte mode an empty write wakes the reader with nothing.
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// ended returns err, or net.ErrClosed if this end was closed.
func (st *stream) ended(err error) error {
	return st.f.Control(func(windows.Handle) error { return err })
}

func (st *stream) read(p []byte) (int, error) {
	n, err := st.f.Read(p)
	if isBroken(err) {
		err = io.EOF
	}
	return n, err
}

func (st *stream) readMessage(p []byte) (int, error) {
	st.reading.Lock()
	defer st.reading.Unlock()
	if st.readErr != nil {
		return 0, st.readErr
	}
	if len(p) == 0 {
		return 0, nil // the system would take it for an empty message
	}
	p = p[:min(len(p), st.maxMessage-st.inside+1)]
	n, err := st.read(p)
	st.inside += n
	more := errors.Is(err, windows.ERROR_MORE_DATA)
	switch {
	case st.inside > st.maxMessage:
		st.readErr = fmt.Errorf("the other side sent a message of more than Config.MaxMessage, %d bytes (%w)", st.maxMessage, breezeway.ErrTooLarge)
		return 0, st.readErr
	case more:
		return n, ErrMoreData
	case err == nil:
		st.inside = 0
	}
	return n, err
}

func (st *stream) Write(p []byte) (int, error) {
	if st.mute {
		return 0, st.ended(windows.ERROR_NO_DATA)
	}
	if st.message {
		return st.writeMessage(p)
	}
	written := 0
	for written < len(p) {
		n, err := st.f.Write(p[written:])
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func (st *stream) writeMessage(p []byte) (int, error) {
	if len(p) > st.maxMessage {
		return 0, fmt.Errorf("the message has %d bytes, Config.MaxMessage is %d; nothing was sent (%w)", len(p), st.maxMessage, breezeway.ErrTooLarge)
	}
	st.writing.Lock()
	defer st.writing.Unlock()
	if st.writeErr != nil {
		return 0, st.writeErr
	}
	n, err := st.f.Write(p)
	if errors.Is(err, windows.ERROR_OPERATION_ABORTED) {
		// A reader with a small buffer may have got the first part of it, and
		// would take what comes next for the rest.
		st.writeErr = fmt.Errorf("an earlier message was cut off, so nothing can follow it; close the pipe (%w)", os.ErrDeadlineExceeded)
	}
	return n, err
}

func (st *stream) Close() error { return st.f.Close() }

// disconnect makes the client lose what it has not read; a client can only
// close.
func (st *stream) disconnect() error {
	if st.server {
		// It fails if the client is gone, which is as well.
		st.f.Control(windows.DisconnectNamedPipe)
	}
	return st.f.Close()
}

func (st *stream) CloseRead() error  { return errHalf }
func (st *stream) CloseWrite() error { return errHalf }

var errHalf = fmt.Errorf("a pipe on Windows can't be closed in one direction; close it, or say in the protocol that no more will come (%w)", errors.ErrUnsupported)

func (st *stream) SetDeadline(t time.Time) error {
	return errors.Join(st.f.SetReadDeadline(t), st.f.SetWriteDeadline(t))
}

func (st *stream) SetReadDeadline(t time.Time) error  { return st.f.SetReadDeadline(t) }
func (st *stream) SetWriteDeadline(t time.Time) error { return st.f.SetWriteDeadline(t) }

func (st *stream) peer() (peer breezeway.Peer, err error) {
	err = st.f.Control(func(h windows.Handle) error {
		if !st.server {
			peer, err = sys.PipeServer(h)
			return err
		}
		peer, err = sys.PipeClient(h)
		if errors.Is(err, windows.ERROR_CANNOT_IMPERSONATE) || errors.Is(err, windows.ERROR_CANT_OPEN_ANONYMOUS) {
			st.nameless = true
			return nil
		}
		return err
	})
	return peer, err
}

// sameSession returns nil if the other side is in this process's log-on session.
func (st *stream) sameSession() error {
	session := sys.PipeServerSession
	if st.server {
		session = sys.PipeClientSession
	}
	var theirs, ours uint32
	err := st.f.Control(func(h windows.Handle) (err error) {
		theirs, err = session(h)
		return err
	})
	if err == nil {
		err = windows.ProcessIdToSessionId(windows.GetCurrentProcessId(), &ours)
	}
	if err != nil {
		return fmt.Errorf("can't tell the log-on session: %w", err)
	}
	if theirs != ours {
		return fmt.Errorf("the other side is in log-on session %d, this process in %d; set Config.Scope to breezeway.Machine at both ends to let them meet (%w)",
			theirs, ours, os.ErrPermission)
	}
	return nil
}

func (st *stream) unread() (n int, lost bool, err error) { return 0, false, errors.ErrUnsupported }

func (st *stream) impersonate(f func() error) (err error) {
	if !st.server {
		return fmt.Errorf("only the server's end can act as the other side (%w)", errors.ErrUnsupported)
	}
	if err := st.f.Control(sys.Impersonate); err != nil {
		return err
	}
	defer func() {
		if failed := sys.Revert(); failed != nil {
			err = failed
		}
	}()
	return f()
}

func isBroken(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_PIPE_NOT_CONNECTED) || errors.Is(err, windows.ERROR_NO_DATA)
}

// explain puts the system's errors into the module's words.
func explain(err error) error {
	if isBroken(err) {
		return fmt.Errorf("the other side has closed (%w, %w)", io.ErrClosedPipe, err)
	}
	return err
}
