package wait

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/windows"
)

const wakesAll = true

func maxOwnThreads() int { return runtime.GOMAXPROCS(0) }

func newOwnParker() (parker, error) { return newEventParker(1) }

// sharedCapacity is MAXIMUM_WAIT_OBJECTS less the event for unpark.
const sharedCapacity = 64 - 1

func newSharedParker() (parker, error) { return newEventParker(sharedCapacity) }

// systemWord is the named event of a word, made when first needed. The event resets
// itself when it wakes a waiter, and stays set while there is none.
type systemWord struct {
	name  Name
	event windows.Handle // 0 until open; under Word.mu for writing

	// Of the one waiter that leads: for which value of the word it has passed a
	// wake-up on though the word had not changed.
	passed   bool
	passedAt uint32
}

func (s *systemWord) init(name Name) { s.name = name }

func (s *systemWord) open() error {
	if s.event != 0 {
		return nil
	}
	if s.name.Word == "" {
		return fmt.Errorf("the word has no name to be waited for by (%w)", os.ErrInvalid)
	}
	name, err := windows.UTF16PtrFromString(s.name.Word)
	if err != nil {
		return err
	}
	const waitAndSet = windows.SYNCHRONIZE | windows.EVENT_MODIFY_STATE
	security, err := s.name.Access.SecurityAttributes(fmt.Sprintf("%#x", uint32(waitAndSet)))
	if err != nil {
		return err
	}
	event, err := windows.CreateEventEx(security, name, 0, waitAndSet)
	if event == 0 {
		return fmt.Errorf("can't wait for other processes by the event %s: %w", s.name.Word, os.NewSyscallError("CreateEventEx", err))
	}
	s.event = event
	return nil
}

func (s *systemWord) close() {
	if s.event != 0 {
		windows.CloseHandle(s.event)
		s.event = 0
	}
}

// systemEntry is the kernel object of an entry without a word.
type systemEntry struct{ handle windows.Handle }

func (e *waitEntry) waitHandle() windows.Handle {
	if e.word == nil {
		return e.handle
	}
	return e.word.system.event
}

// poll sets woken if the entry is for a kernel object that was signaled: it has
// taken from the object then.
func (e *waitEntry) poll() (ready bool, err error) {
	if e.word == nil {
		e.woken, err = TryHandle(e.handle)
		return e.woken, err
	}
	return e.changed(), nil
}

// passOn is called when the entry's event has woken the waiter. Other waiters may
// have parked before the same change, so passOn sets the event for the next one. If
// the change came before this waiter's attempt, the wake-up was for such another
// waiter; it is passed on too, but only once for each value of the word, or two
// waiters for the next change would wake each other forever.
func (e *waitEntry) passOn() {
	if e.word == nil {
		return // what the wait took is the waiter's
	}
	s := &e.word.system
	if atomic.LoadUint32(e.word.addr) == e.old {
		if s.passed && s.passedAt == e.old {
			return
		}
		s.passed, s.passedAt = true, e.old
	}
	windows.SetEvent(s.event)
}

// wake can't tell how many it woke. If the event can't be opened, the waiters try
// again after 100 ms. After Close it opens the event for this one time: a call that
// Close has ended may pass on what waiters of other processes wait for.
func (w *Word) wake(int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.system
	again := s.event == 0 && w.isClosed()
	if s.open() == nil {
		windows.SetEvent(s.event)
	}
	if again {
		s.close()
	}
	return 0
}
