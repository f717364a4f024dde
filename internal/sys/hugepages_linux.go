package sys

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// UseHugePages asks for huge pages in b, a result of [MapFile]. It fails with
// [errors.ErrUnsupported] where the system gives none, which madvise doesn't tell.
func UseHugePages(b []byte) error {
	err := unix.Madvise(b, unix.MADV_HUGEPAGE)
	if err == unix.EINVAL {
		return fmt.Errorf("this kernel has no transparent huge pages (%w)", errors.ErrUnsupported)
	}
	if err != nil {
		return os.NewSyscallError("madvise", err)
	}
	has, err := hasHugePages(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	if err != nil {
		return fmt.Errorf("whether there are huge pages is not known: %v (%w)", err, errors.ErrUnsupported) // not that a file is missing
	}
	if !has {
		return fmt.Errorf("no huge pages for %d bytes here: they are for 2 MiB and more, of a tmpfs mounted with huge=advise, "+
			"or of a memfd if /sys/kernel/mm/transparent_hugepage/shmem_enabled says advise (%w)", len(b), errors.ErrUnsupported)
	}
	return nil
}

// CollapseHugePages puts b, which maps f, into huge pages at once if f has storage for
// all of its bytes. Reserve takes small pages for it where huge ones are given only on
// request. Where that is not possible the system may do it later, in the
// background. It takes Linux 6.1.
func CollapseHugePages(f *os.File, b []byte) {
	var stat unix.Stat_t
	if unix.Fstat(int(f.Fd()), &stat) == nil && stat.Blocks*blockSize >= stat.Size {
		unix.Madvise(b, unix.MADV_COLLAPSE)
	}
}

// hasHugePages reports whether the kernel may use huge pages for the mapping at addr.
func hasHugePages(addr uintptr) (bool, error) {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return false, err
	}
	defer f.Close()
	here := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// A line with the addresses of a mapping, then lines like "KernelPageSize: 4 kB".
		var start, end uintptr
		var n int
		line := lines.Text()
		if _, err := fmt.Sscanf(line, "%x-%x ", &start, &end); err == nil {
			here = start <= addr && addr < end
		} else if !here {
			continue
		} else if _, err := fmt.Sscanf(line, "KernelPageSize: %d kB", &n); err == nil && n<<10 > os.Getpagesize() {
			return true, nil // hugetlbfs
		} else if _, err := fmt.Sscanf(line, "THPeligible: %d", &n); err == nil {
			return n != 0, nil
		}
	}
	return false, fmt.Errorf("/proc/self/smaps doesn't tell (%w)", errors.ErrUnsupported)
}
