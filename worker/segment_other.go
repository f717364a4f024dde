//go:build !linux

package worker

import (
	"crypto/rand"
	"strings"

	"github.com/breezeway-ipc/breezeway/shm"
)

// useBuffersOf does nothing: buffers are found by name.
func useBuffersOf(int) {}

// createSegment makes a segment with a name that no other program can guess. It goes with
// its last handle.
func createSegment(n int64) (*shm.Segment, error) {
	return shm.Create("breezeway-worker-"+strings.ToLower(rand.Text()), n, nil)
}

func placeOf(b *Buffer) string { return b.seg.Name() }

func openSegment(place string, _ int64) (*shm.Segment, error) { return shm.Open(place, nil) }
