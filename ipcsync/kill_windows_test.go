//go:build killpoints

package ipcsync

import (
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// resetter resets the mutex Args[0].
var resetter = ipctest.Helper("resetter", func(c *ipctest.Control) error {
	m, err := OpenMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	return m.Reset()
})

// Whoever is killed with the kernel's mutex, the next one is told, unless the
// mutex has gone with him.
func TestKillMatrixKernelMutex(t *testing.T) {
	name := ipctest.UniqueName()
	wantKilled(t, mortalAt(t, "kernel mutex made", mortal, name))
	m, err := CreateMutex(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	wantLock(t, m, false)

	const taken, inherited, spoiled = "kernel mutex taken", "kernel mutex inherited", "kernel mutex spoiled"
	for _, points := range [][]string{
		{taken},
		{taken, taken, taken}, // none of them could touch anything
	} {
		for _, point := range points {
			wantKilled(t, mortalAt(t, point, mortal, name))
		}
		wantLock(t, m, true)
		wantLock(t, m, false)
	}
	for _, points := range [][]string{
		{taken, inherited, inherited},
		{taken, inherited, taken, taken}, // the last finds it out and is killed telling it
		{taken, spoiled},
	} {
		for _, point := range points {
			wantKilled(t, mortalAt(t, point, mortal, name))
		}
		_, err := m.Lock(t.Context())
		wantError(t, err, breezeway.ErrNotRecoverable)
		wantKilled(t, mortalAt(t, taken, mortal, name))
		_, err = m.Lock(t.Context())
		wantError(t, err, breezeway.ErrNotRecoverable)
		if err := m.Reset(); err != nil {
			t.Fatal(err)
		}
		wantLock(t, m, false)
	}

	wantKilled(t, mortalAt(t, taken, mortal, name))
	wantKilled(t, mortalAt(t, spoiled, mortal, name))
	wantKilled(t, mortalAt(t, "kernel mutex reset", resetter, name))
	wantLock(t, m, true)
}
