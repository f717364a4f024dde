package ipcsync

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// newPlace makes a file of n objects' size, mapped.
func newPlace(t testing.TB, n int) Place {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "shared"))
	if err != nil {
		t.Fatal(err)
	}
	p := openPlace(t, f, int64(n*Size))
	return p
}

func openPlace(t testing.TB, f *os.File, size int64) Place {
	t.Helper()
	m, err := mmap.Map(f, &mmap.Config{Capacity: size})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.Close()
		f.Close()
	})
	return Place{File: f}
}

// placed opens the mutex at offset Args[1] of the file Args[0], when it hears of
// it, and says its slot. Then it locks it and unlocks it as it hears.
var placed = ipctest.Helper("placed", func(c *ipctest.Control) error {
	f, err := os.OpenFile(c.Args[0], os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	mapping, err := mmap.Map(f, nil)
	if err != nil {
		return err
	}
	defer mapping.Close()
	offset, err := strconv.Atoi(c.Args[1])
	if err != nil {
		return err
	}
	c.Hear()
	m, err := OpenMutex("", &Config{At: Place{f, int64(offset)}})
	if err != nil {
		return err
	}
	defer m.Close()
	c.Say("slot %d", slotOf(m))
	var h Held
	for {
		switch c.Hear() {
		case "lock":
			h, err = m.Lock(context.Background())
			c.Say("locked %v", h.Recovered())
		case "unlock":
			err = h.Unlock()
			c.Say("unlocked")
		default:
			return err
		}
		if err != nil {
			return err
		}
	}
})

func slotOf(m *Mutex) int { return m.mutex.(sharedMutex).Me.Holder.Slot() }

// Several locks in one file don't disturb each other, and each knows when its
// holder dies.
func TestMutexInPlace(t *testing.T) {
	at := newPlace(t, 3)
	var locks []*Mutex
	for i := range 3 {
		at.Offset = int64(i * Size)
		_, err := OpenMutex("", &Config{At: at})
		ipctest.WantError(t, err, fs.ErrNotExist)
		m, err := CreateMutex("", &Config{At: at})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		_, err = CreateMutex("", &Config{At: at})
		ipctest.WantError(t, err, fs.ErrExist)
		locks = append(locks, m)
	}
	first := mustLock(t, locks[0])
	p := ipctest.Start(t, placed, at.File.Name(), strconv.Itoa(Size))
	p.Say("open")
	p.Expect("slot 1")
	p.Say("lock")
	p.Expect("locked false")
	wantBusy(t, locks[1])
	last := mustLock(t, locks[2])
	p.Kill()
	h := mustLock(t, locks[1])
	if !h.Recovered() {
		t.Error("not told that the holder died")
	}
	mustUnlock(t, first)
	mustUnlock(t, last)

	at.Offset = 1
	_, err := CreateMutex("", &Config{At: at})
	ipctest.WantError(t, err, os.ErrInvalid, "64")
	at.Offset = 3 * Size
	_, err = CreateMutex("", &Config{At: at})
	ipctest.WantError(t, err, os.ErrInvalid, "make the file larger")
}

// A process that takes a dead one's slot at once is not taken for it: a waiter gets
// the dead one's lock.
func TestMutexSlotTakenAtOnce(t *testing.T) {
	at := newPlace(t, 1)
	m, err := CreateMutex("", &Config{At: at})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for range 10 {
		start := func() *ipctest.Process { return ipctest.Start(t, placed, at.File.Name(), "0") }
		dying, next := start(), start()
		dying.Say("open")
		dying.Expect("slot 1")
		dying.Say("lock")
		dying.Expect("locked false")
		locked := make(chan Held)
		go func() {
			h, err := m.Lock(context.Background())
			if err != nil {
				t.Error(err)
			}
			locked <- h
		}()
		awaitWaiters(t, m, 1)
		dying.Kill()
		next.Say("open")
		next.Expect("slot 1")
		select {
		case h := <-locked:
			if !h.Recovered() {
				t.Error("not told that the holder died")
			}
			// Nor does it think that it has the lock.
			next.Say("lock")
			awaitWaiters(t, m, 1)
			if err := h.MarkConsistent(); err != nil {
				t.Error(err)
			}
			mustUnlock(t, h)
			next.Expect("locked false")
			next.Say("unlock")
			next.Expect("unlocked")
		case <-time.After(ipctest.Patience):
			t.Fatal("the new process is taken for the dead one")
		}
		next.Say("end")
		next.Wait()
	}
}

// Nonsense in the words of a mutex that is in use is an error, and nothing worse.
func TestMutexOverwritten(t *testing.T) {
	at := newPlace(t, 1)
	m, err := CreateMutex("", &Config{At: at})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	word := m.mutex.(sharedMutex).Word
	word.Store(robust.DefaultSlots + 1) // the number behind the last
	_, err = m.Lock(t.Context())
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	_, _, err = m.TryLock()
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	_, err = m.Stats()
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	word.Store(uint64(0xfffe))
	_, err = m.Lock(t.Context())
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	for range ipctest.Count(1000) {
		word.Store(rand.Uint64())
		for i := range m.mutex.(sharedMutex).Slots.Entries() {
			if i != slotOf(m) {
				m.mutex.(sharedMutex).Slots.Entries()[i].State.Store(rand.Uint64())
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if h, err := m.Lock(ctx); err == nil {
			h.MarkConsistent()
			h.Unlock()
		}
		cancel()
		m.Stats()
	}
	word.Store(0)
	mustUnlock(t, mustLock(t, m))
}
