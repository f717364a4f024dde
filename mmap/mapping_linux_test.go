package mmap

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// TestClosedMappingsAreFreedAtOnce holds on to every Mapping and keeps the
// collector out: only Close can free what they hold.
func TestClosedMappingsAreFreedAtOnce(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	const size = 64 << 20
	count := ipctest.Count(200)
	var closed []*Mapping
	for range count {
		f, err := sys.Memfd("freed")
		if err != nil {
			t.Fatal(err)
		}
		m, err := Map(f, &Config{Capacity: size, Populate: true})
		f.Close() // the mapping alone keeps the memory now
		if err != nil {
			t.Fatal(err)
		}
		if got := residentShm(t); got < size/2 {
			t.Fatalf("%d MiB are resident before Close", got>>20)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		closed = append(closed, m)
	}
	if got := residentShm(t); got >= size/2 {
		t.Errorf("%d MiB of shared memory are still resident", got>>20)
	}
	for _, m := range closed {
		if m.Bytes() != nil {
			t.Error("not closed")
		}
	}
}

// residentShm returns how much shared memory this process has, in bytes. The
// kernel counts per processor, so the sum may be off by some pages.
func residentShm(t *testing.T) (n int64) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		fmt.Sscanf(line, "RssShmem: %d kB", &n)
	}
	return n << 10
}

func TestSealedNeedsNoGuard(t *testing.T) {
	fd, err := unix.MemfdCreate("sealed", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "sealed")
	defer f.Close()
	open := mustMap(t, f, &Config{Capacity: 4096})
	if !open.guarded {
		t.Error("not guarded before it is sealed")
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK); err != nil {
		t.Fatal(err)
	}
	sealed := mustMap(t, f, nil)
	if sealed.guarded {
		t.Error("guarded in spite of the seal")
	}
	if err := Write(sealed, 5, uint32(8)); err != nil {
		t.Error(err)
	}
	if v, err := Read[uint32](open, 5); v != 8 || err != nil {
		t.Error(v, err)
	}
	for name, err := range every(sealed) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
