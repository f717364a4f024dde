package shmnet

import (
	"errors"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/pipe"
	"golang.org/x/sys/unix"
)

// seals keep either end from changing the size, which would take pages away from the
// other: no access to the memory can fault, unless the system grants no more of it
// (overcommit_memory=2), as docs/security.md says of unnamed segments.
const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// origin is the descriptor of the memory, nil once it is forgotten. The mapping stays.
type origin struct{ file *os.File }

func (o *origin) forget() {
	if o.file != nil {
		o.file.Close()
		o.file = nil
	}
}

// makeMemory makes the memory that a server offers.
func makeMemory(h hello, _ *pipe.Conn, _ *settings) (*memory, error) {
	f, err := sys.Memfd("bw.shmnet")
	if err != nil {
		return nil, err
	}
	err = f.Truncate(int64(h.memorySize()))
	if err == nil {
		err = sys.AddSeals(f, seals)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return mapFile(f, h)
}

// takeMemory takes over what a server offers. The origin may have no file.
func takeMemory(o origin, h hello) (*memory, error) {
	if o.file == nil {
		return nil, errors.New("the descriptor of the memory did not arrive; this process may have none left")
	}
	if err := checkMemory(o.file, h); err != nil {
		o.forget()
		return nil, err
	}
	return mapFile(o.file, h)
}

// checkMemory refuses what could fault or isn't as large as it is said to be.
func checkMemory(f *os.File, h hello) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &fs); err != nil {
		return os.NewSyscallError("fstatfs", err)
	}
	// Pages of hugetlbfs may run out when they are touched.
	if fs.Type != unix.TMPFS_MAGIC {
		return fmt.Errorf("the server offers a file that is no memory (%w)", breezeway.ErrMismatch)
	}
	const need = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW
	if has, err := sys.Seals(f); err != nil || has&need != need {
		return fmt.Errorf("the server offers memory whose size can change (%w)", breezeway.ErrMismatch)
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != int64(h.memorySize()) {
		return fmt.Errorf("the server offers %d bytes of memory and says %d (%w)", info.Size(), h.memorySize(), breezeway.ErrMismatch)
	}
	return nil
}

// mapFile maps f, of which the size is known, or closes it.
func mapFile(f *os.File, h hello) (*memory, error) {
	b, err := sys.MapFile(f, 0, h.memorySize(), sys.ReadWrite)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &memory{origin: origin{f}, b: b}, nil
}

// unmap gives the address range back.
func (m *memory) unmap() {
	m.forget()
	_ = sys.Unmap(m.b) // of a range that is mapped, nothing can be wrong with it
}
