package wait

import (
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// eventParker waits for the events of words, and for kernel objects.
type eventParker struct {
	unparked windows.Handle // an event that resets itself
	handles  []windows.Handle
}

func newEventParker(capacity int) (*eventParker, error) {
	unparked, err := windows.CreateEvent(nil, 0, 0, nil)
	if unparked == 0 {
		return nil, os.NewSyscallError("CreateEvent", err)
	}
	return &eventParker{unparked: unparked, handles: make([]windows.Handle, 0, capacity+1)}, nil
}

// longestPark is less than what milliseconds in 32 bits can hold.
const longestPark = time.Hour

func (p *eventParker) park(entries []*waitEntry, limit time.Duration) error {
	p.handles = append(p.handles[:0], p.unparked)
	for _, e := range entries {
		p.handles = append(p.handles, e.waitHandle())
	}
	// The value of a word is not compared here, as a futex would: the event is
	// sticky instead. If several objects are signaled, the wait takes from the
	// first alone.
	ms := (min(limit, longestPark) + time.Millisecond - 1) / time.Millisecond
	event, err := windows.WaitForMultipleObjects(p.handles, false, uint32(ms))
	switch i := int(event) - windows.WAIT_OBJECT_0; {
	case err != nil:
		return os.NewSyscallError("WaitForMultipleObjects", err)
	case i > 0 && i <= len(entries):
		entries[i-1].woken = true
		entries[i-1].passOn()
	}
	return nil
}

func (p *eventParker) unpark() { windows.SetEvent(p.unparked) }

func (p *eventParker) capacity() int { return cap(p.handles) - 1 }
