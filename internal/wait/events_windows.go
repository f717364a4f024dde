package wait

import (
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// events sleeps on the words' events. Its bell is an event too.
type events struct {
	bell windows.Handle
	list []windows.Handle
}

func newEvents(room int) (*events, error) {
	bell, err := windows.CreateEvent(nil, 0, 0, nil)
	if bell == 0 {
		return nil, os.NewSyscallError("CreateEvent", err)
	}
	return &events{bell: bell, list: make([]windows.Handle, 0, room+1)}, nil
}

func (s *events) sleep(arms []*arm, limit time.Duration) error {
	s.list = append(s.list[:0], s.bell)
	for _, a := range arms {
		s.list = append(s.list, a.word.object.event)
	}
	// Nothing is compared here as a futex would: the event is sticky instead. One
	// wake-up is spent, on the object that is named.
	ms := (limit + time.Millisecond - 1) / time.Millisecond
	event, err := windows.WaitForMultipleObjects(s.list, false, uint32(ms))
	switch i := int(event) - windows.WAIT_OBJECT_0; {
	case err != nil:
		return os.NewSyscallError("WaitForMultipleObjects", err)
	case i > 0 && i <= len(arms):
		arms[i-1].woken = true
		arms[i-1].passOn()
	}
	return nil
}

func (s *events) ring() { windows.SetEvent(s.bell) }

func (s *events) room() int { return cap(s.list) - 1 }
