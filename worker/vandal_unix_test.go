//go:build unix

package worker

import "golang.org/x/sys/unix"

// closeDescriptors closes all descriptors of this process but the standard ones.
func closeDescriptors() {
	for fd := 3; fd < 256; fd++ {
		unix.Close(fd)
	}
}
