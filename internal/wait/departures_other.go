//go:build !linux

package wait

// watch can't be had: nothing tells that a file was closed.
func (w *Word) watch() bool { return false }

func (w *Word) unwatch() {}
