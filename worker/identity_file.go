//go:build !windows

package worker

import (
	"fmt"
	"os"
)

// fileIdentity describes a file so that another one, or its contents' replacement, is
// told apart.
func fileIdentity(info os.FileInfo) string {
	return fmt.Sprintf("%d bytes of %d", info.Size(), info.ModTime().UnixNano())
}
