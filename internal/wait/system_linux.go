package wait

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// wakesAll says whether [Word.Wake] wakes all waiters, whatever its argument.
const wakesAll = false

// hasWaitv is replaced by tests.
var hasWaitv = sys.HasFutexWaitv

func maxOwnThreads() int {
	n := runtime.GOMAXPROCS(0)
	if !hasWaitv() {
		n += 8 // the rest is polled
	}
	return n
}

func newOwnParker() (parker, error) {
	if hasWaitv() {
		return newWaitvParker(1), nil
	}
	return &futexParker{}, nil
}

func newSharedParker() (parker, error) {
	if hasWaitv() {
		return newWaitvParker(sys.MaxFutexes - 1), nil // one is for unpark
	}
	return newPollParker(), nil
}

func (w *Word) wake(n int) int { return sys.FutexWake(w.addr, n) }

func futexWord(word *atomic.Uint32) *uint32 { return (*uint32)(unsafe.Pointer(word)) }

func memoryGone(err error) error {
	return fmt.Errorf("can't park on the word, whose memory was truncated or unmapped: futex: %w", err)
}

// systemWord is empty: a futex is found by its address.
type systemWord struct{}

func (*systemWord) init(Name)   {}
func (*systemWord) open() error { return nil }
func (*systemWord) close()      {}

//lint:ignore U1000 on Windows an entry has fields of its own
type systemEntry struct{}

func (e *waitEntry) poll() (ready bool, err error) { return e.changed(), nil }
