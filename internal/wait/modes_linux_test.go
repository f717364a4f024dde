package wait

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// eachMode runs the test with the kernel's futex_waitv and without. The
// argument makes a helper do the same; see setMode.
func eachMode(t *testing.T, run func(t *testing.T, mode string)) {
	t.Run("waitv", func(t *testing.T) {
		if !sys.HasFutexWaitv() {
			t.Skip("this kernel has no futex_waitv")
		}
		run(t, "waitv")
	})
	t.Run("futex", func(t *testing.T) {
		setMode("futex")
		defer setMode("waitv")
		run(t, "futex")
	})
}

// setMode is called while nobody waits.
func setMode(mode string) {
	p := &parking
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free, p.groups = nil, nil
	hasWaitv = sys.HasFutexWaitv
	if mode == "futex" {
		hasWaitv = func() bool { return false }
	}
}
