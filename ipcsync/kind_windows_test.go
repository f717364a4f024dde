package ipcsync

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/windows"
)

// makeKernels makes an object as programs do that don't use this package.
var makeKernels = map[Kind]func(name *uint16, security *windows.SecurityAttributes) (windows.Handle, error){
	KindMutex: func(name *uint16, security *windows.SecurityAttributes) (windows.Handle, error) {
		return windows.CreateMutex(security, false, name)
	},
	KindEvent: func(name *uint16, security *windows.SecurityAttributes) (windows.Handle, error) {
		return windows.CreateEvent(security, 0, 0, name)
	},
	KindSemaphore: func(name *uint16, security *windows.SecurityAttributes) (windows.Handle, error) {
		createSemaphore := windows.NewLazySystemDLL("kernel32.dll").NewProc("CreateSemaphoreW")
		h, _, err := createSemaphore.Call(uintptr(unsafe.Pointer(security)), 1, 2, uintptr(unsafe.Pointer(name)))
		if h != 0 {
			err = nil
		}
		return windows.Handle(h), err
	},
}

// newKernels makes an object with a name of its own until the test is over. sddl ""
// is what a program gets that asks for none.
func newKernels(t *testing.T, kind Kind, sddl string) (name string, err error) {
	t.Helper()
	security, err := plainSecurity()
	if sddl != "" {
		security = &windows.SecurityAttributes{Length: uint32(unsafe.Sizeof(windows.SecurityAttributes{}))}
		security.SecurityDescriptor, err = windows.SecurityDescriptorFromString(sddl)
	}
	if err != nil {
		t.Fatal(err)
	}
	name = ipctest.UniqueName()
	h, err := makeKernels[kind](windows.StringToUTF16Ptr(`Local\`+name), security)
	if err == nil {
		t.Cleanup(func() { windows.CloseHandle(h) })
	}
	return name, err
}

// plainSecurity is that of an object whose maker asks for none. Under Wine such an
// object would have no owner.
func plainSecurity() (*windows.SecurityAttributes, error) {
	if !ipctest.UnderWine() {
		return nil, nil
	}
	rule, err := access.New(0, nil, nil)
	if err != nil {
		return nil, err
	}
	return rule.SecurityAttributes("GA")
}

func eachKernelKind(t *testing.T, test func(t *testing.T, kind Kind, o opener)) {
	eachKind(t, func(t *testing.T, kind Kind, o opener) {
		if kind.isKernels() {
			test(t, kind, o)
		}
	})
}

// ways are the three ways to open an object.
func (o opener) ways() []func(string, *Config) (io.Closer, error) {
	return []func(string, *Config) (io.Closer, error){o.create, o.open, o.openOrCreate}
}

// wantNoRemoval fails for advice that can't be followed.
func wantNoRemoval(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "emove") {
		t.Errorf("error %q advises to remove what can't be removed", err)
	}
}

// A name belongs to one kind of object.
func TestKernelNameOfAnotherKind(t *testing.T) {
	eachKernelKind(t, func(t *testing.T, kind Kind, o opener) {
		for other := range makeKernels {
			if other == kind {
				continue
			}
			name, err := newKernels(t, other, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, open := range o.ways() {
				_, err := open(name, nil)
				ipctest.WantError(t, err, breezeway.ErrMismatch, kind.what(), "share one namespace", "choose another name")
				wantNoRemoval(t, err)
			}
		}
	})
}

func TestKernelExistence(t *testing.T) {
	eachKernelKind(t, func(t *testing.T, kind Kind, o opener) {
		name := ipctest.UniqueName()
		_, err := o.open(name, nil)
		ipctest.WantError(t, err, os.ErrNotExist, kind.advice().Create, "ipc create "+string(kind)+"://"+name)
		c, err := o.openOrCreate(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, err = o.create(name, nil)
		ipctest.WantError(t, err, os.ErrExist, kind.advice().Open, "last handle")
		wantNoRemoval(t, err)
		ipctest.WantError(t, Remove(kind, name, nil), errors.ErrUnsupported, "last handle", "close it")
		if names, err := List(kind, nil); err != nil || !slices.Contains(names, name) {
			t.Errorf("%q is not listed: %v, %v", name, names, err)
		}
	})
}

// An object goes with its last handle, whatever its state.
func TestKernelGoesWithTheLastHandle(t *testing.T) {
	eachKernelKind(t, func(t *testing.T, kind Kind, o opener) {
		name := ipctest.UniqueName()
		c, err := o.create(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		_, err = o.open(name, nil)
		ipctest.WantError(t, err, os.ErrNotExist)
	})
}

func TestKernelAccess(t *testing.T) {
	eachKernelKind(t, func(t *testing.T, kind Kind, o opener) {
		name, err := newKernels(t, kind, "D:P(A;;GA;;;LS)") // for the account LocalService
		if err != nil {
			t.Fatal(err)
		}
		for _, open := range o.ways() {
			_, err := open(name, nil)
			ipctest.WantError(t, err, os.ErrPermission, kind.what(), "Config.Allow")
		}
	})
}

func TestKernelTrust(t *testing.T) {
	eachKernelKind(t, func(t *testing.T, kind Kind, o opener) {
		const stranger = "S-1-5-21-1-2-3-1001"
		name, err := newKernels(t, kind, "O:"+stranger+"D:P(A;;GA;;;WD)")
		if errors.Is(err, windows.ERROR_INVALID_OWNER) {
			t.Skip("only with the privilege to restore files can an object be given to another user")
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.open(name, nil)
		ipctest.WantError(t, err, os.ErrPermission, stranger, "Config.Trust")
		c, err := o.open(name, &Config{Trust: []string{stranger}})
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	})
}

// What is in a place has our own layout, as on other systems, whatever its kind.
func TestPlaceHasOurLayout(t *testing.T) {
	eachKind(t, func(t *testing.T, kind Kind, o opener) {
		if kind == KindSemaphore {
			return // it has glibc's
		}
		at := newPlace(t, 1)
		c, err := o.create("", &Config{At: at})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		var header [16]byte
		if _, err := at.File.ReadAt(header[:], 0); err != nil {
			t.Fatal(err)
		}
		if want := kindTable[kind].file; !bytes.HasPrefix(header[:], []byte("\x89BWO\r\n\x1a\n"+want)) {
			t.Errorf("it begins with %q", header)
		}
	})
}
