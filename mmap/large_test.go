package mmap

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// large is a type of which no call may allocate one.
type large [64 << 20]byte

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestLargeTypesAreNotAllocated(t *testing.T) {
	m := mustMap(t, newFile(t, nil), &Config{Capacity: 2*64<<20 + 1})
	short := mustMap(t, newFile(t, make([]byte, 10)), nil)
	closed := mustMap(t, newFile(t, make([]byte, 10)), nil)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		call func() error
		want error
	}{
		{"View", func() error { _, err := View[large](m, 64<<20); return err }, nil},
		{"Slice", func() error { _, err := Slice[large](m, 0, 2); return err }, nil},
		{"View beyond the end", func() error { _, err := View[large](short, 0); return err }, os.ErrInvalid},
		{"View of what is not aligned", func() error { _, err := View[[8 << 20]uint64](m, 4); return err }, os.ErrInvalid},
		{"View of a closed one", func() error { _, err := View[large](closed, 0); return err }, os.ErrClosed},
	} {
		var err error
		if n := allocated(func() { err = c.call() }); n > 1<<20 {
			t.Errorf("%s allocates %d bytes", c.name, n)
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	_, err := View[[8 << 20]uint64](m, 4)
	ipctest.WantError(t, err, os.ErrInvalid, "[8388608]uint64")
}
