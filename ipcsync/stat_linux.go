package ipcsync

import (
	"os"

	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// opens returns Stats.Open: how many slots of an object are locked in its file. A
// semaphore, whose layout is glibc's, has none.
func (k Kind) opens(name string, s *settings) int {
	path, err := k.path(name, s)
	if err != nil || k == KindSemaphore {
		return -1
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1
	}
	defer f.Close()
	const most = 1 << 16 // slots; see liveness.Holder
	n, err := sys.CountLockedBytes(f, liveness.FirstByte, liveness.FirstByte+most)
	if err != nil {
		return -1
	}
	return n
}
