package worker

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/shm"
)

// parent is the process whose buffers a worker finds.
var parent int

// useBuffersOf makes this process, a worker, find the buffers of its parent.
func useBuffersOf(pid int) { parent = pid }

// createSegment makes memory without a name: none of it stays, however processes end.
func createSegment(n int64) (*shm.Segment, error) { return shm.CreateUnnamed(n, nil) }

// placeOf returns the descriptor by which the worker finds a segment in /proc, and its
// inode: another file may have that descriptor later.
func placeOf(b *Buffer) string {
	f := b.seg.File()
	return fmt.Sprintf("%d %d", f.Fd(), inodeOf(f))
}

func inodeOf(f *os.File) uint64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}

func openSegment(place string, n int64) (*shm.Segment, error) {
	fd, inode, _ := strings.Cut(place, " ")
	number, err := strconv.Atoi(fd)
	if err != nil {
		return nil, errGarbled("a buffer has no place")
	}
	f, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/%d", parent, number), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if strconv.FormatUint(inodeOf(f), 10) != inode {
		return nil, fmt.Errorf("the descriptor is another file now (%w)", breezeway.ErrMismatch)
	}
	return shm.OpenFile(f, n, nil)
}
