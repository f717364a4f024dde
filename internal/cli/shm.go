package cli

import (
	"io"

	"github.com/breezeway-ipc/breezeway/shm"
)

// The calls of the command into package shm.

func createSegment(c *creator, t target, r accessRule) (io.Closer, error) {
	return shm.Create(t.name, int64(c.size), &shm.Config{Mode: r.mode, Allow: r.allow})
}

func openSegment(t target, r accessRule, readOnly bool) (*memory, error) {
	seg, err := shm.Open(t.name, &shm.Config{Trust: r.trust, ReadOnly: readOnly})
	if err != nil {
		return nil, err
	}
	return &memory{seg.Mapping, t, seg.File(), seg.Close}, nil
}

// removeMemory makes remove of a row.
func removeMemory(kind shm.Kind) func(target, accessRule) error {
	return func(t target, _ accessRule) error { return shm.Remove(kind, t.name, nil) }
}
