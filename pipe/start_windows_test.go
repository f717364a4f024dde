package pipe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/windows"
)

// synchronousChild echoes as a program does that has never heard of overlapped
// I/O: ReadFile and WriteFile without OVERLAPPED.
var synchronousChild = ipctest.Helper("synchronous child", func(c *ipctest.Control) error {
	var in, out windows.Handle
	if _, err := fmt.Sscanf(os.Getenv(handlesVariable), "%d,%d", &in, &out); err != nil {
		return err
	}
	buf := make([]byte, 1000)
	for {
		var n uint32
		err := windows.ReadFile(in, buf, &n, nil)
		if err == windows.ERROR_BROKEN_PIPE {
			return nil
		}
		if err != nil {
			return fmt.Errorf("ReadFile: %w", err)
		}
		if err := windows.WriteFile(out, buf[:n], &n, nil); err != nil {
			return fmt.Errorf("WriteFile: %w", err)
		}
	}
})

func TestStartSynchronousChild(t *testing.T) {
	d, cmd := startHelper(t, nil, synchronousChild)
	const size = 1 << 20
	go func() {
		d.Write(make([]byte, size))
		d.CloseWrite()
	}()
	if got, err := io.ReadAll(d); len(got) != size || err != nil {
		t.Errorf("%d bytes came back of %d, %v", len(got), size, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestInheritRefusesDeadlines(t *testing.T) {
	r, _ := newPair(t, nil)
	if _, err := Inherit(exec.Command("cmd"), r); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

var getHandleInformation = windows.NewLazySystemDLL("kernel32.dll").NewProc("GetHandleInformation")

// The handles that Start makes are inheritable for the child's sake alone.
func TestStartLeavesNothingInheritable(t *testing.T) {
	r, w := newPair(t, nil)
	d, _ := startHelper(t, nil, idler)
	for _, f := range []*os.File{r, w, d.r, d.w} {
		raw, err := f.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(h uintptr) {
			var flags uint32
			if ok, _, err := getHandleInformation.Call(h, uintptr(unsafe.Pointer(&flags))); ok == 0 || flags&windows.HANDLE_FLAG_INHERIT != 0 {
				t.Errorf("handle %d: flags %#x, %v", h, flags, err)
			}
		})
	}
}
