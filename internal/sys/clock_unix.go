//go:build unix

package sys

import "time"

var clockStart = time.Now()

// Clock returns the time since a moment in the past, for measuring.
func Clock() time.Duration { return time.Since(clockStart) }
