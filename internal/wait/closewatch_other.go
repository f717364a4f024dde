//go:build !linux

package wait

// subscribe reports false: the system has no file-close events.
func (w *Word) subscribe() (watch int32, ok bool) { return 0, false }

func (w *Word) unsubscribe(int32) {}
