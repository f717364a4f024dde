//go:build !linux && !windows

package wait

const wakesAll = true

// Without seats all are polled by the goroutine of a group.
func seats() int { return 0 }

func newSeat() (sleeper, error) { return newPoller(), nil }

func newBed() (sleeper, error) { return newPoller(), nil }

func (w *Word) wake(int) int { return 0 }

type object struct{}

func (*object) init(Name)   {}
func (*object) open() error { return nil }
func (*object) close()      {}
