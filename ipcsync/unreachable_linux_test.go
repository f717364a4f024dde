package ipcsync

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// careless locks the object Args[1] of the kind Args[0] and forgets it, as a program
// does that is to run only once at a time.
var careless = ipctest.Helper("careless", func(c *ipctest.Control) error {
	name := c.Args[1]
	err := func() (err error) {
		switch Kind(c.Args[0]) {
		case KindMutex:
			var m *Mutex
			if m, err = OpenOrCreateMutex(name, nil); err == nil {
				_, _, err = m.TryLock()
			}
		case KindRWMutex:
			var m *RWMutex
			if m, err = OpenOrCreateRWMutex(name, nil); err == nil {
				_, _, err = m.TryLock()
			}
		case KindLeader:
			_, err = Lead(context.Background(), name, nil)
		case KindSemaphore:
			var s *Semaphore
			if s, err = OpenOrCreateSemaphore(name, 1, tracking); err == nil {
				_, err = s.TryAcquire()
			}
		case fileLockKind:
			var l *FileLock
			if l, err = OpenFileLock(name, nil); err == nil {
				_, _, err = l.TryLock()
			}
		}
		return err
	}()
	if err != nil {
		return err
	}
	for range 5 { // finalizers and clean-ups run some time after a collection
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	c.Say("forgotten")
	c.Hear()
	return nil
})

// What a process holds it holds until it unlocks or ends, also when nothing in the
// process refers to it any more.
func TestForgottenLockIsHeld(t *testing.T) {
	for kind, try := range map[Kind]func(name string) (bool, error){
		KindMutex: func(name string) (bool, error) {
			m, err := OpenMutex(name, nil)
			if err != nil {
				return false, err
			}
			defer m.Close()
			_, ok, err := m.TryLock()
			return ok, err
		},
		KindRWMutex: func(name string) (bool, error) {
			m, err := OpenRWMutex(name, nil)
			if err != nil {
				return false, err
			}
			defer m.Close()
			_, ok, err := m.TryLock()
			return ok, err
		},
		KindLeader: func(name string) (bool, error) {
			st, err := Stat(KindLeader, name, nil)
			return st.Holders == 0, err
		},
		KindSemaphore: func(name string) (bool, error) {
			s, err := OpenSemaphore(name, tracking)
			if err != nil {
				return false, err
			}
			defer s.Close()
			return s.TryAcquire()
		},
		fileLockKind: func(name string) (bool, error) {
			l, err := OpenFileLock(name, nil)
			if err != nil {
				return false, err
			}
			defer l.Close()
			_, ok, err := l.TryLock()
			return ok, err
		},
	} {
		t.Run(kind.what(), func(t *testing.T) {
			name := ipctest.UniqueName()
			if kind == fileLockKind {
				name = t.TempDir() + "/lock"
			} else {
				defer Remove(kind, name, nil)
			}
			p := ipctest.Start(t, careless, string(kind), name)
			p.Expect("forgotten")
			if free, err := try(name); free || err != nil {
				t.Errorf("it is free: %v, %v", free, err)
			}
			p.Kill()
			p.Wait()
			for end := time.Now().Add(ipctest.Patience); ; {
				if free, err := try(name); err != nil {
					t.Fatal(err)
				} else if free {
					break
				}
				if time.Now().After(end) {
					t.Fatal("it is still held")
				}
			}
		})
	}
}
