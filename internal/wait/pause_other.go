//go:build !amd64 && !arm64

package wait

// pause does nothing: there is no instruction for it here. The attempt between two
// pauses takes the time.
func pause(uint32) {}
