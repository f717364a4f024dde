//go:build killpoints

package ipcsync

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// mortalRemover removes the object Args[1] of the kind Args[0].
var mortalRemover = ipctest.Helper("mortal remover", func(c *ipctest.Control) error {
	return Remove(Kind(c.Args[0]), c.Args[1], nil)
})

// Wherever a process is killed that removes an object, no process uses the object any
// more, Open finds none, and the name can be created and removed.
func TestRemoveKilledBetweenMarkAndUnlink(t *testing.T) {
	for _, point := range []string{"object marked", "object to be unlinked"} {
		eachKind(t, func(t *testing.T, kind Kind, o opener) {
			if kind == KindSemaphore {
				return // it is not marked
			}
			kill := func() (name string, old io.Closer) {
				name = ipctest.UniqueName()
				old, err := o.create(name, nil)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { old.Close() })
				wantKilled(t, mortalAt(t, point, mortalRemover, string(kind), name))
				if _, err := os.Lstat("/dev/shm/bw." + kindTable[kind].file + "." + name); err != nil {
					t.Fatal(err)
				}
				_, err = o.open(name, nil)
				ipctest.WantError(t, err, os.ErrNotExist)
				_, err = Stat(kind, name, nil)
				ipctest.WantError(t, err, os.ErrNotExist)
				return name, old
			}
			for _, create := range []func(string, *Config) (io.Closer, error){o.create, o.openOrCreate} {
				name, _ := kill()
				c, err := create(name, nil)
				if err != nil {
					t.Fatal(err)
				}
				_, err = o.create(name, nil)
				ipctest.WantError(t, err, os.ErrExist)
				c.Close()
				mustRemove(t, kind, name)
			}
			name, old := kill()
			mustRemove(t, kind, name)
			ipctest.WantError(t, Remove(kind, name, nil), os.ErrNotExist)
			if m, ok := old.(*Mutex); ok {
				_, err := m.Lock(t.Context())
				ipctest.WantError(t, err, breezeway.ErrRemoved)
			}
		})
	}
}

// Waiters that a killed Remove has not woken look by themselves.
func TestWaitersOfAKilledRemove(t *testing.T) {
	m := newTestMutex(t, nil)
	h := mustLock(t, m)
	ended := make(chan error, 1)
	go func() {
		_, err := m.Lock(t.Context())
		ended <- err
	}()
	awaitWaiters(t, m, 1)
	wantKilled(t, mortalAt(t, "object marked", mortalRemover, string(KindMutex), m.Name()))
	start := time.Now()
	ipctest.WantError(t, <-ended, breezeway.ErrRemoved)
	ipctest.WantSince(t, start, 600*time.Millisecond)
	ipctest.WantError(t, h.Unlock(), breezeway.ErrRemoved)
}

// What begins with the removal of a marked object goes on if rm is faster.
func TestMarkedObjectVanishesBeforeItIsUnlinked(t *testing.T) {
	vanish := func(name string) {
		killpoint.Stall("object to be unlinked", func() {
			if err := os.Remove("/dev/shm/bw.mutex." + name); err != nil {
				t.Error(err)
			}
		})
	}
	marked := func() string {
		name := newTestMutex(t, nil).Name()
		wantKilled(t, mortalAt(t, "object marked", mortalRemover, string(KindMutex), name))
		return name
	}
	for _, create := range []func(string, *Config) (*Mutex, error){CreateMutex, OpenOrCreateMutex} {
		name := marked()
		vanish(name)
		m, err := create(name, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		m.Close()
		mustRemove(t, KindMutex, name)
	}
	m := newTestMutex(t, nil)
	vanish(m.Name())
	if err := Remove(KindMutex, m.Name(), nil); err != nil {
		t.Error("it was marked: ", err)
	}
}

// A process that has created an object, and finds no slot since others have them all, leaves
// it to these.
func TestCreatorWithoutASlotLeavesTheObject(t *testing.T) {
	for _, create := range []func(string, *Config) (*Mutex, error){CreateMutex, OpenOrCreateMutex} {
		name := ipctest.UniqueName()
		defer removeIfThere(t, KindMutex, name)
		var faster *Mutex
		killpoint.Stall("object linked", func() {
			var err error
			if faster, err = OpenMutex(name, nil); err != nil {
				t.Error(err)
			}
		})
		_, err := create(name, &Config{Slots: 1})
		ipctest.WantError(t, err, breezeway.ErrTooLarge)
		if err := lockAndUnlock(faster); err != nil {
			t.Error(err)
		}
		if st, err := Stat(KindMutex, name, nil); err != nil || st.Value != 1 {
			t.Error(st, err)
		}
		faster.Close()
	}
}
