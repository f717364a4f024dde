package wait

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// groupSize leaves room for the bell.
const groupSize = sys.MaxFutexes - 1

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

func newSleeper(n int) (sleeper, error) {
	switch {
	case hasWaitv():
		return newWaitv(n), nil
	case n == 1:
		return &futex{}, nil
	default:
		return newPoller(), nil
	}
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
