package mmap

import (
	"os"
	"runtime/debug"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// TestClosedMappingsAreFreedAtOnce holds on to every Mapping and keeps the
// collector out: only Close can free what they hold.
func TestClosedMappingsAreFreedAtOnce(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	const size = 64 << 20
	count := ipctest.Count(200)
	before := usedShm(t)
	var closed []*Mapping
	for range count {
		fd, err := unix.MemfdCreate("freed", unix.MFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(fd), "freed")
		m, err := Map(f, &Config{Capacity: size}) // which allocates all of it
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		b := m.Bytes()
		for i := 0; i < size; i += 1 << 20 {
			b[i] = 1
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		closed = append(closed, m)
	}
	if grown := usedShm(t) - before; grown > size {
		t.Errorf("%d MiB of shared memory are still in use", grown>>20)
	}
	for _, m := range closed {
		if m.Bytes() != nil {
			t.Error("not closed")
		}
	}
}

// usedShm returns how much shared memory the machine uses, in bytes.
func usedShm(t *testing.T) int64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		t.Fatal(err)
	}
	return int64(info.Sharedram) * int64(info.Unit)
}

func TestHugePages(t *testing.T) {
	m, err := Map(newFile(t, pattern(8<<20)), &Config{HugePages: true})
	if err != nil { // a kernel without them
		t.Skip("no transparent huge pages here: ", err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
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
