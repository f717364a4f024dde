package mmap

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// reopen opens the file of f once more.
func reopen(t *testing.T, f *os.File, flag int) *os.File {
	t.Helper()
	again, err := os.OpenFile(f.Name(), flag, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { again.Close() })
	return again
}

// TestFailedMapLeavesTheFile maps in ways that can't be: the file is as it was then.
func TestFailedMapLeavesTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		flag int
		cfg  Config
		want error
	}{
		"offset beyond the capacity": {os.O_RDWR, Config{Offset: 5000, Capacity: 4999}, os.ErrInvalid},
		"length beyond the capacity": {os.O_RDWR, Config{Length: 5000, Capacity: 4999}, os.ErrInvalid},
		"both beyond the capacity":   {os.O_RDWR, Config{Offset: 4000, Length: 1000, Capacity: 4999}, os.ErrInvalid},
		"more than can be addressed": {os.O_RDWR, Config{Capacity: 1 << 62}, nil},
		"file open for reading":      {os.O_RDONLY, Config{Capacity: 5000}, os.ErrPermission},
		"file open for writing":      {os.O_WRONLY, Config{Capacity: 5000}, os.ErrPermission},
		"read-only":                  {os.O_RDWR, Config{Capacity: 5000, ReadOnly: true}, os.ErrPermission},
		"copy-on-write":              {os.O_RDWR, Config{Capacity: 5000, CopyOnWrite: true}, os.ErrPermission},
		"read-only, nothing to grow": {os.O_RDWR, Config{Capacity: 100, ReadOnly: true}, os.ErrPermission},
		"advice that is none":        {os.O_RDWR, Config{Capacity: 5000, Advice: 5}, os.ErrInvalid},
		"huge pages that aren't":     {os.O_RDWR, Config{Capacity: 4 << 20, HugePages: true}, errors.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFile(t, pattern(100))
			m, err := Map(reopen(t, f, c.flag), &c.cfg)
			if err == nil {
				m.Close()
				t.Fatal("it was mapped")
			}
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if got, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(got, pattern(100)) {
				t.Errorf("the file has %d bytes, %v", len(got), err)
			}
		})
	}
}

func TestAdviceThatIsNone(t *testing.T) {
	m := mustMap(t, newFile(t, pattern(100)), nil)
	for _, a := range []Advice{-1, 5, 6, 1000} { // 5 would be huge pages
		ipctest.WantError(t, m.Advise(0, 100, a), os.ErrInvalid, "Normal")
	}
}

// TestPopulatedCopyShowsOthersWrites: reading it in must not copy it.
func TestPopulatedCopyShowsOthersWrites(t *testing.T) {
	f := newFile(t, pattern(200_000))
	shared := mustMap(t, f, nil)
	m := mustMap(t, f, &Config{Offset: 5000, CopyOnWrite: true, Populate: true})
	for _, off := range []int{0, 100_000, 190_000} {
		if err := Write(shared, 5000+off, uint64(1<<40)); err != nil {
			t.Fatal(err)
		}
		if v, err := Read[uint64](m, off); v != 1<<40 || err != nil {
			t.Errorf("offset %d: %#x, %v", off, v, err)
		}
	}
	if err := Write(m, 0, uint64(7)); err != nil {
		t.Fatal(err)
	}
	if v, _ := Read[uint64](shared, 5000); v != 1<<40 {
		t.Error("the file was written to")
	}
}
