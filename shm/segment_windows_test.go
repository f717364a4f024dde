package shm

import (
	"errors"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
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
	ipctest.WantError(t, err, breezeway.ErrMismatch, "no segment", "share one namespace", "choose another name")
	_, err = Open(name, nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "no segment", "share one namespace", "choose another name")
}

func TestSegmentThatAdmitsOthers(t *testing.T) {
	name := ipctest.UniqueName()
	security := &windows.SecurityAttributes{Length: uint32(unsafe.Sizeof(windows.SecurityAttributes{}))}
	var err error
	security.SecurityDescriptor, err = windows.SecurityDescriptorFromString("D:P(A;;GA;;;LS)") // the account LocalService
	if err != nil {
		t.Fatal(err)
	}
	h, err := sys.CreateSection(`Local\`+name, 4096, security)
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(h)
	_, err = Open(name, nil)
	ipctest.WantError(t, err, os.ErrPermission, "segment", "Config.Allow")
	_, err = OpenOrCreate(name, 4096, nil)
	ipctest.WantError(t, err, os.ErrPermission, "segment", "Config.Allow")
}

func TestTooLargeForTheSystem(t *testing.T) {
	err := explainSection(os.NewSyscallError("CreateFileMapping", windows.ERROR_COMMITMENT_LIMIT), breezeway.Session)
	if !errors.Is(err, windows.ERROR_COMMITMENT_LIMIT) || !strings.Contains(err.Error(), "make a smaller segment") {
		t.Error(err)
	}
	err = explainSection(os.NewSyscallError("CreateFileMapping", windows.ERROR_ACCESS_DENIED), breezeway.Machine)
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "SeCreateGlobalPrivilege") {
		t.Error(err)
	}
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
