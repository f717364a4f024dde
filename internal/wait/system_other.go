//go:build !linux && !windows

package wait

// The words are polled by the goroutine of a group.
const (
	groupSize = 1 << 10
	wakesAll  = true
)

func seats() int { return 0 }

func newSleeper(int) (sleeper, error) { return newPoller(), nil }

func (w *Word) wake(int) int { return 0 }

type object struct{}

func (*object) init(Name)   {}
func (*object) open() error { return nil }
func (*object) close()      {}
