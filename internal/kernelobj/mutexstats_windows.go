package kernelobj

import (
	"errors"
	"io/fs"
	"os"

	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// MutexStats is the state of a mutex.
type MutexStats struct {
	Owned      bool
	PID        int  // the owner's process, 0 if that isn't known
	Abandoned  bool // it is free, and its last owner died
	Recovered  bool // the data is inconsistent, so that the next Owned is Recovered
	Recoveries int
	Waiters    int // of processes that use this package
}

// Stats returns the state of the mutex.
func (m *Mutex) Stats() (MutexStats, error) {
	m.mu.Lock() // so that the handles stay open
	defer m.mu.Unlock()
	if m.freed {
		return MutexStats{}, os.ErrClosed
	}
	info, err := sys.QueryMutex(m.handle)
	if err != nil {
		return MutexStats{}, err
	}
	now, recoveries, err := m.get()
	if err != nil {
		return MutexStats{}, err
	}
	waiters, err := m.countWaiters()
	return MutexStats{
		Owned: info.Held, PID: info.PID, Abandoned: !info.Held && info.Abandoned,
		Recovered:  now == inconsistent || !info.Held && info.Abandoned,
		Recoveries: int(recoveries), Waiters: waiters,
	}, err
}

// countWaiters counts the waiters of processes that use this package, and the other
// callers of countWaiters at this moment.
func (m *Mutex) countWaiters() (int, error) {
	semaphore, err := m.openWaiters(false)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer windows.CloseHandle(semaphore)
	n, err := sys.HandleCount(semaphore)
	return n - 1, err
}

// openWaiters opens the semaphore that counts waiters. Its owner is not checked: a
// process of any user that the mutex admits may have been the first to wait.
func (m *Mutex) openWaiters(create bool) (windows.Handle, error) {
	open := func() (windows.Handle, error) {
		h, err := sys.OpenSemaphore(m.waitersName)
		return h, Explain(err, "semaphore")
	}
	if !create {
		return open()
	}
	h, _, err := object.OpenOrMake(open, func() (windows.Handle, error) {
		return CreateSemaphore(m.waitersName, 0, 1, m.rule)
	})
	return h, err
}
