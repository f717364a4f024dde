//go:build unix

package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// MaxPath is how many bytes the path of a Unix socket may have.
var MaxPath = len(unix.RawSockaddrUnix{}.Path) - 1

// CheckPath reports whether path can be a Unix socket's.
func CheckPath(path string) error {
	if len(path) > MaxPath {
		return fmt.Errorf("the path %s has %d bytes, a socket's path has at most %d; choose a shorter name or directory (%w)",
			path, len(path), MaxPath, fs.ErrInvalid)
	}
	for i := range len(path) {
		if path[i] == 0 {
			return fmt.Errorf("byte %d of the path is NUL (%w)", i+1, fs.ErrInvalid)
		}
	}
	return nil
}

// Listener is a listening Unix socket that owns its path.
type Listener struct {
	*net.UnixListener
	path     string
	file     fs.FileInfo // the socket file that we made
	tookOver bool

	closing sync.Once
	closed  atomic.Bool
}

// Backlog is how many connections wait to be accepted; the kernel lowers it to
// its own limit (net.core.somaxconn, 4096).
const Backlog = 4096

// Listen takes the name path and listens there. The socket's file carries exactly the
// rights of the rule, so that the kernel decides which clients connect.
//
// It leaves alone a live socket at path, of whatever user, and anything that is
// not a socket. It replaces a socket of this user that no process holds any more. It
// refuses symbolic links on the way that another user can change.
func Listen(path string, rule access.Rule) (*Listener, error) {
	return ListenContext(context.Background(), path, rule)
}

// ListenContext is [Listen] that waits for other creators until ctx ends.
func ListenContext(ctx context.Context, path string, rule access.Rule) (*Listener, error) {
	return ListenType(ctx, path, unix.SOCK_STREAM, rule)
}

// ListenType is [ListenContext] for sockets of a type: unix.SOCK_STREAM or
// unix.SOCK_SEQPACKET.
func ListenType(ctx context.Context, path string, typ int, rule access.Rule) (*Listener, error) {
	if _, err := Locate(path); err != nil {
		return nil, err
	}
	unlock, err := lockCreators(ctx, path)
	if err != nil {
		return nil, err
	}
	defer unlock()

	fd, err := sys.Socket(typ)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	file := os.NewFile(uintptr(fd), path)
	defer file.Close() // net.FileListener works on a duplicate

	l := &Listener{path: path}
	if err := l.bind(fd, rule); err != nil {
		return nil, err
	}
	if l.UnixListener, err = listen(fd, file, path); err != nil {
		l.unlink()
		return nil, err
	}
	return l, nil
}

// TookOver reports whether Listen replaced the socket of a server that had died.
func (l *Listener) TookOver() bool { return l.tookOver }

// bind makes the socket file. No connection can succeed before listen, so no
// client gets in while the file's rights are being set.
func (l *Listener) bind(fd int, rule access.Rule) error {
	// Where the system heeds it (Linux) the file never has more than this mode.
	unix.Fchmod(fd, uint32(rule.FileMode()))
	at := &unix.SockaddrUnix{Name: l.path}
	err := unix.Bind(fd, at)
	if errors.Is(err, unix.EADDRINUSE) {
		if err := removeStale(l.path); err != nil {
			return err
		}
		l.tookOver = true
		killpoint.Here("stale removed")
		err = unix.Bind(fd, at)
	}
	killpoint.Here("bound")
	if err != nil {
		return explainDir(filepath.Dir(l.path), os.NewSyscallError("bind", err))
	}
	if l.file, err = os.Lstat(l.path); err != nil {
		return err
	}
	if err := Permit(l.path, l.file, rule); err != nil {
		l.unlink()
		return err
	}
	killpoint.Here("mode set")
	return nil
}

func listen(fd int, file *os.File, path string) (*net.UnixListener, error) {
	if err := unix.Listen(fd, Backlog); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	l, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	killpoint.Here("listening")
	announce(path)
	return l.(*net.UnixListener), nil
}

// removeStale removes the socket at path if it is this user's and no process
// holds it; otherwise it says why not. The caller holds the creators' lock.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is not a socket but %s of uid %d; it was left alone, remove it yourself or choose another name (%w)",
			path, kindOf(info), ownerOf(info), fs.ErrExist)
	}
	if uid := ownerOf(info); uid != os.Geteuid() {
		return fmt.Errorf("%s belongs to uid %d, not to this process's uid %d; choose another name (%w)", path, uid, os.Geteuid(), fs.ErrExist)
	}
	live, err := IsLive(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("a server may listen at %s, whose mode %v doesn't let this process ask; remove it yourself if none does, or choose another name (%w)",
			path, info.Mode().Perm(), fs.ErrExist)
	case err != nil:
		return err
	case live:
		return fmt.Errorf("a server already listens at %s; stop it or choose another name (%w)", path, fs.ErrExist)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// IsLive reports whether a process holds the socket bound to path, without the
// process noticing: connecting a datagram socket to a stream socket fails with
// EPROTOTYPE if that lives and with ECONNREFUSED if only its file is left. So
// the server sees no connection, and one that has bound but does not listen
// yet counts as live. It fails with [fs.ErrPermission] if the socket doesn't admit this
// user: then nothing is known.
func IsLive(path string) (bool, error) {
	fd, err := sys.Socket(unix.SOCK_DGRAM)
	if err != nil {
		return false, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	switch err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); {
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.ENOENT):
		return false, nil
	case err == nil, errors.Is(err, unix.EPROTOTYPE), errors.Is(err, unix.EAGAIN):
		return true, nil
	default:
		return false, os.NewSyscallError("connect", err)
	}
}

// Made describes the socket's file as it was made.
func (l *Listener) Made() fs.FileInfo { return l.file }

// AcceptUnix is [net.UnixListener.AcceptUnix] that fails with [net.ErrClosed] from the
// moment on in which Close is called.
func (l *Listener) AcceptUnix() (*net.UnixConn, error) {
	c, err := l.UnixListener.AcceptUnix()
	if err != nil && l.closed.Load() {
		err = net.ErrClosed // it may have met the shutdown
	}
	return c, err
}

// Close stops admitting clients, gives the name up and stops listening. It resets
// connections that were not accepted. It waits for no other process.
func (l *Listener) Close() error {
	// Once, because a closed socket's inode number may be another server's.
	l.closing.Do(func() {
		l.closed.Store(true)
		l.refuse()
		killpoint.Here("refusing")
		l.unlink()
	})
	return l.UnixListener.Close()
}

// Adopt makes a Listener of l, which another process made and gives up by
// [Listener.Release]. made describes the socket's file as that process made it.
func Adopt(l *net.UnixListener, path string, made fs.FileInfo) *Listener {
	return &Listener{UnixListener: l, path: path, file: made}
}

// Release stops listening in this process alone: the socket keeps its name, and another
// process that has it goes on.
func (l *Listener) Release() error {
	l.closing.Do(func() { l.closed.Store(true) })
	return l.UnixListener.Close()
}

// refuse has the kernel tell clients that no server listens. The socket still counts
// as live.
func (l *Listener) refuse() {
	raw, err := l.UnixListener.SyscallConn()
	if err != nil {
		return // closed already
	}
	// Where it has no effect, clients are connected until the socket closes.
	raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RD) })
}

// unlink removes the path if it still is the file that we made: another program
// may have replaced it without asking (.NET does).
//
// It comes before the socket closes, because until then the inode number can't be used
// again and no process of ours takes the name for stale, whatever it holds the
// creators' lock for: so it needs no lock.
func (l *Listener) unlink() {
	if now, err := os.Lstat(l.path); err == nil && os.SameFile(l.file, now) {
		os.Remove(l.path)
		killpoint.Here("unlinked")
	}
}

func kindOf(info fs.FileInfo) string {
	switch info.Mode().Type() {
	case 0:
		return "a regular file"
	case fs.ModeDir:
		return "a directory"
	case fs.ModeSymlink:
		return "a symbolic link"
	case fs.ModeNamedPipe:
		return "a FIFO"
	}
	return "a special file"
}
