package pipe

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/overlapped"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// listener keeps one instance of the pipe open for the next client, so that the
// name is never free while it lives.
type listener struct {
	path string
	cfg  *settings
	opt  sys.PipeOptions

	identify func(windows.Handle) (breezeway.Peer, error) // sys.PipeClient

	mu     sync.Mutex
	next   *overlapped.File
	closed bool
	ended  error // why the listener ended without Close
}

// defaultBuffer is Config.BufferSize where that is 0. With none at all every
// Write would wait for its Read.
const defaultBuffer = 64 << 10

// clientRights are those of clients other than this process's user: to read,
// write and ask, but not to make further instances and serve in our name.
var clientRights = fmt.Sprintf("%#x", uint32(sys.PipeRead|sys.PipeWrite))

func listen(path string, s *settings) (*listener, error) {
	if s.Host != "" || localName(path) == "" {
		return nil, fmt.Errorf("a pipe of another machine can only be dialled (%w)", os.ErrInvalid)
	}
	sddl := s.SDDL
	if sddl == "" {
		var err error
		if sddl, err = s.access.SDDL(clientRights); err != nil {
			return nil, err
		}
	}
	security, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return nil, fmt.Errorf("security descriptor %q: %w", sddl, err)
	}
	l := &listener{path: path, cfg: s, identify: sys.PipeClient, opt: sys.PipeOptions{
		Read:       s.Direction != Out,
		Write:      s.Direction != In,
		Message:    s.Message,
		Remote:     s.Remote,
		BufferSize: uint32(s.BufferSize),
		Security:   security,
	}}
	if s.BufferSize == 0 {
		l.opt.BufferSize = defaultBuffer
	}
	l.next, err = l.instance(true)
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) && !sys.PipeExists(path) {
		l.next, err = l.instance(true) // its owner has just given the name up
	}
	if err != nil {
		return nil, l.explain(err)
	}
	return l, nil
}

// tookOver is false: a server that dies leaves no pipe behind.
func (l *listener) tookOver() bool { return false }

func (l *listener) instance(first bool) (*overlapped.File, error) {
	h, err := sys.CreatePipe(localName(l.path), first, l.opt)
	if err != nil {
		return nil, err
	}
	return overlapped.NewFile(h, l.cfg.Message)
}

// explain says why the first instance could not be made. The system reports a
// name that is taken as access denied.
func (l *listener) explain(err error) error {
	switch {
	case errors.Is(err, windows.ERROR_ALREADY_EXISTS), errors.Is(err, windows.ERROR_PIPE_BUSY),
		errors.Is(err, windows.ERROR_ACCESS_DENIED) && sys.PipeExists(l.path):
		return fmt.Errorf("a server already listens at %s, or connections of one that ended are still open; stop it or choose another name (%w, %w)",
			l.path, os.ErrExist, err)
	case errors.Is(err, windows.ERROR_INVALID_NAME):
		return fmt.Errorf("%s can't be a pipe's path (%w, %w)", l.path, os.ErrInvalid, err)
	}
	return err
}

// accept waits for a client. One that came and went counts: what it wrote is
// still there.
func (l *listener) accept() (*stream, error) {
	l.mu.Lock()
	f, ended := l.next, l.ended
	l.mu.Unlock()
	if ended != nil {
		return nil, ended
	}
	err := f.Connect()
	if err != nil && !errors.Is(err, windows.ERROR_PIPE_CONNECTED) && !errors.Is(err, windows.ERROR_NO_DATA) {
		return nil, explain(err)
	}
	// If this fails the client keeps its place for the next accept.
	next, err := l.instance(false)
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) && l.cfg.SDDL != "" {
		err = fmt.Errorf("%s must let this process make further instances of the pipe (%w)", fail.Go("Config.SDDL"), err)
	}
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	closed := l.closed
	if !closed {
		l.next = next
	}
	l.mu.Unlock()
	if closed {
		next.Close()
		return nil, net.ErrClosed
	}
	st := newStream(f, l.cfg, true, !l.cfg.Remote)
	st.client, st.clientErr = st.identify(l.identify)
	if errors.Is(st.clientErr, sys.ErrStillClient) {
		st.disconnect()
		return nil, l.end(st.clientErr)
	}
	return st, nil
}

// end gives the name up and makes every accept fail. A process in which a thread
// still has a client's rights admits no further clients.
func (l *listener) end(why error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = fmt.Errorf("the listener has ended: %w", why)
	if !l.closed {
		l.next.Close()
	}
	return l.ended
}

// admit decides on a client that the system has let in. The system checked the
// client's token against our security descriptor when it opened the pipe; this
// adds the session, and makes up for systems that don't check (Wine).
func (l *listener) admit(s *stream, peer breezeway.Peer) error {
	if l.cfg.SDDL != "" {
		return nil
	}
	if l.cfg.Scope == breezeway.Session && !l.cfg.Remote {
		if err := s.sameSession(); err != nil {
			return err
		}
	}
	if s.userUnknown {
		return nil
	}
	return l.cfg.access.Admit(peer)
}

func (l *listener) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.ended != nil {
		return nil
	}
	return l.next.Close()
}

func (l *listener) addr() net.Addr { return Addr(l.path) }
