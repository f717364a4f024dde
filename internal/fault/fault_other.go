//go:build unix && !linux

package fault

import "os"

// isSealed reports false: this system has no seals.
func isSealed(*os.File) bool { return false }

func isPooled(*os.File) bool { return false }
