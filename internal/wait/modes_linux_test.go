package wait

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// eachMode runs the test with the kernel's futex_waitv and without.
func eachMode(t *testing.T, run func(t *testing.T, m *memory)) {
	for _, mode := range []string{"waitv", "futex"} {
		t.Run(mode, func(t *testing.T) {
			if mode == "waitv" && !sys.HasFutexWaitv() {
				t.Skip("this kernel has no futex_waitv")
			}
			setMode(mode)
			t.Cleanup(func() { setMode("waitv") })
			m := newMemory(t)
			m.mode = mode
			run(t, m)
		})
	}
}

// setMode is called while there are no waiters.
func setMode(mode string) {
	p := &threadPool
	p.mu.Lock()
	defer p.mu.Unlock()
	p.freeOwn, p.shared = nil, nil
	hasWaitv = sys.HasFutexWaitv
	if mode == "futex" {
		hasWaitv = func() bool { return false }
	}
}
