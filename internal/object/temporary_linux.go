package object

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// temporaryPrefix is what temporary names begin with: no object's name does.
const temporaryPrefix = ".new."

// temporary is a file that has a temporary name until it is complete. Its maker holds
// the file's flock(2) lock meanwhile, which the kernel drops when the maker dies: the next
// maker removes temporary names of files that aren't locked.
//
// # Order
//
// The lock comes after the name, so another maker may find the file in between. It takes
// the lock, then removes the name. So a maker has a file if it got the lock, and the name
// still leads to the file then.
type temporary struct {
	f    *os.File // named as the object will be
	path string   // that the file has
}

// makeTemporary makes a file for the object at path, in the same directory.
func makeTemporary(path string) (*temporary, error) {
	dir := filepath.Dir(path)
	removeLeft(dir)
	const tries = 100 // other makers remove files that they find before they are locked
	for range tries {
		name := filepath.Join(dir, temporaryPrefix+rand.Text())
		fd, err := unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return nil, explainDirectory(dir, os.NewSyscallError("open", err))
		}
		t := &temporary{os.NewFile(uintptr(fd), path), name}
		killpoint.Here("temporary made")
		locked, err := sys.TryFlock(t.f)
		if err != nil {
			t.remove()
			return nil, os.NewSyscallError("flock", err)
		}
		if locked && isAt(t.f, name) {
			return t, nil
		}
		t.f.Close()
	}
	return nil, fmt.Errorf("other processes have removed what this one made in %s, %d times (%w)", dir, tries, os.ErrDeadlineExceeded)
}

// rename gives the file the object's name in one step, which fails if there is one, and
// gives up the lock.
func (t *temporary) rename(path string) error {
	err := unix.Renameat2(unix.AT_FDCWD, t.path, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
	killpoint.Here("object linked")
	switch err {
	case nil:
		return os.NewSyscallError("flock", unix.Flock(int(t.f.Fd()), unix.LOCK_UN))
	case unix.ENOSYS, unix.EINVAL:
		return fmt.Errorf("%s can't be named when it is complete: linking takes O_TMPFILE and /proc/self/fd, renaming takes RENAME_NOREPLACE of renameat2(2), "+
			"and this system, or the file system of %s, lacks both (%w)", path, filepath.Dir(path), errors.ErrUnsupported)
	}
	return os.NewSyscallError("renameat2", err)
}

// remove removes the name, while the lock says that it is ours, and closes the file.
func (t *temporary) remove() {
	os.Remove(t.path)
	t.f.Close()
}

// removeLeft removes what makers of this user left that were killed. What can't be
// removed stays.
func removeLeft(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), temporaryPrefix) {
			continue
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || ownerOf(info).UID != os.Geteuid() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		if locked, err := sys.TryFlock(f); locked && err == nil && isAt(f, path) {
			os.Remove(path)
		}
		f.Close()
	}
}

func isAt(f *os.File, path string) bool {
	same, err := leadsTo(f, path)
	return same && err == nil
}
