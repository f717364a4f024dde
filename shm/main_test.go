package shm

import (
	"errors"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestMain(m *testing.M) { ipctest.Main(m) }

// keep closes a segment when the test is over, and removes it where that is
// possible.
func keep(t testing.TB, seg *Segment) *Segment {
	t.Helper()
	t.Cleanup(func() {
		if err := seg.Close(); err != nil {
			t.Error(err)
		}
		if seg.Created() && seg.Name() != "" {
			removeIfThere(t, seg.Name())
		}
	})
	return seg
}

func removeIfThere(t testing.TB, name string) {
	t.Helper()
	if err := Remove(KindSegment, name, nil); err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

func mustCreate(t testing.TB, size int64, cfg *Config) *Segment {
	t.Helper()
	seg, err := Create(ipctest.UniqueName(), size, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return keep(t, seg)
}
