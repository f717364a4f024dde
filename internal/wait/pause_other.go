//go:build !amd64 && !arm64

package wait

// pause has no instruction to give here; the look between two pauses is what
// takes time.
func pause(uint32) {}
