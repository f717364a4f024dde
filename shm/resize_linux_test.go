package shm

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// wantSize fails the test unless the segment's file has so many bytes.
func wantSize(t *testing.T, name string, size int64) {
	t.Helper()
	if info, err := os.Stat("/dev/shm/" + name); err != nil || info.Size() != size {
		t.Errorf("the segment has %d bytes, %v, want %d", info.Size(), err, size)
	}
}

func TestResizeAfterClose(t *testing.T) {
	seg := mustCreate(t, 5000, nil)
	other, err := Open(seg.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{100, 5000, 10_000} {
		_, err = other.Resize(size)
		ipctest.WantError(t, err, os.ErrClosed, "resize", seg.Name())
		wantSize(t, seg.Name(), 5000)
	}
}

// TestResizeAfterResize: the first Resize has closed the segment, though not its file.
func TestResizeAfterResize(t *testing.T) {
	seg := mustCreate(t, 5000, nil)
	bigger, err := seg.Resize(10_000)
	if err != nil {
		t.Fatal(err)
	}
	defer bigger.Close()
	for _, size := range []int64{100, 10_000, 20_000} {
		_, err = seg.Resize(size)
		ipctest.WantError(t, err, os.ErrClosed)
		wantSize(t, seg.Name(), 10_000)
	}
	if _, err := bigger.WriteAt([]byte("still open"), 9000); err != nil {
		t.Error(err)
	}
}

// coincide resizes a segment of 5000 bytes to 100 while f is called, and returns how large
// the file is then.
func coincide(t *testing.T, f func(seg *Segment)) (resized *Segment, size int64) {
	t.Helper()
	seg := mustCreate(t, 5000, nil)
	var other sync.WaitGroup
	other.Go(func() { f(seg) })
	resized, err := seg.Resize(100)
	if err != nil {
		ipctest.WantError(t, err, os.ErrClosed)
	}
	other.Wait()
	info, err := os.Stat("/dev/shm/" + seg.Name())
	if err := errors.Join(err, Remove(KindSegment, seg.Name(), nil)); err != nil {
		t.Fatal(err)
	}
	return resized, info.Size()
}

func TestResizeDuringClose(t *testing.T) {
	for range 500 {
		resized, size := coincide(t, func(seg *Segment) { seg.Close() })
		want := int64(5000)
		if resized != nil {
			want = 100
			resized.Close()
		}
		if size != want {
			t.Fatalf("the file has %d bytes, want %d", size, want)
		}
	}
}

func TestResizeDuringResize(t *testing.T) {
	for range 500 {
		var bigger *Segment
		smaller, size := coincide(t, func(seg *Segment) { bigger, _ = seg.Resize(10_000) })
		if (smaller == nil) == (bigger == nil) {
			t.Fatalf("both or none succeeded: %v, %v", smaller, bigger)
		}
		won := cmp.Or(smaller, bigger)
		if size != int64(won.Len()) {
			t.Fatalf("the file has %d bytes, and the one that was resized %d", size, won.Len())
		}
		won.Close()
	}
}

// hugeShm resizes a segment with huge pages in a /dev/shm of its own that has them.
var hugeShm = ipctest.Helper("huge /dev/shm", func(c *ipctest.Control) error {
	const page = 2 << 20
	if err := unix.Mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=64m,huge=advise"); err != nil {
		return err
	}
	seg, err := Create("frame", 2*page, &Config{HugePages: true})
	if err != nil {
		return err
	}
	_, err = seg.Resize(4096) // less than one
	if info, statErr := seg.File().Stat(); !errors.Is(err, errors.ErrUnsupported) || statErr != nil || info.Size() != 2*page || seg.Bytes() == nil {
		return fmt.Errorf("Resize to 4096: %w; the file has %d bytes", err, info.Size())
	}
	for _, pages := range []int64{4, 1} {
		seg, err = seg.Resize(pages * page)
		if err != nil {
			return err
		}
		clear(seg.Bytes())
		smaps, err := os.ReadFile("/proc/self/smaps")
		if err != nil {
			return err
		}
		_, ours, _ := strings.Cut(string(smaps), fmt.Sprintf("\n%x-", uintptr(unsafe.Pointer(&seg.Bytes()[0]))))
		_, ours, _ = strings.Cut(ours, "ShmemPmdMapped:")
		var kib int64
		if fmt.Sscan(ours, &kib); kib<<10 != pages*page {
			return fmt.Errorf("%d KiB of %d pages are in huge pages", kib, pages)
		}
	}
	return seg.Close()
})

func TestResizeKeepsHugePages(t *testing.T) {
	cmd := ipctest.HelperCommand(t, hugeShm)
	if os.Geteuid() != 0 {
		t.Skip("mounting a /dev/shm with huge pages takes the superuser")
	}
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage/shmem_enabled"); err != nil {
		t.Skip("this kernel has no huge pages for shared memory: ", err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if err := ipctest.StartCommand(t, cmd).Wait(); err != nil {
		t.Error(err)
	}
}
