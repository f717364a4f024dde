package ipcsync

import (
	"errors"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/windows"
)

func TestSemaphoreNameOfAnotherKind(t *testing.T) {
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
	_, err = CreateSemaphore(name, 1, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "mutexes")
	_, err = OpenSemaphore(name, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "mutexes")
	_, err = OpenOrCreateSemaphore(name, 1, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "mutexes")
}

func TestSemaphoreGoesWithTheLastHandle(t *testing.T) {
	s := newTestSemaphore(t, 1, nil)
	ipctest.WantError(t, Remove(KindSemaphore, s.Name(), nil), errors.ErrUnsupported, "last handle")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := OpenSemaphore(s.Name(), nil)
	ipctest.WantError(t, err, os.ErrNotExist)
}

func TestSemaphoreScopes(t *testing.T) {
	session := newTestSemaphore(t, 1, nil)
	machine, err := CreateSemaphore(session.Name(), 2, &Config{Scope: breezeway.Machine})
	if err != nil {
		t.Fatal(err)
	}
	keepSemaphore(t, machine)
	wantPermits(t, session, 1)
	wantPermits(t, sameSemaphore(t, session.Name(), &Config{Scope: breezeway.Machine}), 2)
}
