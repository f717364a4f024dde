//go:build killpoints

package ipcsync

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// Wherever an owner of the kernel's mutex is killed, the next ones are told until
// one of them marks the data consistent, unless the mutex has gone with the owner.
func TestKillMatrixKernelMutex(t *testing.T) {
	name := ipctest.UniqueName()
	wantKilled(t, mortalAt(t, "kernel mutex made", mortal, name))
	m, err := CreateMutex(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	wantLock(t, m, false)

	const taken, inherited, nowhere = "kernel mutex taken", "kernel mutex inherited", ""
	for _, points := range [][]string{
		{taken},
		{taken, taken, taken},
		{taken, inherited, inherited},
		{taken, inherited, taken, taken},
		{taken, nowhere}, // it unlocks without a mark
		{taken, inherited, nowhere, taken, nowhere, nowhere},
	} {
		for _, point := range points {
			p := mortalAt(t, point, mortal, name)
			if point != nowhere {
				wantKilled(t, p)
			} else if err := p.Wait(); err != nil {
				t.Fatal(err)
			}
		}
		wantLock(t, m, true)
		wantLock(t, m, false)
	}
}
