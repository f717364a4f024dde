package ipcsync

import (
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/shm"
)

// A segment whose creator, in another language, has still to give it a size doesn't
// exist yet.
func TestAwaitHalfMadeSegment(t *testing.T) {
	name := ipctest.UniqueName()
	f, err := os.Create("/dev/shm/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	_, err = shm.Open(name, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "no size yet", "ipc rm shm://")
	calls := 0
	seg, err := Await(t.Context(), func() (*shm.Segment, error) {
		if calls++; calls == 5 {
			if err := f.Truncate(4096); err != nil {
				t.Error(err)
			}
		}
		return shm.Open(name, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if seg.Len() != 4096 || calls != 5 {
		t.Errorf("%d bytes after %d calls", seg.Len(), calls)
	}
	seg.Close()
}
