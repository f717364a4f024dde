package pipe

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// awaitOpen waits until the shell sits in open(2), and fails the test if it
// doesn't or has got through. (For an instant it may be awake there, when other
// ends close.)
func awaitOpen(t testing.TB, shell *ipctest.Process) {
	t.Helper()
	for start := time.Now(); ; runtime.Gosched() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", shell.Cmd.Process.Pid))
		if err != nil {
			t.Fatalf("the process has gone on: %v", err)
		}
		if strings.HasPrefix(string(text), fmt.Sprint(unix.SYS_OPENAT, " ")) {
			return
		}
		if time.Since(start) > ipctest.Patience {
			t.Fatalf("the process is not in open(2) but in %s", text)
		}
	}
}
