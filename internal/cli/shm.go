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

func removeSegment(t target) error { return shm.Remove(shm.KindSegment, t.name, nil) }

func listSegments() (names []string, err error) {
	segments, err := shm.List(shm.KindSegment, nil)
	for _, s := range segments {
		names = append(names, s.Name)
	}
	return names, err
}
