package shm

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
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
	if err := Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, errors.ErrUnsupported) {
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

func wantError(t testing.TB, err error, sentinel error, words ...string) {
	t.Helper()
	var ours *breezeway.Error
	if !errors.Is(err, sentinel) || !errors.As(err, &ours) {
		t.Errorf("error is %v (%T), want a *breezeway.Error that wraps %v", err, err, sentinel)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q doesn't say %q", err, w)
		}
	}
}
