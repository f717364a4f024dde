package worker

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

var procSuspend = windows.NewLazySystemDLL("ntdll.dll").NewProc("NtSuspendProcess")

// suspend stops a process, as a debugger does.
func suspend(t *testing.T, pid int) {
	t.Helper()
	h, err := windows.OpenProcess(windows.PROCESS_SUSPEND_RESUME, false, uint32(pid))
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(h)
	if status, _, _ := procSuspend.Call(uintptr(h)); status != 0 {
		t.Fatalf("NtSuspendProcess: status %#x", status)
	}
}

// A call whose worker dies before it has taken it goes to another one, whether its function
// may be called twice or not.
func TestWorkerDiesBeforeItTakesTheCall(t *testing.T) {
	pool := newPool(t, quiet(1))
	for range 20 {
		worker := mustCall(t, pid, pool, struct{ _ byte }{})
		suspend(t, worker)
		p, err := os.FindProcess(worker)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(5*time.Millisecond, func() { p.Kill() })
		if got := mustCall(t, double, pool, 21); got != 42 {
			t.Fatalf("%d", got)
		}
		p.Release()
	}
}
