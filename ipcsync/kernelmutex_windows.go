package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// kernelMutex is a mutex of the kernel, by which all processes exclude each other,
// also those that know nothing of us. Beside it are two semaphores:
//
//   - bw.mutex.NAME is its [consistency]. It is opened before the mutex and closed
//     after it, so that it lives as long as the mutex is ours;
//   - bw.mutex-waiters.NAME has a handle for everybody who waits. The kernel
//     counts them, and closes those of the dead.
type kernelMutex struct {
	name    string
	waiting string // the full name of the second semaphore
	access  access.Rule
	log     *slog.Logger

	mutex windows.Handle
	consistency
	bell windows.Handle // ends the wait in the kernel

	// turn has an element while somebody of this process holds the mutex or
	// waits for it in the kernel, which costs a thread. The others wait for the
	// turn. Only who has it may use mutex and bell.
	turn chan struct{}
	shut chan struct{} // closed by Close

	mu     sync.Mutex
	keeper *keeper // who holds the mutex for this process, if somebody does
	ticket uint64  // of that, or of the last one
	mended bool    // it was inherited and is marked consistent
	closed bool    // the handles are

	closing sync.Once
	err     error // of Close
}

// newKernelMutex comes to the kernel's mutex.
func newKernelMutex(h how, name string, cfg *Config) (m *kernelMutex, created bool, err error) {
	set, err := cfg.settings()
	if err == nil {
		err = breezeway.CheckName(name)
	}
	if err != nil {
		return nil, false, err
	}
	m = &kernelMutex{
		name: name, access: set.access, log: set.Logger,
		waiting: kernelName("bw.mutex-waiters."+name, set.Scope),
		turn:    make(chan struct{}, 1),
		shut:    make(chan struct{}),
	}
	if created, err = m.attach(h, kernelName(name, set.Scope), kernelName("bw.mutex."+name, set.Scope)); err != nil {
		m.free()
		return nil, false, err
	}
	return m, created, nil
}

// attach opens the handles.
func (m *kernelMutex) attach(h how, full, beside string) (created bool, err error) {
	m.consistency, err = openConsistency(h, beside, m.access)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if h == open {
		m.mutex, err = sys.OpenMutex(full)
	} else {
		created, err = m.create(h, full)
	}
	if err != nil {
		return false, explainKernel(err, "mutex")
	}
	if m.semaphore == 0 { // nobody has used the mutex through us yet
		if m.consistency, err = openConsistency(openOrCreate, beside, m.access); err != nil {
			return false, err
		}
	}
	if err = admitOwner(m.mutex, m.access); err != nil {
		return false, err
	}
	m.bell, err = windows.CreateEvent(nil, 0, 0, nil)
	return created, os.NewSyscallError("CreateEvent", err)
}

// create makes the mutex, or opens it. What is beside a new one may be left from
// another that is just going, and is put in order before anybody can have the
// mutex.
func (m *kernelMutex) create(h how, full string) (created bool, err error) {
	security, err := m.access.SecurityAttributes(sys.MutexRights)
	if err != nil {
		return false, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var existed bool
	m.mutex, existed, err = sys.CreateMutex(full, security)
	if err == nil && existed && h == create {
		err = os.NewSyscallError("CreateMutexEx", windows.ERROR_ALREADY_EXISTS)
	}
	if err != nil || existed {
		return false, err
	}
	killpoint.Here("kernel mutex made")
	now, _, err := m.get()
	if err == nil && now != consistent {
		err = m.set(now, consistent, false)
	}
	return true, errors.Join(err, os.NewSyscallError("ReleaseMutex", windows.ReleaseMutex(m.mutex)))
}

func (m *kernelMutex) lock(ctx context.Context, c *claim) (Held, error) {
	h, ok, err := m.try(c)
	if err == nil && !ok {
		h, err = m.wait(ctx, c)
	}
	return h, m.fail("lock", err)
}

func (m *kernelMutex) tryLock() (Held, bool, error) {
	h, ok, err := m.try(nil)
	return h, ok, m.fail("lock", err)
}

func (m *kernelMutex) try(c *claim) (h Held, ok bool, err error) {
	if m.isShut() {
		return Held{}, false, os.ErrClosed
	}
	select {
	case m.turn <- struct{}{}:
	default:
		return Held{}, false, nil
	}
	k := newKeeper(m.mutex, m.bell, 0)
	w := <-k.waited
	if w.err != nil || !w.holds {
		<-m.turn
		return Held{}, false, w.err
	}
	h, err = m.take(k, w.abandoned, c)
	return h, err == nil, err
}

func (m *kernelMutex) wait(ctx context.Context, c *claim) (Held, error) {
	// If it can't be had, only the count of waiters is wrong.
	if seat, err := openKernelSemaphore(openOrCreate, m.waiting, 0, 1, m.access); err == nil {
		defer windows.CloseHandle(seat)
	}
	k, abandoned, err := m.own(ctx)
	if err != nil {
		return Held{}, err
	}
	return m.take(k, abandoned, c)
}

// own waits for the turn and then for the kernel's mutex. With an error it has
// neither.
func (m *kernelMutex) own(ctx context.Context) (k *keeper, abandoned bool, err error) {
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	case <-m.shut:
		return nil, false, os.ErrClosed
	}
	windows.ResetEvent(m.bell) // it may be left from one who got the mutex nevertheless
	k = newKeeper(m.mutex, m.bell, windows.INFINITE)
	var w waited
	select {
	case w = <-k.waited:
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-m.shut:
		err = os.ErrClosed
	}
	if err != nil {
		windows.SetEvent(m.bell)
		w = <-k.waited
	}
	if w.holds {
		return k, w.abandoned, nil
	}
	<-m.turn
	if w.err != nil {
		err = w.err
	}
	return nil, false, err
}

// take makes this process's holder of who has the turn and the kernel's mutex, or
// gives both up. Since the kernel tells that the mutex is free by giving it, a
// claim that has taken something else meanwhile has had it for a moment.
func (m *kernelMutex) take(k *keeper, abandoned bool, c *claim) (h Held, err error) {
	killpoint.Here("kernel mutex taken")
	var recovered bool
	_, err = c.take(func() (bool, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.isShut() {
			return false, os.ErrClosed
		}
		if recovered, err = m.inherit(abandoned); err != nil {
			return false, err
		}
		m.ticket = m.ticket&^inherited + once
		if recovered {
			m.ticket |= inherited
		}
		m.keeper, m.mended = k, false
		h = Held{m, m.ticket}
		return true, nil
	})
	switch {
	case err != nil && abandoned && !errors.Is(err, errNotRecoverable):
		// Nobody was told that the owner died: the next one is to be.
		err = errors.Join(err, k.abandon())
	case err != nil:
		err = errors.Join(err, k.unlock())
	case recovered:
		m.log.Warn("the process that held the lock died; this one has it now", slog.String("kind", mutexKind), slog.String("name", m.name))
	}
	if err != nil {
		<-m.turn
	}
	return h, err
}

// inherit finds out what the mutex's last holder left, and notes it before anybody
// can rely on it.
func (m *kernelMutex) inherit(abandoned bool) (recovered bool, err error) {
	now, _, err := m.get()
	if err != nil {
		return false, err
	}
	next := now
	if abandoned {
		if now == consistent {
			next = inconsistent
		} else {
			next = unrecoverable
		}
		if err := m.set(now, next, true); err != nil {
			return false, err
		}
		killpoint.Here("kernel mutex inherited")
	}
	if next == unrecoverable {
		return false, errNotRecoverable
	}
	return next == inconsistent, nil
}

func (m *kernelMutex) unlock(ticket uint64) error {
	m.mu.Lock()
	k := m.keeper
	if k == nil || ticket != m.ticket {
		m.mu.Unlock()
		return m.fail("unlock", errNotHeld)
	}
	m.keeper = nil
	spoils := ticket&inherited != 0 && !m.mended
	m.mu.Unlock()
	var err error
	if spoils {
		err = m.set(inconsistent, unrecoverable, false)
		killpoint.Here("kernel mutex spoiled")
	}
	err = errors.Join(err, k.unlock())
	<-m.turn
	return m.fail("unlock", err)
}

func (m *kernelMutex) markConsistent(ticket uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keeper == nil || ticket != m.ticket {
		return m.fail("mark consistent", errNotHeld)
	}
	if m.mended {
		return nil
	}
	err := m.set(inconsistent, consistent, false)
	m.mended = err == nil
	return m.fail("mark consistent", err)
}

// resetPatience is how long Reset waits for who holds what is not recoverable: one of
// ours who is just being told so, or somebody who doesn't know us.
const resetPatience = time.Second

func (m *kernelMutex) reset() error {
	return m.fail("reset", m.tryReset())
}

func (m *kernelMutex) tryReset() error {
	var now condition
	var info sys.MutexInfo
	err := m.use(func() (err error) {
		if info, err = sys.QueryMutex(m.mutex); err == nil {
			now, _, err = m.get()
		}
		return err
	})
	if err != nil || now == consistent || now == inconsistent && info.Held {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), resetPatience,
		fmt.Errorf("a program that doesn't know that it is not recoverable holds it; wait until it has unlocked it (%w)", os.ErrDeadlineExceeded))
	defer cancel()
	k, abandoned, err := m.own(ctx)
	if err != nil {
		return err
	}
	defer func() { <-m.turn }()
	switch now, _, err = m.get(); {
	case err == nil && (now == unrecoverable || now == inconsistent && abandoned): // by its heir
		err = m.set(now, consistent, false)
		killpoint.Here("kernel mutex reset")
	case abandoned: // by one who had it after somebody else's Reset
		return errors.Join(err, k.abandon())
	}
	return errors.Join(err, k.unlock())
}

func (m *kernelMutex) stats() (st Stats, err error) {
	st = Stats{Max: -1}
	err = m.use(func() error {
		info, err := sys.QueryMutex(m.mutex)
		if err != nil {
			return err
		}
		switch {
		case info.Held:
			st.Holders = 1
			if info.PID != 0 {
				st.PIDs = []int{info.PID}
			}
		case !info.Abandoned:
			st.Value = 1
		}
		now, recoveries, err := m.get()
		if err != nil {
			return err
		}
		st.Recoveries = int64(recoveries)
		if st.NotRecoverable = now == unrecoverable && st.Holders == 0; st.NotRecoverable {
			st.Value = 0
		}
		st.Waiters, err = m.waiters()
		return err
	})
	if err != nil {
		return Stats{}, m.fail("stat", err)
	}
	return st, nil
}

// waiters counts who waits, of our processes, and who else counts at this moment.
func (m *kernelMutex) waiters() (int, error) {
	seat, err := openKernelSemaphore(open, m.waiting, 0, 1, m.access)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer windows.CloseHandle(seat)
	n, err := sys.HandleCount(seat)
	return n - 1, err
}

// use calls f while the handles are open. They are not closed while somebody has
// the turn, either.
func (m *kernelMutex) use(f func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return os.ErrClosed
	}
	return f()
}

func (m *kernelMutex) isShut() bool {
	select {
	case <-m.shut:
		return true
	default:
		return false
	}
}

func (m *kernelMutex) fail(op string, err error) error {
	if err != nil && m.isShut() {
		err = os.ErrClosed
	}
	return failed(mutexKind, op, m.name, err)
}

func (m *kernelMutex) Close() error {
	m.closing.Do(func() {
		m.mu.Lock()
		close(m.shut)
		k := m.keeper
		m.keeper = nil
		m.mu.Unlock()
		var err error
		if k != nil {
			err = k.abandon()
			<-m.turn
		}
		m.turn <- struct{}{} // for good: everybody who waited has left
		m.mu.Lock()
		defer m.mu.Unlock()
		m.closed = true
		m.err = failed(mutexKind, "close", m.name, errors.Join(err, m.free()))
	})
	return m.err
}

// free closes the handles that are open.
func (m *kernelMutex) free() error {
	var err error
	for _, h := range []windows.Handle{m.bell, m.mutex, m.semaphore} {
		if h != 0 {
			err = errors.Join(err, windows.CloseHandle(h))
		}
	}
	return os.NewSyscallError("CloseHandle", err)
}
