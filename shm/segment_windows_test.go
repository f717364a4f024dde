package shm

import (
	"errors"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mmap"
	"golang.org/x/sys/windows"
)

func TestUnsupported(t *testing.T) {
	seg := mustCreate(t, 4096, nil)
	_, err := seg.Resize(8192)
	ipctest.WantError(t, err, errors.ErrUnsupported)
	if err := mmap.Write(seg.Mapping, 0, byte(1)); err != nil {
		t.Error("after a refused Resize:", err)
	}
	_, err = List(KindSegment, nil)
	ipctest.WantError(t, err, errors.ErrUnsupported)
	ipctest.WantError(t, Remove(KindSegment, seg.Name(), nil), errors.ErrUnsupported)
	_, err = CreateUnnamed(4096, nil)
	ipctest.WantError(t, err, errors.ErrUnsupported)
}

func TestNameOfAnotherKind(t *testing.T) {
	name := ipctest.UniqueName()
	p, err := windows.UTF16PtrFromString(`Local\` + name)
	if err != nil {
		t.Fatal(err)
	}
	mutex, err := windows.CreateMutex(nil, false, p)
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(mutex)
	_, err = Create(name, 4096, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "mutex")
	_, err = Open(name, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "mutex")
}

func TestGoesWithTheLastHandle(t *testing.T) {
	seg := mustCreate(t, 4096, nil)
	if err := seg.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(seg.Name(), nil)
	ipctest.WantError(t, err, os.ErrNotExist)
}

func TestScopes(t *testing.T) {
	name := ipctest.UniqueName()
	session, err := Create(name, 4096, nil)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, session)
	machine, err := Create(name, 4096, &Config{Scope: breezeway.Machine})
	if err != nil {
		t.Fatal(err)
	}
	keep(t, machine)
	if err := mmap.Write(machine.Mapping, 0, byte(1)); err != nil {
		t.Fatal(err)
	}
	if v, err := mmap.Read[byte](session.Mapping, 0); v != 0 || err != nil {
		t.Error("the scopes are one:", v, err)
	}
	again, err := Open(name, &Config{Scope: breezeway.Machine})
	if err != nil {
		t.Fatal(err)
	}
	keep(t, again)
	if v, err := mmap.Read[byte](again.Mapping, 0); v != 1 || err != nil {
		t.Error(v, err)
	}
}
