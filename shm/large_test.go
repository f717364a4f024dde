package shm

import (
	"runtime"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// heavy is a large type, of which no call may allocate one.
type heavy [64 << 20]byte

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestLargeStructIsNotAllocated(t *testing.T) {
	name := ipctest.UniqueName()
	n := allocated(func() { mustOpenStruct[heavy](t, name, nil).Value()[1] = 7 })
	n += allocated(func() { mustOpenStruct[heavy](t, name, nil).Value()[2]++ })
	if n > 1<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}

func TestLargeLatestIsNotAllocated(t *testing.T) {
	name := ipctest.UniqueName()
	var l *Latest[heavy]
	var w *LatestWriter[heavy]
	var err error
	const own = 64 << 20 // Go allocates the variable of a caller to which a large T is returned
	value := new(heavy)
	for _, c := range []struct {
		name string
		call func()
		most uint64
	}{
		{"CreateLatest", func() { l, err = CreateLatest[heavy](name, nil) }, 0},
		{"Load of nothing", func() { _, _, err = l.Load() }, own},
		{"TryWriter", func() { w, err = l.TryWriter() }, 0},
		{"Store", func() { err = w.Store(*value) }, 0},
		{"Load", func() { _, _, err = l.Load() }, own},
		{"Wait", func() { _, _, err = l.Wait(t.Context(), 0) }, own},
		{"Close", func() { err = l.Close() }, 0},
		{"Remove", func() { err = Remove(KindLatest, name, nil) }, 0},
	} {
		n := allocated(c.call)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if n > c.most+1<<20 {
			t.Errorf("%s allocates %d bytes", c.name, n)
		}
	}
}
