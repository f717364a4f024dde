package fail

import (
	"io/fs"
	"testing"

	"github.com/breezeway-ipc/breezeway"
)

func TestWithWrapsOnce(t *testing.T) {
	if err := With(breezeway.OpOpen, "shm", "frame", nil); err != nil {
		t.Errorf("nil became %v", err)
	}
	inner := With(breezeway.OpOpen, "shm", "frame", &fs.PathError{Op: "open", Path: "/dev/shm/frame", Err: fs.ErrNotExist})
	if want := "shm open frame: file does not exist"; inner.Error() != want {
		t.Errorf("%q, want %q", inner, want)
	}
	if outer := With(breezeway.OpLock, "mutex", "m", inner); outer != inner {
		t.Errorf("wrapped twice: %v", outer)
	}
}
