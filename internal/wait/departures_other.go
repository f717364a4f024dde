//go:build !linux

package wait

// watch can't be had: nothing tells that a file was closed.
func (w *Word) watch() (as int32, ok bool) { return 0, false }

func (w *Word) unwatch(int32) {}
