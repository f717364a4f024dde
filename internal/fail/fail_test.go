package fail

import (
	"errors"
	"io/fs"
	"os"
	"strings"
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

func TestExplainNamesTheWayOut(t *testing.T) {
	advice := Advice{What: "mutex", Scheme: "mutex", Create: "ipcsync.CreateMutex", Open: "ipcsync.OpenMutex", Remove: "ipcsync.Remove"}
	err := advice.Explain(os.ErrNotExist, "m")
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v is not os.ErrNotExist", err)
	}
	if want := "no such mutex; create it with ipcsync.CreateMutex or `ipc create mutex://m` (file does not exist)"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if err := advice.Explain(os.ErrExist, "m"); !errors.Is(err, os.ErrExist) || !strings.Contains(err.Error(), "`ipc rm mutex://m`") {
		t.Errorf("%q", err)
	}
	advice.Remove = ""
	for _, sentinel := range []error{os.ErrExist, breezeway.ErrMismatch} {
		err := advice.Explain(sentinel, "m")
		if !errors.Is(err, sentinel) || !strings.Contains(err.Error(), "last handle") || strings.Contains(err.Error(), "ipc rm") {
			t.Errorf("it can't be removed: %q", err)
		}
	}
	if other := errors.New("other"); advice.Explain(other, "m") != other {
		t.Error("another error was changed")
	}
}
