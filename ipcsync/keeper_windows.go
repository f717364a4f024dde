package ipcsync

import (
	"os"
	"runtime"

	"golang.org/x/sys/windows"
)

// keeper is a goroutine with a thread of its own that waits for a kernel's mutex
// and keeps it. The mutex belongs to the thread, which could take it once more:
// no thread that holds it waits, since each keeper waits only once.
type keeper struct {
	thread   uint32 // its id
	waited   chan waited
	release  chan bool // whether to, or to abandon it
	released chan error
}

// waited is how a keeper's wait ended. Unless it has the mutex, that was the
// keeper's end too.
type waited struct {
	holds     bool
	abandoned bool // by the one before
	err       error
}

// mainThread is where packages are initialized.
var mainThread = windows.GetCurrentThreadId()

// newKeeper starts a wait that ends when the mutex is taken, the bell rung, or
// patience over.
func newKeeper(mutex, bell windows.Handle, patience uint32) *keeper {
	k := &keeper{waited: make(chan waited, 1), release: make(chan bool), released: make(chan error, 1)}
	go k.start(mutex, bell, patience)
	return k
}

func (k *keeper) start(mutex, bell windows.Handle, patience uint32) {
	runtime.LockOSThread()
	k.thread = windows.GetCurrentThreadId()
	if k.thread != mainThread {
		k.keep(mutex, bell, patience)
		return
	}
	// The main thread doesn't end with its goroutine, which abandon needs. While
	// it is locked to this one, the next can't get it.
	begun := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		k.thread = windows.GetCurrentThreadId()
		close(begun)
		k.keep(mutex, bell, patience)
	}()
	<-begun
	runtime.UnlockOSThread()
}

func (k *keeper) keep(mutex, bell windows.Handle, patience uint32) {
	// Of several the first counts: what is free is taken, whatever the bell says.
	event, err := windows.WaitForMultipleObjects([]windows.Handle{mutex, bell}, false, patience)
	w := waited{err: os.NewSyscallError("WaitForMultipleObjects", err)}
	if err == nil {
		w.abandoned = event == windows.WAIT_ABANDONED
		w.holds = w.abandoned || event == windows.WAIT_OBJECT_0
	}
	k.waited <- w
	if w.holds {
		if !<-k.release {
			return // and with this goroutine its thread ends, since it is locked
		}
		err = os.NewSyscallError("ReleaseMutex", windows.ReleaseMutex(mutex))
	}
	runtime.UnlockOSThread()
	k.released <- err
}

// unlock releases the mutex.
func (k *keeper) unlock() error {
	k.release <- true
	return <-k.released
}

// abandon leaves the mutex to the next one as a death would.
func (k *keeper) abandon() error {
	thread, err := windows.OpenThread(windows.SYNCHRONIZE, false, k.thread)
	k.release <- false
	if err != nil {
		return os.NewSyscallError("OpenThread", err)
	}
	defer windows.CloseHandle(thread)
	_, err = windows.WaitForSingleObject(thread, windows.INFINITE)
	return os.NewSyscallError("WaitForSingleObject", err)
}
