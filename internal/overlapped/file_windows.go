package overlapped

import (
	"fmt"
	"math"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/windows"
)

// File is a handle opened for overlapped I/O, such as a named pipe's. Each
// direction carries one operation at a time; further callers wait their turn.
// All methods may be called concurrently.
//
// It is not an os.File because that takes an empty message for the end.
//
// Errors are the system's, except [net.ErrClosed] after Close and
// [os.ErrDeadlineExceeded] after a deadline. Those wrap ERROR_OPERATION_ABORTED
// too if the operation had begun.
type File struct {
	handle windows.Handle
	// quick says that an operation that succeeds at once posts no completion.
	quick       bool
	read, write direction

	mu     sync.Mutex
	users  int           // calls that use the handle, and one for the time until Close
	closed chan struct{} // closed by Close
	gone   chan error    // gets the result of closing the handle
}

// NewFile takes h over. messages says that its reads can end with
// ERROR_MORE_DATA.
func NewFile(h windows.Handle, messages bool) (*File, error) {
	port, err := completionPort()
	if err == nil {
		_, err = windows.CreateIoCompletionPort(h, port, 0, 0)
		err = os.NewSyscallError("CreateIoCompletionPort", err)
	}
	if err != nil {
		windows.CloseHandle(h)
		return nil, err
	}
	f := &File{handle: h, users: 1, closed: make(chan struct{}), gone: make(chan error, 1)}
	f.read.op.done = make(chan struct{}, 1)
	f.write.op.done = make(chan struct{}, 1)
	// ERROR_MORE_DATA is neither success nor failure: whether it posts a
	// completion is documented only without this mode, which is that it does.
	if !messages {
		const mode = windows.FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | windows.FILE_SKIP_SET_EVENT_ON_HANDLE
		f.quick = windows.SetFileCompletionNotificationModes(h, mode) == nil
	}
	return f, nil
}

// Read starts one ReadFile and waits for it. It reads less than 2 GiB at a time.
func (f *File) Read(p []byte) (int, error) {
	return f.do(&f.read, readFile, p[:min(len(p), math.MaxInt32)], patient)
}

// Ready returns the error that Read ends with at once, after Close or a deadline, or
// nil. A caller that holds bytes of its own asks before it hands them out.
func (f *File) Ready() error {
	f.read.mu.Lock()
	defer f.read.mu.Unlock()
	return f.read.halted
}

// Write starts one WriteFile and waits for it. It writes less than 2 GiB.
func (f *File) Write(p []byte) (int, error) {
	return f.do(&f.write, writeFile, p[:min(len(p), math.MaxInt32)], patient)
}

// TryWrite is Write that doesn't wait for the other end: with ERROR_OPERATION_ABORTED it
// has written as much of p as there was room for.
func (f *File) TryWrite(p []byte) (int, error) {
	return f.do(&f.write, writeFile, p[:min(len(p), math.MaxInt32)], hasty)
}

// Connect waits for a pipe's client. ERROR_PIPE_CONNECTED and ERROR_NO_DATA
// mean that one came before.
func (f *File) Connect() error {
	_, err := f.do(&f.read, connectPipe, nil, patient)
	return err
}

func readFile(h windows.Handle, p []byte, o *operation) error {
	return windows.ReadFile(h, p, &o.begun, &o.overlapped)
}

func writeFile(h windows.Handle, p []byte, o *operation) error {
	return windows.WriteFile(h, p, &o.begun, &o.overlapped)
}

func connectPipe(h windows.Handle, _ []byte, o *operation) error {
	return windows.ConnectNamedPipe(h, &o.overlapped)
}

// patience says what becomes of an operation that the system doesn't end at once.
type patience bool

const (
	patient patience = true
	hasty   patience = false // it is cancelled
)

// do runs one operation to its end. It does not return before the system is
// done with p and the OVERLAPPED, even if the operation was cancelled, and what
// was transferred in spite of that is reported as success.
func (f *File) do(d *direction, start func(windows.Handle, []byte, *operation) error, p []byte, wait patience) (int, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	if err := f.acquire(); err != nil {
		return 0, err
	}
	defer f.release()

	o := &d.op
	defer o.pins.Unpin()
	if len(p) > 0 {
		o.pins.Pin(&p[0])
	}
	o.pins.Pin(f)

	d.mu.Lock()
	if d.halted != nil {
		defer d.mu.Unlock()
		return 0, d.halted
	}
	o.overlapped, o.begun = windows.Overlapped{}, 0
	err := start(f.handle, p, o)
	switch {
	case err == nil && f.quick:
		d.mu.Unlock()
		return int(o.begun), nil
	case err != nil && err != windows.ERROR_IO_PENDING && err != windows.ERROR_MORE_DATA:
		d.mu.Unlock()
		return 0, err // failed at once: no completion will come
	}
	d.pending, d.cancelled = true, nil
	if wait == hasty {
		windows.CancelIoEx(f.handle, &o.overlapped) // if it has ended by itself, its result counts
	}
	d.mu.Unlock()

	<-o.done

	d.mu.Lock()
	defer d.mu.Unlock()
	d.pending = false
	if o.err == windows.ERROR_OPERATION_ABORTED && d.cancelled != nil {
		return int(o.n), fmt.Errorf("%w (%w)", d.cancelled, o.err)
	}
	return int(o.n), o.err
}

// SetReadDeadline bounds the present Read and later ones; the zero time removes the
// bound.
func (f *File) SetReadDeadline(t time.Time) error { return f.read.setDeadline(f.handle, t) }

// SetWriteDeadline does the same for Write.
func (f *File) SetWriteDeadline(t time.Time) error { return f.write.setDeadline(f.handle, t) }

// Close ends pending operations with [net.ErrClosed], waits until they have
// ended and closes the handle: what hangs on it, such as a pipe's name, is free
// when Close returns. Do not call it from [File.Control].
func (f *File) Close() error {
	f.mu.Lock()
	if f.isClosed() {
		defer f.mu.Unlock()
		return net.ErrClosed
	}
	close(f.closed)
	f.mu.Unlock()
	for _, d := range []*direction{&f.read, &f.write} {
		d.mu.Lock()
		d.stopTimer()
		d.halt(f.handle, net.ErrClosed)
		d.mu.Unlock()
	}
	f.release()
	return <-f.gone
}

// Control calls use with the handle, which stays open for the length of that.
func (f *File) Control(use func(h windows.Handle) error) error {
	if err := f.acquire(); err != nil {
		return err
	}
	defer f.release()
	return use(f.handle)
}

func (f *File) acquire() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isClosed() {
		return net.ErrClosed
	}
	f.users++
	return nil
}

func (f *File) isClosed() bool {
	select {
	case <-f.closed:
		return true
	default:
		return false
	}
}

func (f *File) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users--
	if f.users == 0 {
		f.gone <- os.NewSyscallError("CloseHandle", windows.CloseHandle(f.handle))
	}
}
