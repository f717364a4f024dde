package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/overlapped"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// stream is the pipe's handle below a Conn.
type stream struct {
	f          *overlapped.File
	server     bool // this is the server's end
	local      bool // the other end is on this machine
	message    bool
	maxMessage int

	// Which directions a one-way server doesn't give its client. The client finds
	// them closed, as on other systems.
	noRead, noWrite bool

	// userUnknown says that the client's user can't be learned yet. For most
	// programs, .NET's among them, it can't before something was read: the default
	// of CreateFile is dynamic tracking, by which the token comes with the data.
	userUnknown bool
	client      breezeway.Peer // at the server's end
	clientErr   error          // why client is incomplete

	inside  int   // in message mode: bytes of the present message that were read
	readErr error // in message mode: lasting

	writing  sync.Mutex
	pieces   pieces // of Writes in byte mode
	writeErr error  // lasting

	sent, drained atomic.Int64 // bytes and messages; drained up to where sent was

	confirms  bool
	receiving sync.Mutex // if confirms is set, held by a Read
	held      bool       // the first byte that waits in the pipe was returned already
}

func newStream(f *overlapped.File, s *settings, server, local bool) *stream {
	st := &stream{f: f, server: server, local: local, message: s.Message, maxMessage: s.MaxMessage, confirms: s.Confirm}
	if server || local { // another machine's buffer is not the one that this process fills
		f.Control(func(h windows.Handle) error {
			st.pieces = piecesOf(h)
			return nil
		})
	}
	return st
}

func (st *stream) Read(p []byte) (n int, err error) {
	switch {
	case st.noRead:
		return 0, st.unlessClosed(io.EOF)
	case st.message:
		return st.readMessage(p)
	}
	for n == 0 && err == nil { // an empty write of the other side is no end
		n, err = st.read(p)
	}
	return n, err
}

func (st *stream) read(p []byte) (int, error) {
	n, err := st.receive(p)
	if isBroken(err) {
		err = io.EOF
	}
	return n, err
}

// ready returns what a Read that asks the system would fail with before it reads.
func (st *stream) ready() error { return st.f.Ready() }

// readMessage is called by one goroutine at a time.
func (st *stream) readMessage(p []byte) (int, error) {
	if st.readErr != nil {
		return 0, st.unlessClosed(st.readErr)
	}
	n, err := st.read(p)
	st.inside += n
	more := errors.Is(err, windows.ERROR_MORE_DATA)
	switch {
	case st.inside > st.maxMessage:
		st.readErr = fmt.Errorf("the other side sent a message of more than %s, %d bytes (%w)", fail.Go("Config.MaxMessage"), st.maxMessage, breezeway.ErrTooLarge)
		return 0, st.readErr
	case more:
		return n, ErrMoreData
	case err == nil:
		st.inside = 0
	}
	return n, err
}

func (st *stream) Write(p []byte) (written int, err error) {
	if st.message && len(p) > st.maxMessage {
		return 0, fmt.Errorf("the message has %d bytes, %s is %d; nothing was sent (%w)", len(p), fail.Go("Config.MaxMessage"), st.maxMessage, breezeway.ErrTooLarge)
	}
	st.writing.Lock()
	defer st.writing.Unlock()
	switch {
	case st.noWrite:
		return 0, st.unlessClosed(windows.ERROR_NO_DATA)
	case st.writeErr != nil:
		return 0, st.unlessClosed(st.writeErr)
	case st.message:
		return st.writeMessage(p)
	case len(p) == 0:
		return 0, st.unlessClosed(nil)
	}
	written, err = st.pieces.write(p, st.f.Write)
	st.sent.Add(int64(written))
	if !st.pieces.whole() && isCut(err) {
		st.writeErr = errCut
	}
	return written, err
}

// isCut reports whether err is that of a write that a deadline has ended after it began.
func isCut(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && errors.Is(err, windows.ERROR_OPERATION_ABORTED)
}

func (st *stream) writeMessage(p []byte) (int, error) {
	st.sent.Add(1)
	n, err := st.f.Write(p)
	if isCut(err) {
		// A reader with a small buffer may have got the first part of it, and
		// would take what comes next for the rest.
		st.writeErr = fmt.Errorf("an earlier message was cut off, so nothing can follow it; close the pipe (%w)", os.ErrDeadlineExceeded)
	}
	return n, err
}

// unlessClosed returns err, or net.ErrClosed if this end was closed.
func (st *stream) unlessClosed(err error) error {
	return st.f.Control(func(windows.Handle) error { return err })
}

func (st *stream) Close() error { return st.f.Close() }

// disconnect makes the client lose what it has not read; a client can only
// close.
func (st *stream) disconnect() error {
	if st.server {
		st.f.Control(windows.DisconnectNamedPipe) // fails if the client has gone, which is as well
	}
	return st.f.Close()
}

func (st *stream) CloseRead() error  { return errHalf }
func (st *stream) CloseWrite() error { return errHalf }

var errHalf = fmt.Errorf("a pipe's directions can't be closed one by one on Windows; close it, or let a message say that no more will come (%w)", errors.ErrUnsupported)

func (st *stream) SetDeadline(t time.Time) error {
	return errors.Join(st.f.SetReadDeadline(t), st.f.SetWriteDeadline(t))
}

func (st *stream) SetReadDeadline(t time.Time) error  { return st.f.SetReadDeadline(t) }
func (st *stream) SetWriteDeadline(t time.Time) error { return st.f.SetWriteDeadline(t) }

// drain flushes. When the other side closes, the system drops what that had not
// read and forgets about it: only a flush that was waiting learns of it.
func (st *stream) drain(ctx context.Context) error {
	sent := st.sent.Load()
	var info sys.PipeInfo
	err := st.f.Control(func(h windows.Handle) (err error) {
		info, err = sys.QueryPipe(h)
		return err
	})
	switch {
	case err != nil:
		return err
	case sent == st.drained.Load():
		return nil
	case info.State != windows.FILE_PIPE_CONNECTED_STATE:
		return fmt.Errorf("the other side has closed, and Windows doesn't tell whether it had read everything (%w, %w)", io.ErrClosedPipe, errors.ErrUnsupported)
	}
	err = st.f.Flush(ctx.Done())
	switch {
	case errors.Is(err, windows.ERROR_OPERATION_ABORTED) && ctx.Err() != nil:
		return context.Cause(ctx)
	case isBroken(err):
		return fmt.Errorf("the other side closed without having read everything (%w)", io.ErrClosedPipe)
	case err == nil:
		st.drained.Store(sent)
	}
	return err
}

// peer returns the process at the other end. At the server's end, accept has asked.
func (st *stream) peer() (breezeway.Peer, error) {
	if st.server {
		return st.client, st.clientErr
	}
	return st.identify(sys.PipeServer)
}

func (st *stream) identify(by func(h windows.Handle) (breezeway.Peer, error)) (peer breezeway.Peer, err error) {
	err = st.f.Control(func(h windows.Handle) (err error) {
		peer, err = by(h)
		if errors.Is(err, windows.ERROR_CANNOT_IMPERSONATE) || errors.Is(err, windows.ERROR_CANT_OPEN_ANONYMOUS) {
			st.userUnknown = true
			return nil
		}
		return err
	})
	if !st.local {
		peer.Executable = "" // of the process here that has the same id
	}
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
	return sessionsMeet(theirs, ours)
}

func sessionsMeet(theirs, ours uint32) error {
	if theirs == ours {
		return nil
	}
	return fmt.Errorf("the other side is in log-on session %d, this process in %d; %s to let them meet (%w)",
		theirs, ours, fail.Go("set Config.Scope to breezeway.Machine at both ends"), os.ErrPermission)
}

func (st *stream) impersonate(f func() error) (err error) {
	return st.impersonateUntil(f, windows.RevertToSelf)
}

// impersonateUntil closes the connection if revertToSelf fails, so that the caller
// serves nothing on it with the client's rights.
func (st *stream) impersonateUntil(f, revertToSelf func() error) (err error) {
	if !st.server {
		return fmt.Errorf("only the server's end can act as the other side (%w)", errors.ErrUnsupported)
	}
	if err := st.f.Control(sys.Impersonate); err != nil {
		return err
	}
	defer func() {
		if failed := sys.Revert(revertToSelf); failed != nil {
			st.f.Close()
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

func (st *stream) syscallConn() (syscall.RawConn, error) {
	return overlapped.Raw{File: st.f}, st.unlessClosed(nil)
}
