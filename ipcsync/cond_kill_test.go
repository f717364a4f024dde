//go:build killpoints

package ipcsync

import (
	"context"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// mortalCond does with the condition Args[1] what Args[2] says, under the mutex
// Args[0].
var mortalCond = ipctest.Helper("mortal cond", func(c *ipctest.Control) error {
	m, err := OpenMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	cond, err := OpenCond(c.Args[1], nil)
	if err != nil {
		return err
	}
	if c.Args[2] == "signal" {
		return cond.Signal()
	}
	h, err := m.Lock(context.Background())
	if err != nil {
		return err
	}
	_, err = cond.Wait(context.Background(), h)
	return err
})

// Wherever a process is killed, the others are woken and have the mutex.
func TestKillMatrixCond(t *testing.T) {
	for point, does := range map[string]string{
		"slot locked":    "signal",
		"slot counted":   "signal",
		"cond signalled": "signal",
		"cond unlocked":  "wait",
		"gate announced": "wait",
	} {
		t.Run(point, func(t *testing.T) {
			m, c := newTestMutex(t, nil), newTestCond(t)
			p := startCondUser(t, m, c, 1)
			dying := mortalAt(t, point, mortalCond, m.Name(), c.Name(), does)
			wantKilled(t, dying)
			start := time.Now()
			if point != "cond signalled" {
				mustSignal(t, c.Signal)
			}
			p.Expect("woken <nil>")
			ipctest.WantSince(t, start, 200*time.Millisecond)
			wantLock(t, m, false)
		})
	}
}
