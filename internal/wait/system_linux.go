package wait

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// wakesAll says whether [Word.Wake] wakes all whatever it was asked for.
const wakesAll = false

// hasWaitv is replaced by tests.
var hasWaitv = sys.HasFutexWaitv

func seats() int {
	n := runtime.GOMAXPROCS(0)
	if !hasWaitv() {
		n += 8 // the rest is polled
	}
	return n
}

func newSeat() (sleeper, error) {
	if hasWaitv() {
		return newWaitv(1), nil
	}
	return &futex{}, nil
}

func newBed() (sleeper, error) {
	if hasWaitv() {
		return newWaitv(sys.MaxFutexes - 1), nil // one is for the bell
	}
	return newPoller(), nil
}

func (w *Word) wake(n int) int { return sys.FutexWake(w.addr, n) }

func bellWord(bell *atomic.Uint32) *uint32 { return (*uint32)(unsafe.Pointer(bell)) }

func gone(err error) error {
	return fmt.Errorf("can't sleep on the word, whose memory was truncated or unmapped: futex: %w", err)
}

// object is empty: a futex is found by its address.
type object struct{}

func (*object) init(Name)   {}
func (*object) open() error { return nil }
func (*object) close()      {}
