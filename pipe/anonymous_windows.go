package pipe

import (
	"crypto/rand"
	"encoding/hex"
	"os"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"golang.org/x/sys/windows"
)

func newPipe(s *settings) (r, w *os.File, err error) {
	hr, hw, err := makePipe(s.BufferSize, s.Direction != Out, s.Direction != In)
	if err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(hr), "|0"), os.NewFile(uintptr(hw), "|1"), nil
}

// makePipe returns a one-way pipe of which each end is overlapped or not.
// CreatePipe's are not, so this is a named pipe whose name no process can guess,
// that takes one client, and that only this user may open.
func makePipe(size int, overlappedR, overlappedW bool) (r, w windows.Handle, err error) {
	if size == 0 {
		size = defaultBuffer
	}
	security, err := access.Rule{}.SecurityAttributes("") // only for this user
	if err != nil {
		return 0, 0, err
	}
	var id [16]byte
	rand.Read(id[:])
	path, err := windows.UTF16PtrFromString(`\\.\pipe\breezeway.` + hex.EncodeToString(id[:]))
	if err != nil {
		return 0, 0, err
	}
	r, err = windows.CreateNamedPipe(path,
		windows.PIPE_ACCESS_INBOUND|windows.FILE_FLAG_FIRST_PIPE_INSTANCE|overlappedFlag(overlappedR),
		windows.PIPE_TYPE_BYTE|windows.PIPE_REJECT_REMOTE_CLIENTS,
		1, uint32(size), uint32(size), 0, security)
	if err != nil {
		return 0, 0, os.NewSyscallError("CreateNamedPipe", err)
	}
	w, err = windows.CreateFile(path, windows.GENERIC_WRITE|windows.FILE_READ_ATTRIBUTES, 0, nil, windows.OPEN_EXISTING,
		windows.SECURITY_SQOS_PRESENT|windows.SECURITY_ANONYMOUS|overlappedFlag(overlappedW), 0)
	if err != nil {
		windows.CloseHandle(r)
		return 0, 0, os.NewSyscallError("CreateFile", err)
	}
	return r, w, nil
}

func overlappedFlag(overlapped bool) uint32 {
	if overlapped {
		return windows.FILE_FLAG_OVERLAPPED
	}
	return 0
}
