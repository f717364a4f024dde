package local

import (
	"os"

	"github.com/breezeway-ipc/breezeway/internal/watch"
	"golang.org/x/sys/unix"
)

// WatchName calls notify when the socket may have lost its name, until the
// subscription is cancelled; see [watch.File]. It reports false if the system grants
// no watch. Look at [Listener.HasName] after it.
func (l *Listener) WatchName(notify func()) (*watch.Subscription, bool) {
	fd, err := unix.Open(l.path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, false
	}
	f := os.NewFile(uintptr(fd), l.path)
	defer f.Close() // the watch is on the inode
	return watch.File(f, notify)
}
