package kernelobj

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// Mutex is a mutex of the kernel, by which all processes exclude each other, also
// those that use it without this package. Beside it are two semaphores:
//
//   - bw.mutex.NAME remembers whether the data is consistent. It is opened before
//     the mutex and closed after it, so that it lives as long as this process has
//     the mutex open.
//   - bw.mutex-waiters.NAME has one handle for each waiter. The kernel counts the
//     handles, and closes those of dead processes.
//
// All methods may be called concurrently.
type Mutex struct {
	waitersName string // full
	rule        access.Rule

	handle windows.Handle
	consistency
	cancel windows.Handle // an event that ends the wait in the kernel

	// turn has an element while a goroutine of this process owns the mutex or
	// waits for it in the kernel, which takes a thread. The others wait for the
	// turn. Only the goroutine that has it may use handle and cancel.
	turn   chan struct{}
	closed chan struct{} // closed by Close

	mu     sync.Mutex
	owner  *ownerThread // that owns the mutex for this process, or nil
	number uint64       // of that ownership, or of the last one
	marked bool         // the data is consistent, so that there is nothing to mark
	freed  bool         // the handles are closed

	closing  sync.Once
	closeErr error
}

// Owned is one ownership of a [Mutex].
type Owned struct {
	Number    uint64 // different for every ownership of this Mutex; not 0
	Recovered bool   // an owner died, and no owner has marked the data consistent since
	OwnerDied bool   // the previous owner died
}

// OpenMutex creates or opens the mutex, as mode says, and reports whether it
// created it. It fails with [fs.ErrExist] or [fs.ErrNotExist] as mode says, and with
// [breezeway.ErrMismatch] if an object of another kind has the name.
func OpenMutex(mode robust.OpenMode, name string, scope breezeway.Scope, rule access.Rule) (m *Mutex, created bool, err error) {
	m = &Mutex{
		waitersName: Name("bw.mutex-waiters."+name, scope), rule: rule,
		turn:   make(chan struct{}, 1),
		closed: make(chan struct{}),
	}
	created, err = m.attach(mode, Name(name, scope), Name("bw.mutex."+name, scope))
	if err != nil {
		m.free()
		return nil, false, err
	}
	return m, created, nil
}

// attach opens the handles. beside is the full name of the consistency.
func (m *Mutex) attach(mode robust.OpenMode, full, beside string) (created bool, err error) {
	m.consistency, err = openConsistency(beside, m.rule, mode != robust.Open)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if mode == robust.Open {
		m.handle, err = sys.OpenMutex(full)
	} else {
		created, err = m.create(mode, full)
	}
	if err != nil {
		return false, Explain(err, "mutex")
	}
	if m.semaphore == 0 { // only other programs have used the mutex
		if m.consistency, err = openConsistency(beside, m.rule, true); err != nil {
			return false, err
		}
	}
	if err = checkOwner(m.handle, m.rule); err != nil {
		return false, err
	}
	m.cancel, err = windows.CreateEvent(nil, 0, 0, nil)
	return created, os.NewSyscallError("CreateEvent", err)
}

// create makes the mutex, or opens it. The consistency of a new one may be left
// from a mutex whose last handles are just being closed. It is put in order before
// another process can own the new mutex.
func (m *Mutex) create(mode robust.OpenMode, full string) (created bool, err error) {
	security, err := m.rule.SecurityAttributes(sys.MutexRights)
	if err != nil {
		return false, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var existed bool
	m.handle, existed, err = sys.CreateMutex(full, security)
	if err == nil && existed && mode == robust.Create {
		err = os.NewSyscallError("CreateMutexEx", windows.ERROR_ALREADY_EXISTS)
	}
	if err != nil || existed {
		return false, err
	}
	killpoint.Here("kernel mutex made")
	now, _, err := m.get()
	if err == nil && now == inconsistent {
		err = m.markConsistent()
	}
	return true, errors.Join(err, os.NewSyscallError("ReleaseMutex", windows.ReleaseMutex(m.handle)))
}

// Acquire waits until this process owns the mutex. It fails with [context.Cause]
// when ctx is done, with [os.ErrClosed] after Close, and with [robust.ErrTaken] if
// another wait of the claim has succeeded; then the mutex is as it was. A free mutex
// is taken even if ctx is done.
//
// The kernel tells that the mutex is free by giving it. So an Acquire that fails with
// ErrTaken may have owned the mutex for a moment.
func (m *Mutex) Acquire(ctx context.Context, c *robust.Claim) (Owned, error) {
	o, ok, err := m.tryAcquire(c)
	if ok || err != nil {
		return o, err
	}
	// If the semaphore can't be had, only the count of waiters is wrong.
	if waiter, err := m.openWaiters(true); err == nil {
		defer windows.CloseHandle(waiter)
	}
	t, abandoned, err := m.await(ctx)
	if err != nil {
		return Owned{}, err
	}
	return m.own(t, abandoned, c)
}

// TryAcquire acquires the mutex if it is free, and reports whether it did.
func (m *Mutex) TryAcquire() (o Owned, ok bool, err error) { return m.tryAcquire(nil) }

func (m *Mutex) tryAcquire(c *robust.Claim) (o Owned, ok bool, err error) {
	if m.IsClosed() {
		return Owned{}, false, os.ErrClosed
	}
	select {
	case m.turn <- struct{}{}:
	default:
		return Owned{}, false, nil
	}
	t := startOwnerThread(m.handle, m.cancel, 0)
	r := <-t.waited
	if r.err != nil || !r.owns {
		<-m.turn
		return Owned{}, false, r.err
	}
	o, err = m.own(t, r.abandoned, c)
	return o, err == nil, err
}

// await waits for the turn and then for the mutex. With an error it has neither.
func (m *Mutex) await(ctx context.Context) (t *ownerThread, abandoned bool, err error) {
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	case <-m.closed:
		return nil, false, os.ErrClosed
	}
	windows.ResetEvent(m.cancel) // it may be set since a wait that got the mutex nevertheless
	t = startOwnerThread(m.handle, m.cancel, windows.INFINITE)
	var r waitResult
	select {
	case r = <-t.waited:
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-m.closed:
		err = os.ErrClosed
	}
	if err != nil {
		windows.SetEvent(m.cancel)
		r = <-t.waited
	}
	if r.owns {
		return t, r.abandoned, nil
	}
	<-m.turn
	if r.err != nil {
		err = r.err
	}
	return nil, false, err
}

// own makes t, which has the turn and the mutex, the owner for this process, or
// gives up both.
func (m *Mutex) own(t *ownerThread, abandoned bool, c *robust.Claim) (o Owned, err error) {
	killpoint.Here("kernel mutex taken")
	_, err = c.Take(func() (bool, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.IsClosed() {
			return false, os.ErrClosed
		}
		recovered, err := m.recover(abandoned)
		if err != nil {
			return false, err
		}
		m.number++
		m.owner, m.marked = t, !recovered
		o = Owned{Number: m.number, Recovered: recovered, OwnerDied: abandoned}
		return true, nil
	})
	if err == nil {
		return o, nil
	}
	if abandoned {
		// No owner has learned of the death: the next one has to.
		err = errors.Join(err, t.abandonMutex())
	} else {
		err = errors.Join(err, t.releaseMutex())
	}
	<-m.turn
	return Owned{}, err
}

// recover reports whether the data is inconsistent. It notes the death of the
// previous owner before this one can change the data.
func (m *Mutex) recover(abandoned bool) (recovered bool, err error) {
	now, _, err := m.get()
	if err != nil {
		return false, err
	}
	if abandoned {
		if err := m.ownerDied(now); err != nil {
			return false, err
		}
		killpoint.Here("kernel mutex inherited")
	}
	return abandoned || now == inconsistent, nil
}

// MarkConsistent marks the data consistent. It fails with [robust.ErrNotHeld] if the
// ownership with that number has ended.
func (m *Mutex) MarkConsistent(number uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.owner == nil || number != m.number {
		return robust.ErrNotHeld
	}
	if m.marked {
		return nil
	}
	err := m.markConsistent()
	m.marked = err == nil
	return err
}

// Release ends the ownership with that number, or fails with [robust.ErrNotHeld]. Data
// that is not marked consistent stays so.
func (m *Mutex) Release(number uint64) error {
	m.mu.Lock()
	t := m.owner
	if t == nil || number != m.number {
		m.mu.Unlock()
		return robust.ErrNotHeld
	}
	m.owner = nil
	m.mu.Unlock()
	err := t.releaseMutex()
	<-m.turn
	return err
}

// IsClosed reports whether Close was called.
func (m *Mutex) IsClosed() bool {
	select {
	case <-m.closed:
		return true
	default:
		return false
	}
}

// Close ends the waits with [os.ErrClosed], and closes the mutex. If this process
// owns it, the next owner finds that its owner died. Closing again does nothing.
func (m *Mutex) Close() error {
	m.closing.Do(func() {
		m.mu.Lock()
		close(m.closed)
		t := m.owner
		m.owner = nil
		m.mu.Unlock()
		var err error
		if t != nil {
			err = t.abandonMutex()
			<-m.turn
		}
		m.turn <- struct{}{} // never given back: all waiters have left
		m.mu.Lock()
		defer m.mu.Unlock()
		m.freed = true
		m.closeErr = errors.Join(err, m.free())
	})
	return m.closeErr
}

// free closes the handles that are open.
func (m *Mutex) free() error {
	var err error
	for _, h := range []windows.Handle{m.cancel, m.handle, m.semaphore} {
		if h != 0 {
			err = errors.Join(err, windows.CloseHandle(h))
		}
	}
	return os.NewSyscallError("CloseHandle", err)
}
