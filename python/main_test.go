package python

import (
	"errors"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/shm"
)

func TestMain(m *testing.M) { ipctest.Main(m) }

func TestZeroValues(t *testing.T) {
	ipctest.TestZeroValues(t, new(Array[float64]), new(ShareableList), new(Conn), new(Listener))
}

// keep closes a segment when the test is over, and removes it where that is
// possible.
func keep(t testing.TB, seg *shm.Segment) *shm.Segment {
	t.Helper()
	t.Cleanup(func() {
		if err := seg.Close(); err != nil {
			t.Error(err)
		}
		if seg.Created() {
			removeIfThere(t, seg.Name())
		}
	})
	return seg
}

func removeIfThere(t testing.TB, name string) {
	t.Helper()
	if err := shm.Remove(shm.KindSegment, name, nil); err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

func mustCreate(t testing.TB, size int64) *shm.Segment {
	t.Helper()
	seg, err := shm.Create(ipctest.UniqueName(), size, nil)
	if err != nil {
		t.Fatal(err)
	}
	return keep(t, seg)
}

// sizeOpened returns how large a segment of some size is for a process that opens
// it: on Windows, whole pages.
func sizeOpened(t testing.TB, seg *shm.Segment) int {
	t.Helper()
	again, err := shm.Open(seg.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return keep(t, again).Len()
}
