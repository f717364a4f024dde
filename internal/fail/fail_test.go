package fail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
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

var ofMutex = Advice{
	What: "mutex", Create: "ipcsync.CreateMutex", Open: "ipcsync.OpenMutex", Remove: "ipcsync.Remove",
	Scheme: "mutex", Creatable: true, Removable: true,
}

// expectAdvice expects what an error of an operation on the object m explains.
func expectAdvice(t *testing.T, a Advice, op string, err error, want string) {
	t.Helper()
	got := a.Explain(op, "m", err)
	if !errors.Is(got, err) || got.Error() != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestExplainNamesTheWayOut(t *testing.T) {
	expectAdvice(t, ofMutex, breezeway.OpOpen, os.ErrNotExist,
		"no such mutex; create it with ipcsync.CreateMutex or `ipc create mutex://m` (file does not exist)")
	expectAdvice(t, ofMutex, breezeway.OpCreate, os.ErrExist,
		"the mutex exists; open it with ipcsync.OpenMutex; or, if nothing uses it any more, remove it with ipcsync.Remove or `ipc rm mutex://m` (file already exists)")
	const remove = "; if nothing uses it any more, remove it with ipcsync.Remove or `ipc rm mutex://m`"
	expectAdvice(t, ofMutex, breezeway.OpOpen, breezeway.ErrMismatch, breezeway.ErrMismatch.Error()+remove)
	both := fmt.Errorf("%w: %w", breezeway.ErrMismatch, os.ErrNotExist)
	expectAdvice(t, ofMutex, breezeway.OpOpen, both, both.Error()+remove)
	for op, other := range map[string]error{breezeway.OpCreate: errors.New("other"), breezeway.OpWrite: os.ErrExist} {
		if got := ofMutex.Explain(op, "m", other); got != other {
			t.Errorf("%s: another error was changed to %q", op, got)
		}
	}
}

func TestExplainAdvisesNoVerbThatRefuses(t *testing.T) {
	a := ofMutex
	a.Creatable, a.Removable = false, false
	expectAdvice(t, a, breezeway.OpOpen, os.ErrNotExist, "no such mutex; create it with ipcsync.CreateMutex (file does not exist)")
	expectAdvice(t, a, breezeway.OpOpen, breezeway.ErrMismatch,
		breezeway.ErrMismatch.Error()+"; if nothing uses it any more, remove it with ipcsync.Remove")
	a.Creatable, a.CreateFlags = true, " --size BYTES"
	expectAdvice(t, a, breezeway.OpOpen, os.ErrNotExist,
		"no such mutex; create it with ipcsync.CreateMutex or `ipc create mutex://m --size BYTES` (file does not exist)")
}

func TestExplainOfRemove(t *testing.T) {
	expectAdvice(t, ofMutex, breezeway.OpRemove, os.ErrNotExist, "no such mutex (file does not exist)")
	expectAdvice(t, ofMutex, breezeway.OpRemove, breezeway.ErrMismatch, breezeway.ErrMismatch.Error())
}

func TestExplainOfWhatGoesByItself(t *testing.T) {
	a := ofMutex
	a.Remove, a.Removable = "", false
	const last = "; it goes with its last handle, when all processes have closed it"
	expectAdvice(t, a, breezeway.OpOpen, breezeway.ErrMismatch, breezeway.ErrMismatch.Error()+last)
	both := fmt.Errorf("%w: %w", breezeway.ErrMismatch, os.ErrNotExist)
	expectAdvice(t, a, breezeway.OpOpen, both, both.Error()+last)
	expectAdvice(t, a, breezeway.OpCreate, os.ErrExist, "the mutex exists; open it with ipcsync.OpenMutex"+last+" (file already exists)")
}
