package fail

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway"
)

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
		"the mutex exists; open it with ipcsync.OpenMutex; if nothing uses it any more, remove it with ipcsync.Remove or `ipc rm mutex://m` (file already exists)")
	const remove = "; if nothing uses it any more, remove it with ipcsync.Remove or `ipc rm mutex://m`"
	expectAdvice(t, ofMutex, breezeway.OpOpen, breezeway.ErrMismatch, breezeway.ErrMismatch.Error()+remove)
	both := fmt.Errorf("%w: %w", breezeway.ErrMismatch, os.ErrNotExist)
	expectAdvice(t, ofMutex, breezeway.OpOpen, both, both.Error()+remove)
	for _, other := range []struct {
		op  string
		err error
	}{{breezeway.OpCreate, errors.New("other")}, {breezeway.OpCreate, os.ErrNotExist}, {breezeway.OpWrite, os.ErrExist}} {
		if got := ofMutex.Explain(other.op, "m", other.err); got != other.err {
			t.Errorf("%s: another error was changed to %q", other.op, got)
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

// speak makes errors speak the command's words until the test ends.
func speak(t *testing.T, words map[Go]string) {
	Speak(words)
	t.Cleanup(func() { Speak(nil) })
}

func TestExplainInTheCommandNamesVerbsAlone(t *testing.T) {
	speak(t, map[Go]string{})
	expectAdvice(t, ofMutex, breezeway.OpOpen, os.ErrNotExist, "no such mutex; create it with `ipc create mutex://m` (file does not exist)")
	expectAdvice(t, ofMutex, breezeway.OpRemove, os.ErrNotExist, "no such mutex (file does not exist)")
	const remove = "; if nothing uses it any more, remove it with `ipc rm mutex://m`"
	expectAdvice(t, ofMutex, breezeway.OpCreate, os.ErrExist, "the mutex exists"+remove+" (file already exists)")
	expectAdvice(t, ofMutex, breezeway.OpOpen, breezeway.ErrMismatch, breezeway.ErrMismatch.Error()+remove)
	a := ofMutex
	a.Creatable, a.Removable = false, false
	expectAdvice(t, a, breezeway.OpOpen, os.ErrNotExist, "no such mutex (file does not exist)")
	expectAdvice(t, a, breezeway.OpCreate, os.ErrExist, "the mutex exists (file already exists)")
	expectAdvice(t, a, breezeway.OpOpen, breezeway.ErrMismatch, breezeway.ErrMismatch.Error())
	a.Remove = ""
	expectAdvice(t, a, breezeway.OpCreate, os.ErrExist,
		"the mutex exists; it goes with its last handle, when all processes have closed it (file already exists)")
}
