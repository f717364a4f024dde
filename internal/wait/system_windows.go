package wait

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/windows"
)

const wakesAll = true

func seats() int { return runtime.GOMAXPROCS(0) }

func newSeat() (sleeper, error) { return newEvents(1) }

func newBed() (sleeper, error) {
	const most = 64 // MAXIMUM_WAIT_OBJECTS; one is for the bell
	return newEvents(most - 1)
}

// object is the named event of a word, made when first needed. It resets itself
// when it wakes somebody, and stays set while there is nobody to wake.
type object struct {
	name  Name
	event windows.Handle // 0 until open; under Word.mu for writing

	// Of the one waiter that leads: for which value of the word it has passed a
	// wake-up on that was not news to it.
	passed   bool
	passedAt uint32
}

func (o *object) init(name Name) { o.name = name }

func (o *object) open() error {
	if o.event != 0 {
		return nil
	}
	if o.name.Word == "" {
		return fmt.Errorf("the word has no name to be waited for by (%w)", os.ErrInvalid)
	}
	name, err := windows.UTF16PtrFromString(o.name.Word)
	if err != nil {
		return err
	}
	const waitAndSet = "0x100002" // SYNCHRONIZE | EVENT_MODIFY_STATE
	sddl, err := o.name.Access.SDDL(waitAndSet)
	if err != nil {
		return err
	}
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return os.NewSyscallError("ConvertStringSecurityDescriptorToSecurityDescriptor", err)
	}
	sa := windows.SecurityAttributes{SecurityDescriptor: sd}
	sa.Length = uint32(unsafe.Sizeof(sa))
	event, err := windows.CreateEvent(&sa, 0, 0, name)
	if event == 0 && errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		// CreateEvent asks for all rights, of which we may have been given some.
		event, err = windows.OpenEvent(windows.SYNCHRONIZE|windows.EVENT_MODIFY_STATE, false, name)
	}
	if event == 0 {
		return fmt.Errorf("%s: %w", o.name.Word, os.NewSyscallError("CreateEvent", err))
	}
	o.event = event
	return nil
}

func (o *object) close() {
	if o.event != 0 {
		windows.CloseHandle(o.event)
		o.event = 0
	}
}

// passOn is called by a waiter whom the event has woken. Others may have been
// parked before the same change, so it sets the event for the next one. If the
// change was before this waiter's look, the wake-up was for such another; it is
// passed on too, but not twice, or two who wait for the next change would wake
// each other for ever.
func (a *arm) passOn() {
	o := &a.word.object
	if atomic.LoadUint32(a.word.addr) == a.old {
		if o.passed && o.passedAt == a.old {
			return
		}
		o.passed, o.passedAt = true, a.old
	}
	windows.SetEvent(o.event)
}

// wake can't tell how many it woke. If the event can't be had, the waiters look
// for themselves after 100 ms.
func (w *Word) wake(int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.isShut() && w.object.open() == nil {
		windows.SetEvent(w.object.event)
	}
	return 0
}
