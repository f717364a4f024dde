package kernelobj

import (
	"os"
	"runtime"

	"golang.org/x/sys/windows"
)

// ownerThread is a goroutine with a thread of its own that waits for a kernel mutex
// and owns it from then on. The kernel would let the thread take the mutex once
// more, so each ownerThread waits only once.
type ownerThread struct {
	id       uint32
	waited   chan waitResult // has one element when the wait has ended
	release  chan bool       // true to release the mutex, false to abandon it
	released chan error
}

// waitResult is how the wait of an ownerThread ended. Unless it owns the mutex, the
// ownerThread has ended too.
type waitResult struct {
	owns      bool
	abandoned bool // the previous owner died
	err       error
}

// mainThread is the thread on which packages are initialized.
var mainThread = windows.GetCurrentThreadId()

// startOwnerThread starts a wait that ends when the mutex is taken, the event
// cancel is set, or timeout is over, in milliseconds.
func startOwnerThread(mutex, cancel windows.Handle, timeout uint32) *ownerThread {
	t := &ownerThread{waited: make(chan waitResult, 1), release: make(chan bool), released: make(chan error, 1)}
	go t.start(mutex, cancel, timeout)
	return t
}

func (t *ownerThread) start(mutex, cancel windows.Handle, timeout uint32) {
	runtime.LockOSThread()
	t.id = windows.GetCurrentThreadId()
	if t.id != mainThread {
		t.run(mutex, cancel, timeout)
		return
	}
	// The main thread doesn't end with its goroutine, but abandon relies on that.
	// While the thread is locked to this goroutine, the next one can't get it.
	started := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		t.id = windows.GetCurrentThreadId()
		close(started)
		t.run(mutex, cancel, timeout)
	}()
	<-started
	runtime.UnlockOSThread()
}

func (t *ownerThread) run(mutex, cancel windows.Handle, timeout uint32) {
	// If both are signaled the first counts: a free mutex is taken even if the wait
	// was cancelled.
	event, err := windows.WaitForMultipleObjects([]windows.Handle{mutex, cancel}, false, timeout)
	r := waitResult{err: os.NewSyscallError("WaitForMultipleObjects", err)}
	if err == nil {
		r.abandoned = event == windows.WAIT_ABANDONED
		r.owns = r.abandoned || event == windows.WAIT_OBJECT_0
	}
	t.waited <- r
	if r.owns {
		if !<-t.release {
			return // the thread is locked, so it ends with this goroutine
		}
		err = os.NewSyscallError("ReleaseMutex", windows.ReleaseMutex(mutex))
	}
	runtime.UnlockOSThread()
	t.released <- err
}

// releaseMutex releases the mutex and ends the thread.
func (t *ownerThread) releaseMutex() error {
	t.release <- true
	return <-t.released
}

// abandonMutex ends the thread, so that the next owner finds the mutex abandoned, as
// after a death.
func (t *ownerThread) abandonMutex() error {
	thread, err := windows.OpenThread(windows.SYNCHRONIZE, false, t.id)
	t.release <- false
	if err != nil {
		return os.NewSyscallError("OpenThread", err)
	}
	defer windows.CloseHandle(thread)
	_, err = windows.WaitForSingleObject(thread, windows.INFINITE)
	return os.NewSyscallError("WaitForSingleObject", err)
}
