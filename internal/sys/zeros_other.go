//go:build unix && !linux

package sys

import "golang.org/x/sys/unix"

// VacateToZeros is [Vacate] that leaves zeros of this process in b, which can be read
// and written.
func VacateToZeros(b []byte) error {
	return mapOver(b, -1, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
}
