package worker

import (
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/shm"
)

// ledger is memory in which a worker notes the call that it took last, since a pipe doesn't
// tell what it held when its reader died. The worker stores the number before it calls the
// function; the parent loads it when the process has ended, so that nothing is stored any
// more: a lower number says that the function of the call was not called.
type ledger struct{ seg *shm.Segment }

// newLedger makes one of a worker that is about to be started.
func newLedger() (*ledger, error) {
	seg, err := createSegment(int64(unsafe.Sizeof(uint64(0))))
	if err != nil {
		return nil, err
	}
	return &ledger{seg}, nil
}

// openLedger is the worker's side.
func openLedger(name string) (*ledger, error) {
	seg, err := shm.Open(name, nil)
	if err != nil {
		return nil, err
	}
	return &ledger{seg}, nil
}

func (l *ledger) name() string { return l.seg.Name() }

// word returns the memory. A page holds it, so that it is aligned.
func (l *ledger) word() *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(unsafe.SliceData(l.seg.Bytes())))
}

// take notes that a call was taken.
func (l *ledger) take(call uint64) {
	if l != nil {
		l.word().Store(call)
	}
}

// lacks reports whether a worker that has ended has not taken a call.
func (l *ledger) lacks(call uint64) bool { return l.word().Load() < call }

func (l *ledger) close() { l.seg.Close() }
