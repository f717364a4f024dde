//go:build unix

package wait

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

const memorySize = 1 << 20

// mapFile maps the start of a file; unmap undoes it.
func mapFile(f *os.File) (memory []byte, unmap func() error, err error) {
	memory, err = unix.Mmap(int(f.Fd()), 0, memorySize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return memory, func() error { return unix.Munmap(memory) }, err
}

// threads counts those of this process.
func threads(t testing.TB) int {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Skip("this system does not tell how many threads a process has: ", err)
	}
	return len(tasks)
}
