//go:build unix

package pipe

import (
	"context"
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/local"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// listener is the listening socket below a Listener. If it loses its name another
// one takes its place.
type listener struct {
	path     string
	cfg      *settings
	replaced bool // listen replaced the socket of a dead server

	mu       sync.Mutex
	now      *local.Listener   // nil when the name is lost for good
	admitted access.Rule       // by the file of now
	former   []*local.Listener // without a name; clients may wait there still
	lost     error             // why now is nil
	closed   bool
}

func listen(path string, s *settings) (*listener, error) {
	if err := sys.CanIdentifyPeers(); err != nil {
		return nil, err
	}
	l := &listener{path: path, cfg: s}
	first, err := l.listen(context.Background())
	if err != nil {
		return nil, err
	}
	if first.TookOver() {
		l.replaced = true
		s.Logger.Info("took over the name of a server that had died", "path", path)
	}
	l.use(first)
	return l, nil
}

func (l *listener) listen(ctx context.Context) (*local.Listener, error) {
	return local.ListenContext(ctx, l.path, l.cfg.access)
}

// use makes now the socket that clients find. l.mu is held, or nothing else has l yet.
func (l *listener) use(now *local.Listener) {
	l.now, l.admitted = now, l.cfg.access.ForFile(now.Made())
}

func (l *listener) tookOver() bool { return l.replaced }

func (l *listener) accept() (*stream, error) {
	for {
		c, err := l.acceptUnix()
		if err != nil {
			return nil, explain(err)
		}
		if s, err := newStream(c, l.cfg); err == nil {
			return s, nil
		}
	}
}

// acceptUnix accepts those first that wait at former sockets.
func (l *listener) acceptUnix() (*net.UnixConn, error) {
	for {
		now, c, err := l.acceptFormer()
		if c != nil || err != nil {
			return c, err
		}
		c, err = now.AcceptUnix()
		if err == nil || l.isNow(now) {
			return c, err
		}
	}
}

// isNow reports whether clients find s, or would but for Close.
func (l *listener) isNow(s *local.Listener) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed || l.now == s
}

func (l *listener) acceptFormer() (now *local.Listener, c *net.UnixConn, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.closed && len(l.former) > 0 {
		if c, err := acceptWaiting(l.former[0].UnixListener); c != nil || err != nil {
			return nil, c, err
		}
		l.former[0].UnixListener.Close()
		l.former = l.former[1:]
	}
	if l.closed {
		return nil, nil, net.ErrClosed
	}
	return l.now, nil, l.lost
}

// acceptWaiting accepts a connection that waits; there may be none.
func acceptWaiting(l *net.UnixListener) (*net.UnixConn, error) {
	raw, err := l.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	if cerr := raw.Control(func(of uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		for err = unix.EINTR; err == unix.EINTR || err == unix.ECONNABORTED; {
			fd, _, err = unix.Accept(int(of))
		}
		if err == nil {
			unix.CloseOnExec(fd)
		}
	}); cerr != nil {
		return nil, cerr
	}
	switch {
	case err == unix.EAGAIN:
		return nil, nil
	case err != nil:
		return nil, os.NewSyscallError("accept", err)
	}
	f := os.NewFile(uintptr(fd), "")
	defer f.Close() // net.FileConn works on a duplicate
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return c.(*net.UnixConn), nil
}

// admit decides on a client that the kernel has let in by the rights of the socket's
// file. It refuses those that came in because the rights were changed after Listen.
func (l *listener) admit(_ *stream, peer breezeway.Peer) error {
	l.mu.Lock()
	admitted := l.admitted
	l.mu.Unlock()
	return admitted.Admit(peer)
}

func (l *listener) close() error {
	l.mu.Lock()
	l.closed = true
	now, former := l.now, l.former
	l.now, l.former = nil, nil
	l.mu.Unlock()
	for _, f := range former {
		f.UnixListener.Close() // its name is not its own
	}
	if now == nil {
		return nil
	}
	return now.Close()
}

func (l *listener) addr() net.Addr { return Addr(l.path) }
