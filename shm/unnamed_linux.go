package shm

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/mmap"
	"golang.org/x/sys/unix"
)

// fixed are the seals that keep a segment's size for ever.
const fixed = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW

func createUnnamed(size int64, s *settings) (*Segment, error) {
	f, err := sys.Memfd("segment")
	if err != nil {
		return nil, err
	}
	m, err := mapSealed(f, size, s.access.FileMode(), s)
	if err != nil {
		f.Close()
		return nil, err
	}
	return newSegment(f, m, "", s), nil
}

// mapSealed gives a new memfd its size and its seals, and maps it.
func mapSealed(f *os.File, size int64, mode fs.FileMode, s *settings) (*mmap.Mapping, error) {
	if err := f.Chmod(mode); err != nil {
		return nil, err
	}
	if err := sys.Reserve(f, size); err != nil {
		return nil, err
	}
	if err := sys.AddSeals(f, fixed|unix.F_SEAL_SEAL); err != nil {
		return nil, err
	}
	return mmap.Map(f, s.mapping())
}

func openFile(f *os.File, size int64, s *settings) (*Segment, error) {
	if _, err := f.SyscallConn(); err != nil { // f is nil
		return nil, err
	}
	seals, err := sys.Seals(f)
	if err != nil {
		return nil, fmt.Errorf("the descriptor is no memfd (%w): %w", breezeway.ErrMismatch, err)
	}
	if seals&fixed != fixed {
		return nil, fmt.Errorf("the segment is not sealed against shrinking and growing, so its sender could pull it away (%w)", breezeway.ErrMismatch)
	}
	if seals&(unix.F_SEAL_WRITE|unix.F_SEAL_FUTURE_WRITE) != 0 && !s.ReadOnly {
		return nil, fmt.Errorf("the segment is sealed against writing; open it with %s (%w)", fail.Go("Config.ReadOnly"), os.ErrPermission)
	}
	// After the seals, for only now does the size stay what it is.
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if size != 0 && info.Size() != size {
		return nil, fmt.Errorf("the segment has %d bytes, not %d (%w)", info.Size(), size, breezeway.ErrMismatch)
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl F_DUPFD_CLOEXEC", err)
	}
	return attach(os.NewFile(uintptr(fd), f.Name()), "", s)
}
