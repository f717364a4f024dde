package pipe

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/overlapped"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/internal/watch"
	"golang.org/x/sys/windows"
)

// dial opens the pipe. A server whose instances are all taken is busy, not
// absent, so that is waited out; the system's own wait can't be cancelled.
func dial(ctx context.Context, path string, s *settings) (*stream, error) {
	var pause watch.Backoff
	for {
		h, err := openCancellable(ctx, path, s)
		if err == nil {
			return newClient(h, path, s)
		}
		if !errors.Is(err, windows.ERROR_PIPE_BUSY) {
			return nil, explainDial(path, err)
		}
		if err := pause.Sleep(ctx); err != nil {
			return nil, err
		}
	}
}

// openCancellable leaves an attempt to reach another machine behind when ctx
// ends: the system can take half a minute to find that there is none.
func openCancellable(ctx context.Context, path string, s *settings) (windows.Handle, error) {
	if localName(path) != "" {
		return openEnd(path, s)
	}
	type result struct {
		h   windows.Handle
		err error
	}
	opened := make(chan result)
	go func() {
		h, err := openEnd(path, s)
		select {
		case opened <- result{h, err}:
		case <-ctx.Done():
			if err == nil {
				windows.CloseHandle(h)
			}
		}
	}()
	select {
	case r := <-opened:
		return r.h, r.err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// openEnd opens the direction that s says. A client that states none takes what
// the server has: asking a one-way server for both is access denied.
func openEnd(path string, s *settings) (h windows.Handle, err error) {
	read := uint32(sys.PipeRead)
	if s.Message {
		read |= windows.FILE_WRITE_ATTRIBUTES
	}
	var tries []uint32
	switch s.Direction {
	case In:
		tries = []uint32{read}
	case Out:
		tries = []uint32{sys.PipeWrite}
	default:
		tries = []uint32{read | sys.PipeWrite, sys.PipeWrite, read}
	}
	for _, access := range tries {
		h, err = sys.OpenPipe(path, access)
		if !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			break
		}
	}
	return h, err
}

func newClient(h windows.Handle, path string, s *settings) (*stream, error) {
	info, err := sys.QueryPipe(h)
	if err == nil && s.Message {
		if info.Type != windows.FILE_PIPE_MESSAGE_TYPE {
			err = errBytePeer
		} else {
			mode := uint32(windows.PIPE_READMODE_MESSAGE)
			err = os.NewSyscallError("SetNamedPipeHandleState", windows.SetNamedPipeHandleState(h, &mode, nil, nil))
		}
	}
	if err != nil {
		windows.CloseHandle(h)
		return nil, err
	}
	f, err := overlapped.NewFile(h, s.Message)
	if err != nil {
		return nil, err
	}
	st := newStream(f, s, false, localName(path) != "")
	st.noRead = info.Configuration == windows.FILE_PIPE_INBOUND
	st.noWrite = info.Configuration == windows.FILE_PIPE_OUTBOUND
	return st, nil
}

var errBytePeer = fail.Errorf("the server is not in message mode; both ends must set %s, or neither (%w)", fail.Go("Config.Message"), breezeway.ErrMismatch)

func isAbsent(err error) bool { return errors.Is(err, windows.ERROR_FILE_NOT_FOUND) }

// admitServer decides on a server of this machine by the pipe's owner and by those
// that may serve beside it; those of another machine's pipe say nothing here. The
// server's process id proves nothing: it is used again.
func admitServer(st *stream, peer breezeway.Peer, s *settings) error {
	if !st.local {
		return nil
	}
	err := s.access.Trusts(peer)
	if err == nil {
		err = st.onlyTrustedServe(s.access)
	}
	if err == nil && s.Scope == breezeway.Session {
		err = st.sameSession()
	}
	if err != nil {
		return fmt.Errorf("not talking to the server: %w", err)
	}
	return nil
}

// onlyTrustedServe fails if the pipe lets users make instances of it that the rule
// doesn't trust. One of them may be the other side, although the pipe isn't its own.
func (st *stream) onlyTrustedServe(rule access.Rule) error {
	var sids []string
	err := st.f.Control(func(h windows.Handle) (err error) {
		sids, err = sys.PipeCreators(h)
		return err
	})
	for _, sid := range sids {
		if rule.Trusts(breezeway.Peer{UID: -1, GID: -1, SID: sid}) != nil {
			return fmt.Errorf("the pipe lets %s serve under its name (FILE_CREATE_PIPE_INSTANCE, WRITE_DAC or WRITE_OWNER), so the other side may be another user than the pipe's owner; "+
				"let its server grant 0x12019b instead, which reads and writes, or name %s in %s (%w)", sid, sid, fail.Go("Config.Trust"), os.ErrPermission)
		}
	}
	return err
}

func explainDial(path string, err error) error {
	switch {
	case errors.Is(err, windows.ERROR_FILE_NOT_FOUND):
		return fmt.Errorf("no server at %s; start it first, or wait for it%s (%w)", path, fail.Go(" with DialWait"), err)
	case errors.Is(err, windows.ERROR_BAD_NETPATH):
		return fmt.Errorf("no machine answers at %s, or it lets no pipe be reached from outside; check %s and its firewall (%w)", path, fail.Go("Config.Host"), err)
	case errors.Is(err, windows.ERROR_INVALID_NAME):
		return fmt.Errorf("%s can't be a pipe's path (%w, %w)", path, os.ErrInvalid, err)
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return fmt.Errorf("%s does not let this user in, or not in this direction; its owner can with %s (%w)", path, fail.Go("Config.Allow"), err)
	}
	return err
}
