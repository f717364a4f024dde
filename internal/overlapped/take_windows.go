package overlapped

import (
	"runtime"

	"golang.org/x/sys/windows"
)

// Take reads bytes of which the caller knows that they have arrived, whatever the
// deadline. It goes past reads that wait for their turn.
//
// Preconditions:
//   - len(p) > 0
//   - the bytes are there, or the other end is closed
func (f *File) Take(p []byte) (n int, err error) {
	err = f.Control(func(h windows.Handle) error {
		event, err := windows.CreateEvent(nil, 1, 0, nil)
		if err != nil {
			return err
		}
		defer windows.CloseHandle(event)
		// The lowest bit keeps the completion from the port.
		o := &windows.Overlapped{HEvent: event | 1}
		var pins runtime.Pinner
		defer pins.Unpin()
		pins.Pin(o)
		pins.Pin(&p[0])
		var got uint32
		if err = windows.ReadFile(h, p, nil, o); err == nil || err == windows.ERROR_IO_PENDING || err == windows.ERROR_MORE_DATA {
			err = windows.GetOverlappedResult(h, o, &got, true)
		}
		n = int(got)
		if err == windows.ERROR_MORE_DATA {
			err = nil // they were a part of a message
		}
		return err
	})
	return n, err
}
