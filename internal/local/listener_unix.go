//go:build unix

package local

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"

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

// Listener is a listening Unix stream socket that owns its path.
type Listener struct {
	*net.UnixListener
	path string
	file fs.FileInfo // the socket file that we made

	closing sync.Once
}

// backlog is how many connections wait to be accepted; the kernel lowers it to
// its own limit (net.core.somaxconn, 4096).
const backlog = 4096

// Listen takes the name path and listens there, with exactly the permission
// bits of mode, whatever the umask.
//
// It leaves alone a live socket at path, of whatever user, and anything that is
// not a socket. It replaces a socket of this user that no process holds any more.
func Listen(path string, mode fs.FileMode) (*Listener, error) {
	unlock, err := lockCreators(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer unlock()

	fd, err := sys.Socket(unix.SOCK_STREAM)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	file := os.NewFile(uintptr(fd), path)
	defer file.Close() // net.FileListener works on a duplicate

	made, err := bind(fd, path, mode)
	if err != nil {
		return nil, err
	}
	l, err := listen(fd, file, path)
	if err != nil {
		os.Remove(path)
		return nil, err
	}
	return &Listener{UnixListener: l, path: path, file: made}, nil
}

// bind makes the socket file. No connection can succeed before listen, so no
// client gets in while the mode is being set.
func bind(fd int, path string, mode fs.FileMode) (made fs.FileInfo, err error) {
	// Where the system heeds it (Linux) the file never has more than mode.
	unix.Fchmod(fd, uint32(mode.Perm()))
	at := &unix.SockaddrUnix{Name: path}
	err = unix.Bind(fd, at)
	if errors.Is(err, unix.EADDRINUSE) {
		if err := removeStale(path); err != nil {
			return nil, err
		}
		killpoint.Here("stale removed")
		err = unix.Bind(fd, at)
	}
	killpoint.Here("bound")
	if err != nil {
		return nil, explainDir(filepath.Dir(path), os.NewSyscallError("bind", err))
	}
	made, err = os.Lstat(path)
	if err == nil && made.Mode().Perm() != mode.Perm() {
		err = Chmod(path, made, mode)
	}
	if err != nil {
		os.Remove(path)
		return nil, err
	}
	killpoint.Here("mode set")
	return made, nil
}

func listen(fd int, file *os.File, path string) (*net.UnixListener, error) {
	if err := unix.Listen(fd, backlog); err != nil {
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
	live, err := isLive(path)
	if err != nil {
		return err
	}
	if live {
		return fmt.Errorf("a server already listens at %s; stop it or choose another name (%w)", path, fs.ErrExist)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// isLive reports whether a process holds the socket bound to path, without the
// process noticing: connecting a datagram socket to a stream socket fails with
// EPROTOTYPE if that lives and with ECONNREFUSED if only its file is left. So
// the server sees no connection, and one that has bound but does not listen
// yet counts as live.
func isLive(path string) (bool, error) {
	fd, err := sys.Socket(unix.SOCK_DGRAM)
	if err != nil {
		return false, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	switch err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); {
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.ENOENT):
		return false, nil
	case err == nil, errors.Is(err, unix.EPROTOTYPE), errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
		return true, nil
	default:
		return false, os.NewSyscallError("connect", err)
	}
}

// Close gives the name up and stops listening. It resets connections that were
// not accepted.
func (l *Listener) Close() error {
	// Once, because a closed socket's inode number may be another server's.
	l.closing.Do(l.unlink)
	return l.UnixListener.Close()
}

// unlink removes the path if it still is the file that we made: another program
// may have replaced it without asking (.NET does). It comes before the socket
// closes, because until then no server takes the name for stale and the inode
// number can't be used again.
func (l *Listener) unlink() {
	unlock, err := lockCreators(filepath.Dir(l.path))
	if err != nil {
		return // the file stays and is stale: the next server replaces it
	}
	defer unlock()
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
