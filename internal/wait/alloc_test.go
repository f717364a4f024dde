//go:build !race

package wait

import (
	"context"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// Waiting allocates nothing, spinning or parked, as long as the context can't be
// cancelled. Under the race detector a sync.Pool drops things on purpose.
func TestNoAllocation(t *testing.T) {
	for name, parking := range map[string]bool{"spinning": false, "parked": true} {
		t.Run(name, func(t *testing.T) {
			m := newMemory(t)
			there, here := m.semaphore(1), m.semaphore(0)
			done := make(chan error)
			go func() {
				for {
					if err := there.acquire(context.Background()); err != nil {
						done <- err
						return
					}
					here.release(1)
				}
			}()
			n := testing.AllocsPerRun(max(100, ipctest.Count(1000)), func() {
				if parking {
					here.gate.w.spin.credit.Store(0)
				}
				there.release(1)
				if err := here.acquire(context.Background()); err != nil {
					t.Error(err)
				}
			})
			if n != 0 {
				t.Errorf("%v allocations", n)
			}
			there.gate.Close()
			<-done
		})
	}
}
