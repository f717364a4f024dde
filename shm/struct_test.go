package shm

import (
	"errors"
	"os"
	"sync/atomic"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// state is what two versions of a program might share.
type state struct {
	Requests atomic.Uint64
	Limits   [3]struct{ Soft, Hard uint32 }
	Load     float64
}

type otherState struct {
	Requests atomic.Uint64
	Limits   [3]struct{ Soft, Hard uint64 }
	Load     float64
}

func mustOpenStruct[T any](t testing.TB, name string, cfg *Config) *Struct[T] {
	t.Helper()
	open := OpenOrCreateStruct[T]
	if cfg != nil && cfg.ReadOnly {
		open = OpenStruct[T]
	}
	s, err := open(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if s.Created() {
			if err := Remove(KindStruct, name, nil); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Error(err)
			}
		}
	})
	return s
}

// clerk counts in the struct Args[0].
var clerk = ipctest.Helper("clerk", func(c *ipctest.Control) error {
	s, err := OpenOrCreateStruct[state](c.Args[0], nil)
	if err != nil {
		return err
	}
	defer s.Close()
	v := s.Value()
	for range 1000 {
		v.Requests.Add(1)
	}
	v.Limits[2].Hard = 7
	c.Say("created %v, load %v", s.Created(), v.Load)
	return nil
})

func TestStruct(t *testing.T) {
	name := ipctest.UniqueName()
	s := mustOpenStruct[state](t, name, nil)
	if !s.Created() || s.Value().Requests.Load() != 0 || s.Value().Load != 0 {
		t.Errorf("a new one: created %v, %+v", s.Created(), s.Value())
	}
	s.Value().Load = 0.5
	var all []*ipctest.Process
	for range 3 {
		all = append(all, ipctest.Start(t, clerk, name))
	}
	for _, p := range all {
		p.Expect("created false, load 0.5")
		p.Wait()
	}
	if n := s.Value().Requests.Load(); n != 3000 || s.Value().Limits[2].Hard != 7 {
		t.Errorf("%d requests, limits %v", n, s.Value().Limits)
	}
	err := s.Borrow(func(v *state) error {
		v.Load++
		return nil
	})
	if err != nil || s.Value().Load != 1.5 {
		t.Error(err, s.Value().Load)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	ipctest.WantError(t, s.Borrow(func(*state) error { return nil }), os.ErrClosed)
}

func TestStructMismatch(t *testing.T) {
	name := ipctest.UniqueName()
	mustOpenStruct[state](t, name, nil)
	_, err := OpenOrCreateStruct[otherState](name, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "Limits[3:8].Soft", "uint32", "Limits[3:16].Soft", "uint64")
	_, err = OpenOrCreateStruct[uint64](name, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	_, err = OpenOrCreateStruct[struct{ Names []string }](name, nil)
	ipctest.WantError(t, err, os.ErrInvalid, "Names")
	_, err = OpenOrCreateStruct[state]("a/b", nil)
	ipctest.WantError(t, err, os.ErrInvalid)
	_, err = OpenStruct[state](ipctest.UniqueName(), &Config{ReadOnly: true})
	ipctest.WantError(t, err, os.ErrNotExist, "shm.CreateStruct")
	_, err = CreateStruct[state](name, nil)
	ipctest.WantError(t, err, os.ErrExist, "shm.OpenStruct", "shm.KindStruct")
	ro := mustOpenStruct[state](t, name, &Config{ReadOnly: true})
	ipctest.WantError(t, ro.Borrow(func(v *state) error { v.Load = 1; return nil }), os.ErrPermission)
	ipctest.WantError(t, Remove(KindStruct, ipctest.UniqueName(), nil), os.ErrNotExist)
}
