package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// FileLock locks a file, or ranges of its bytes: exclusively, or together with
// others that share it. The file's content doesn't matter, and isn't touched. Its
// methods may be called by several goroutines, which exclude each other as
// processes do: each [Held] is a lock by itself, with a descriptor of its own.
// Nothing is recursive, and a shared lock can't become an exclusive one.
//
// It excludes, besides other FileLocks:
//
//   - On Linux every program that locks with fcntl(2): lockf(3), Python's fcntl.lockf,
//     FileStream.Lock of .NET. Ours are open file description locks, which, unlike
//     theirs, don't vanish when the process closes some other descriptor of the
//     file. They don't meet flock(2), which flock(1), Python's fcntl.flock and
//     FileShare of .NET use: for these set Config.Flock.
//   - On Windows every program that locks with LockFileEx, such as FileStream.Lock.
//     There a lock is not only an agreement: what is locked exclusively can't be
//     read or written, and what is locked shared can't be written, through any
//     other handle, of this process too, so not by the holder itself. (Mapped
//     memory is not concerned.) Lock a file made for it, or a range where the
//     data will never reach: it need not exist.
//   - On other systems every program that locks with flock(2), and whole files
//     only.
//
// The kernel drops the locks of a process that dies, also if another process has
// inherited its descriptors. It doesn't tell the next holder: [Held.Recovered] is
// always false. A holder that is stopped keeps its locks.
//
// A lock holds for the file, not for its name. If the path leads to another file
// or none, because it was removed or replaced, all that is tried from then on
// fails with [breezeway.ErrRemoved], and so do waiters, within a second; what is
// held stays held. On Windows it can't be removed while it is open.
//
// Waiters sleep in the kernel, which serves them in no particular order. Of those
// in one FileLock that want the same, only the first sleeps there, and takes a
// thread. On other systems than Linux and Windows, and under Wine, it looks every
// 10 ms. To lock and unlock costs some system calls, also without other users:
// several µs.
type FileLock struct {
	name   string
	path   string      // name, whatever the current directory becomes
	file   *os.File    // never locked itself
	info   fs.FileInfo // of file
	flock  bool
	denied error         // why there are no exclusive locks, or nil
	done   chan struct{} // closed by Close

	mu     sync.Mutex
	closed bool
	last   uint64 // ticket
	held   map[uint64]*sys.RangeLock
	turns  map[sys.Range]*turn
}

// turn is for goroutines that want the same lock. One at a time asks the kernel.
type turn struct {
	free  chan error // has one element, nil, while the turn is free
	users int
}

// OpenFileLock opens the file at path, and makes it if there is none, empty, with
// the rights that Config.Mode and Config.Allow say. It never changes an existing
// file, nor asks to which user it belongs: a program that may open it may lock it.
// Symbolic links are followed. What is no regular file is [breezeway.ErrMismatch].
//
// A file that this process may only read will do for shared locks. For exclusive
// ones Linux wants the right to write, except with Config.Flock.
//
// To be rid of the file, remove it with [os.Remove] when no process uses it.
func OpenFileLock(path string, cfg *Config) (*FileLock, error) {
	l, err := openFileLock(path, cfg)
	return l, fileLockKind.fail(breezeway.OpOpen, path, err)
}

func openFileLock(path string, cfg *Config) (*FileLock, error) {
	s, err := cfg.settings(fileLockKind)
	if err != nil {
		return nil, err
	}
	if s.Flock && !sys.HasFlock {
		return nil, fmt.Errorf("%s: this system has no flock(2) (%w)", fail.Go("Config.Flock"), errors.ErrUnsupported)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	l := &FileLock{
		name: path, path: absolute, flock: s.Flock, done: make(chan struct{}),
		held: map[uint64]*sys.RangeLock{}, turns: map[sys.Range]*turn{},
	}
	l.file, l.denied, err = openOrMake(absolute, s)
	if err != nil {
		return nil, err
	}
	if l.info, err = l.file.Stat(); err == nil && !l.info.Mode().IsRegular() {
		err = notRegular(l.info)
	}
	if err != nil {
		l.file.Close()
		return nil, err
	}
	if s.Flock || !sys.LockNeedsWrite {
		l.denied = nil
	}
	return l, nil
}

// openOrMake also says why the file could not be opened for writing.
func openOrMake(path string, s settings) (f *os.File, readOnly error, err error) {
	open := func() (*os.File, error) {
		f, readOnly, err = openExisting(path)
		return f, err
	}
	f, _, err = object.OpenOrMake(open, func() (*os.File, error) {
		if err := makeFile(path, s); err != nil {
			return nil, err
		}
		f, err := open()
		if errors.Is(err, fs.ErrNotExist) {
			err = fs.ErrExist // and was removed at once: try again
		}
		return f, err
	})
	if errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("it is a symbolic link to nothing, or it is removed again and again (%w)", fs.ErrNotExist)
	}
	return f, readOnly, err
}

func openExisting(path string) (f *os.File, readOnly error, err error) {
	f, err = os.OpenFile(path, os.O_RDWR|sys.OpenAnything, 0)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return f, nil, fail.Bare(err)
	}
	if info, statErr := os.Stat(path); statErr == nil && !info.Mode().IsRegular() {
		return nil, nil, notRegular(info)
	}
	readOnly = fail.Bare(err)
	if f, err = os.OpenFile(path, os.O_RDONLY|sys.OpenAnything, 0); err != nil {
		return nil, nil, readOnly
	}
	return f, readOnly, nil
}

// makeFile makes the file with its rights in one step where that is possible.
func makeFile(path string, s settings) error {
	f, err := object.Create(path, 0, s.access, nil)
	switch {
	case errors.Is(err, errors.ErrUnsupported) && len(s.Allow) == 0:
		return makePlainly(path, s)
	case err != nil:
		return err
	}
	return f.Close()
}

// makePlainly makes it where the file system has no files without a name. Until
// it has its rights, it has only those that the umask leaves.
func makePlainly(path string, s settings) error {
	mode := s.access.FileMode()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fail.Bare(err)
	}
	defer f.Close()
	return fail.Bare(f.Chmod(mode))
}

func notRegular(info fs.FileInfo) error {
	return fmt.Errorf("what the path leads to is no regular file but %v; give a file (%w)", info.Mode(), breezeway.ErrMismatch)
}

// Name returns the path as it was given to [OpenFileLock].
func (l *FileLock) Name() string {
	if l == nil {
		return ""
	}
	return l.name
}

// Lock locks the whole file exclusively, however long it becomes. It waits until
// there is no other lock on it, and fails with [context.Cause] within 10 ms of
// ctx being done, [breezeway.ErrRemoved], [os.ErrClosed] after Close, or
// [os.ErrPermission] if the file may only be read. A file that is free is locked
// even if ctx is done.
func (l *FileLock) Lock(ctx context.Context) (Held, error) { return l.all().Lock(ctx) }

// TryLock is Lock that doesn't wait. It returns false if there is another lock.
func (l *FileLock) TryLock() (Held, bool, error) { return l.all().TryLock() }

// RLock locks the whole file together with others that share it. It waits and fails
// as Lock does.
func (l *FileLock) RLock(ctx context.Context) (Held, error) { return l.all().RLock(ctx) }

// TryRLock is RLock that doesn't wait. It returns false if there is an
// exclusive lock.
func (l *FileLock) TryRLock() (Held, bool, error) { return l.all().TryRLock() }

func (l *FileLock) all() FileRange { return l.Range(0, 0) }

// Range names length bytes of the file from offset on, to lock them alone. They
// need not exist. A length of 0 reaches to the end, however long the file becomes,
// but not beyond byte 2^62: there are the slots of objects that [Config].At puts into
// the file.
// It fails when it is locked: with [os.ErrInvalid] if a number is negative, and
// with [errors.ErrUnsupported] where locks are those of flock(2).
func (l *FileLock) Range(offset, length int64) FileRange { return FileRange{l, offset, length} }

// Close gives up what is held through l and ends what waits with [os.ErrClosed],
// as it does all calls from then on. The file stays.
func (l *FileLock) Close() error {
	if l == nil || l.file == nil {
		return errNoFileLock(breezeway.OpClose)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	close(l.done)
	var all []error
	for ticket, held := range l.held {
		all = append(all, held.Close())
		forgetFile(held)
		delete(l.held, ticket)
	}
	return fileLockKind.fail(breezeway.OpClose, l.name, errors.Join(append(all, l.file.Close())...))
}

// wait takes the lock r when it is free and no goroutine before this one in this
// process wants the same: waiting for that takes neither a thread nor a
// descriptor.
func (l *FileLock) wait(ctx context.Context, c *robust.Claim, r sys.Range) (Held, error) {
	t := l.enter(r)
	defer l.leave(r, t)
	if err := l.await(ctx, t.free); err != nil {
		return Held{}, err
	}
	defer func() { t.free <- nil }()
	h, _, err := l.acquire(c, r, func(lock *sys.RangeLock) error { return l.sleep(ctx, lock) })
	return h, err
}

// acquire takes the lock r. If another one is in its way, it calls sleep to wait,
// or reports false where that is nil.
func (l *FileLock) acquire(c *robust.Claim, r sys.Range, sleep func(*sys.RangeLock) error) (h Held, ok bool, err error) {
	if err := l.check(r); err != nil {
		return Held{}, false, err
	}
	lock, err := sys.NewRangeLock(l.file, r)
	if err != nil {
		return Held{}, false, l.explain(err)
	}
	defer func() {
		if !ok {
			lock.Close()
		}
	}()
	ok, err = lock.Try()
	if !ok && err == nil && sleep != nil {
		err = sleep(lock)
		ok = err == nil
	}
	if !ok {
		return Held{}, false, err
	}
	if err := l.lookAtPath(); err != nil {
		return Held{}, false, err
	}
	ok, err = c.Take(func() (bool, error) {
		h, err = l.keep(lock)
		return err == nil, err
	})
	return h, ok, err
}

func (l *FileLock) check(r sys.Range) error {
	select {
	case <-l.done:
		return os.ErrClosed
	default:
	}
	switch {
	case r.Offset < 0 || r.Length < 0 || r.Offset >= lockableEnd || r.Length > lockableEnd-r.Offset:
		return fmt.Errorf("a range of %d bytes from %d on; neither may be negative, and it must end at %d or before (%w)",
			r.Length, r.Offset, int64(lockableEnd), os.ErrInvalid)
	case r.Exclusive && l.denied != nil:
		return fmt.Errorf("an exclusive lock needs a file that this process may write, but: %v; share it with RLock (%w)", l.denied, os.ErrPermission)
	}
	return nil
}

// explain says what it means that the file can't be opened once more.
func (l *FileLock) explain(err error) error {
	if removed := l.lookAtPath(); removed != nil {
		return removed
	}
	return err
}

// sleep waits until lock is ours, or fails and closes it.
func (l *FileLock) sleep(ctx context.Context, lock *sys.RangeLock) error {
	result, left := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(left)
		result <- lock.Wait()
	}()
	err := l.await(ctx, result)
	if errors.Is(err, errors.ErrUnsupported) {
		return l.poll(ctx, lock)
	}
	if err != nil {
		lock.Close()
		// It leaves at once. Only a file system on another machine may keep it,
		// and then it gives up by itself later.
		const patience = 5 * time.Millisecond
		select {
		case <-left:
		case <-time.After(patience):
		}
	}
	return err
}

// lookInterval is how often a wait looks at the path.
const lookInterval = 200 * time.Millisecond

// await waits for a result, and for what ends a wait before.
func (l *FileLock) await(ctx context.Context, result <-chan error) error {
	select {
	case err := <-result:
		return err
	default:
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for {
		select {
		case err := <-result:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.done:
			return os.ErrClosed
		case <-look.C:
			if err := l.lookAtPath(); err != nil {
				return err
			}
		}
	}
}

func (l *FileLock) enter(r sys.Range) *turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.turns[r]
	if t == nil {
		t = &turn{free: make(chan error, 1)}
		t.free <- nil
		l.turns[r] = t
	}
	t.users++
	return t
}

func (l *FileLock) leave(r sys.Range, t *turn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(l.turns, r)
	}
}

// lookAtPath fails if the path leads elsewhere. What it can't tell it lets pass.
func (l *FileLock) lookAtPath() error {
	if runtime.GOOS == "windows" {
		return nil // an open file can be neither removed nor replaced
	}
	info, err := os.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(info, l.info) {
		return fmt.Errorf("the path does not lead to the file that was opened any more; open it again (%w)", breezeway.ErrRemoved)
	}
	return nil
}

func (l *FileLock) keep(lock *sys.RangeLock) (Held, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return Held{}, os.ErrClosed
	}
	if l.last++; l.last&robust.Recovered != 0 {
		l.last += robust.Recovered
	}
	l.held[l.last] = lock
	holdFile(lock)
	return Held{(*fileHolder)(l), l.last}, nil
}

// errNoFileLock is what the zero value fails with.
func errNoFileLock(op string) error {
	return fileLockKind.fail(op, "", fmt.Errorf("the file lock was never opened: use what ipcsync.OpenFileLock returned (%w)", os.ErrInvalid))
}

// heldFiles keeps locks reachable until they are unlocked: one that a program holds and
// never touches again is held all the same, and the collector would close its
// descriptor.
var heldFiles struct {
	mu    sync.Mutex
	locks map[*sys.RangeLock]struct{}
}

func holdFile(lock *sys.RangeLock) {
	heldFiles.mu.Lock()
	defer heldFiles.mu.Unlock()
	if heldFiles.locks == nil {
		heldFiles.locks = map[*sys.RangeLock]struct{}{}
	}
	heldFiles.locks[lock] = struct{}{}
}

func forgetFile(lock *sys.RangeLock) {
	heldFiles.mu.Lock()
	defer heldFiles.mu.Unlock()
	delete(heldFiles.locks, lock)
}

// fileHolder is a FileLock as its holders see it.
type fileHolder FileLock

// Unlock gives up one lock. A goroutine of this process that locks after that gets
// mu after this one, which the race detector sees.
func (h *fileHolder) Unlock(ticket uint64) error {
	l := (*FileLock)(h)
	l.mu.Lock()
	lock, closed := l.held[ticket], l.closed
	delete(l.held, ticket)
	l.mu.Unlock()
	err := robust.ErrNotHeld
	switch {
	case lock != nil:
		err = lock.Close()
		forgetFile(lock)
	case closed:
		err = os.ErrClosed
	}
	return fileLockKind.fail(breezeway.OpUnlock, l.name, err)
}

// MarkConsistent does nothing: no ticket of a file lock is recovered.
func (h *fileHolder) MarkConsistent(uint64) error { return nil }

// Waiter is for [WaitAny], which locks the file exclusively.
func (l *FileLock) Waiter() robust.Waiter { return fileWaiter{l, true} }

// RLocker returns l as [WaitAny] takes it together with others that share it.
func (l *FileLock) RLocker() Waitable { return fileWaiter{l, false} }

type fileWaiter struct {
	l         *FileLock
	exclusive bool
}

func (w fileWaiter) Waiter() robust.Waiter { return w }

func (w fileWaiter) Wait(ctx context.Context, c *robust.Claim) (any, error) {
	return w.l.all().wait(ctx, c, w.exclusive)
}

func (w fileWaiter) Try() (any, bool, error) { return tried(w.l.all().try(w.exclusive)) }

// FileRange is a part of a file that can be locked by itself, from
// [FileLock.Range]. It is a value. Locks conflict where their ranges overlap,
// unless both are shared.
type FileRange struct {
	lock           *FileLock
	offset, length int64
}

// Lock locks the range exclusively; see [FileLock.Lock].
func (r FileRange) Lock(ctx context.Context) (Held, error) { return r.wait(ctx, nil, true) }

// TryLock is Lock that doesn't wait; see [FileLock.TryLock].
func (r FileRange) TryLock() (Held, bool, error) { return r.try(true) }

// RLock locks the range together with others that share it; see [FileLock.RLock].
func (r FileRange) RLock(ctx context.Context) (Held, error) { return r.wait(ctx, nil, false) }

// TryRLock is RLock that doesn't wait; see [FileLock.TryRLock].
func (r FileRange) TryRLock() (Held, bool, error) { return r.try(false) }

func (r FileRange) wait(ctx context.Context, c *robust.Claim, exclusive bool) (Held, error) {
	if r.lock == nil || r.lock.file == nil {
		return Held{}, errNoFileLock(lockOp(exclusive))
	}
	h, err := r.lock.wait(ctx, c, r.of(exclusive))
	return h, fileLockKind.fail(lockOp(exclusive), r.lock.name, err)
}

func (r FileRange) try(exclusive bool) (Held, bool, error) {
	if r.lock == nil || r.lock.file == nil {
		return Held{}, false, errNoFileLock(lockOp(exclusive))
	}
	h, ok, err := r.lock.acquire(nil, r.of(exclusive), nil)
	return h, ok, fileLockKind.fail(lockOp(exclusive), r.lock.name, err)
}

func lockOp(exclusive bool) string {
	if exclusive {
		return breezeway.OpLock
	}
	return breezeway.OpRLock
}

// lockableEnd is where ranges end: the bytes from there on stand for the slots of
// objects in the file, and are locked while a process has one open.
const lockableEnd = liveness.FirstByte

func (r FileRange) of(exclusive bool) sys.Range {
	of := sys.Range{Offset: r.offset, Length: r.length, Exclusive: exclusive, Flock: r.lock.flock}
	if of.Length == 0 && sys.HasRangeLocks && !of.Flock {
		of.Length = max(0, lockableEnd-of.Offset)
	}
	return of
}

// filePollInterval is how often a FileLock is tried where the system has no wait
// that can be cancelled.
const filePollInterval = 10 * time.Millisecond

// poll waits for the lock as sleep does, without the system's help.
func (l *FileLock) poll(ctx context.Context, lock *sys.RangeLock) error {
	tick := time.NewTicker(filePollInterval)
	defer tick.Stop()
	for nextLook := time.Now().Add(lookInterval); ; {
		if ok, err := lock.Try(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.done:
			return os.ErrClosed
		case now := <-tick.C:
			if now.Before(nextLook) {
				continue
			}
			nextLook = now.Add(lookInterval)
			if err := l.lookAtPath(); err != nil {
				return err
			}
		}
	}
}
