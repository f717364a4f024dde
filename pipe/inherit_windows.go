package pipe

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"golang.org/x/sys/windows"
)

// childEnd is an end of a pipe that this process makes for a child. It is no
// os.File: that would bind an overlapped handle to this process's completion
// port for good, and the child could wait for nothing.
type childEnd windows.Handle

func (e childEnd) Close() error { return windows.CloseHandle(windows.Handle(e)) }

func inheritFile(cmd *exec.Cmd, f *os.File) (handle string, err error) {
	raw, err := f.SyscallConn() // Fd would change the file's mode
	if err != nil {
		return "", err
	}
	if cerr := raw.Control(func(h uintptr) {
		var overlapped bool
		overlapped, err = isOverlapped(windows.Handle(h))
		switch {
		case err != nil:
		case overlapped:
			err = fmt.Errorf("this end has deadlines, so it belongs to this process; make the pipe with New and %s (%w)", fail.Go("Config.Direction"), os.ErrInvalid)
		default:
			handle, err = inherit(cmd, childEnd(h))
		}
	}); cerr != nil {
		return "", cerr
	}
	return handle, err
}

func inherit(cmd *exec.Cmd, e childEnd) (handle string, err error) {
	err = windows.SetHandleInformation(windows.Handle(e), windows.HANDLE_FLAG_INHERIT, windows.HANDLE_FLAG_INHERIT)
	if err != nil {
		return "", os.NewSyscallError("SetHandleInformation", err)
	}
	attr := sysProcAttr(cmd)
	attr.AdditionalInheritedHandles = append(attr.AdditionalInheritedHandles, syscall.Handle(e))
	return strconv.FormatUint(uint64(e), 10), nil
}

func sysProcAttr(cmd *exec.Cmd) *syscall.SysProcAttr {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	return cmd.SysProcAttr
}

func isOverlapped(h windows.Handle) (bool, error) {
	const fileModeInformation = 16
	var mode uint32
	var status windows.IO_STATUS_BLOCK
	err := windows.NtQueryInformationFile(h, &status, (*byte)(unsafe.Pointer(&mode)), uint32(unsafe.Sizeof(mode)), fileModeInformation)
	if err != nil {
		return false, os.NewSyscallError("NtQueryInformationFile", err)
	}
	return mode&(windows.FILE_SYNCHRONOUS_IO_ALERT|windows.FILE_SYNCHRONOUS_IO_NONALERT) == 0, nil
}

// identityOf returns what tells the pipe of a handle from others: its name, which
// makePipe chose at random.
func identityOf(h uintptr) (string, error) {
	var name struct {
		size uint32 // in bytes
		text [windows.MAX_PATH]uint16
	}
	err := windows.GetFileInformationByHandleEx(windows.Handle(h), windows.FileNameInfo, (*byte)(unsafe.Pointer(&name)), uint32(unsafe.Sizeof(name)))
	if err != nil {
		return "", os.NewSyscallError("GetFileInformationByHandleEx", err)
	}
	return windows.UTF16ToString(name.text[:min(int(name.size/2), len(name.text))]), nil
}

func identityOfEnd(e childEnd) (string, error) { return identityOf(uintptr(e)) }

// adopt takes over a handle that this process was started with.
func adopt(h uintptr) (*os.File, error) {
	kind, err := windows.GetFileType(windows.Handle(h))
	if err != nil {
		return nil, fmt.Errorf("handle %d is not open (%w, %w)", h, os.ErrNotExist, err)
	}
	if kind != windows.FILE_TYPE_PIPE {
		return nil, fmt.Errorf("handle %d is not a pipe (%w)", h, breezeway.ErrMismatch)
	}
	if err := windows.SetHandleInformation(windows.Handle(h), windows.HANDLE_FLAG_INHERIT, 0); err != nil {
		return nil, os.NewSyscallError("SetHandleInformation", err)
	}
	return os.NewFile(h, "|"+strconv.Itoa(int(h))), nil
}
