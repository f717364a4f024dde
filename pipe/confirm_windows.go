package pipe

import (
	"errors"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// receive reads from the pipe. If the stream confirms, it leaves the last byte there
// until the next call, or confirm: until then a flush of the other end waits.
func (st *stream) receive(p []byte) (int, error) {
	if !st.confirms {
		return st.f.Read(p)
	}
	st.receiving.Lock()
	defer st.receiving.Unlock()
	if err := st.release(); err != nil {
		return 0, err
	}
	// A read of nothing waits until something is there. It takes an empty message, and
	// of another one says that it has more.
	_, err := st.f.Read(nil)
	switch more := errors.Is(err, windows.ERROR_MORE_DATA); {
	case err != nil && !more:
		return 0, err
	case st.message && !more:
		return 0, nil
	}
	n, err := st.peek(p)
	if n == 0 || err != nil {
		return 0, err
	}
	if n > 1 {
		if _, err := st.f.Read(p[:n-1]); err != nil && !errors.Is(err, windows.ERROR_MORE_DATA) {
			return 0, err
		}
	}
	if st.message {
		left, err := st.peek(make([]byte, 2))
		switch {
		case err != nil:
			return 0, err
		case left > 1: // the message goes on
			_, err := st.f.Read(p[n-1 : n])
			return n, err
		}
	}
	st.held = true
	return n, nil
}

// peek copies what has arrived, of the present message in message mode, and leaves it.
func (st *stream) peek(p []byte) (n int, err error) {
	err = st.f.Control(func(h windows.Handle) (err error) {
		n, err = sys.PeekPipe(h, p)
		return err
	})
	return n, err
}

// confirm takes the byte that was left, if any. A Read that goes on has taken it.
func (st *stream) confirm() error {
	if !st.confirms || !st.receiving.TryLock() {
		return nil
	}
	defer st.receiving.Unlock()
	return st.release()
}

// release takes the byte that was left, if any. st.receiving is held.
func (st *stream) release() error {
	if !st.held {
		return nil
	}
	st.held = false
	_, err := st.f.Take(make([]byte, 1))
	return err
}

// peerClosed reports whether the other end is closed.
func (st *stream) peerClosed() (closed bool) {
	err := st.f.Control(func(h windows.Handle) error {
		info, err := sys.QueryPipe(h)
		closed = info.State != windows.FILE_PIPE_CONNECTED_STATE
		return err
	})
	return closed || err != nil
}
