package sys

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// PipeOptions describes an instance of a named pipe. All instances of a name
// must agree, except on BufferSize.
type PipeOptions struct {
	Read, Write bool // what the server's end does
	Message     bool // keep boundaries
	Remote      bool // admit clients from other machines
	BufferSize  uint32
	Security    *windows.SECURITY_DESCRIPTOR // of the first instance
}

// What each end opens the pipe for. FILE_APPEND_DATA, which FILE_GENERIC_WRITE
// contains, is for pipes the right to make further instances.
const (
	PipeRead  = windows.FILE_GENERIC_READ
	PipeWrite = windows.FILE_GENERIC_WRITE&^windows.FILE_APPEND_DATA | windows.FILE_READ_ATTRIBUTES
)

// CreatePipe makes an instance of the pipe \\.\pipe\NAME. The first one must
// not find the name taken, further ones must.
func CreatePipe(name string, first bool, opt PipeOptions) (windows.Handle, error) {
	path, err := windows.NewNTUnicodeString(`\??\pipe\` + name)
	if err != nil {
		return 0, err
	}
	oa := windows.OBJECT_ATTRIBUTES{ObjectName: path, Attributes: windows.OBJ_CASE_INSENSITIVE, SecurityDescriptor: opt.Security}
	oa.Length = uint32(unsafe.Sizeof(oa))

	var access, share uint32 // share says what the client's end may do
	if opt.Read {
		access |= PipeRead
		share |= windows.FILE_SHARE_WRITE
	}
	if opt.Write {
		access |= PipeWrite
		share |= windows.FILE_SHARE_READ
	}
	kind, mode := uint32(windows.FILE_PIPE_BYTE_STREAM_TYPE), uint32(windows.FILE_PIPE_BYTE_STREAM_MODE)
	if opt.Message {
		kind, mode = windows.FILE_PIPE_MESSAGE_TYPE, windows.FILE_PIPE_MESSAGE_MODE
	}
	if !opt.Remote {
		kind |= windows.FILE_PIPE_REJECT_REMOTE_CLIENTS
	}
	disposition := uint32(windows.FILE_OPEN)
	if first {
		disposition = windows.FILE_CREATE
	}
	const unlimited = 0xffffffff
	wait := int64(-50 * 10_000) // what WaitNamedPipe waits by default: 50 ms in units of 100 ns, negative for relative

	var h windows.Handle
	var status windows.IO_STATUS_BLOCK
	err = windows.NtCreateNamedPipeFile(&h, access, &oa, &status, share, disposition, 0,
		kind, mode, windows.FILE_PIPE_QUEUE_OPERATION, unlimited, opt.BufferSize, opt.BufferSize, &wait)
	return h, ntError("NtCreateNamedPipeFile", err)
}

// OpenPipe opens the client's end of the pipe at path, which is a full one.
// access is made of [PipeRead] and [PipeWrite]; to set the read mode it takes
// FILE_WRITE_ATTRIBUTES, which PipeWrite has. The server can identify this process
// but not act for it.
func OpenPipe(path string, access uint32) (windows.Handle, error) {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	const flags = windows.FILE_FLAG_OVERLAPPED | windows.SECURITY_SQOS_PRESENT | windows.SECURITY_IDENTIFICATION
	h, err := windows.CreateFile(p, access, 0, nil, windows.OPEN_EXISTING, flags, 0)
	return h, os.NewSyscallError("CreateFile", err)
}

// PipeInfo is what either end can ask about a pipe: FILE_PIPE_LOCAL_INFORMATION.
type PipeInfo struct {
	Type             uint32 // FILE_PIPE_BYTE_STREAM_TYPE or FILE_PIPE_MESSAGE_TYPE
	Configuration    uint32 // FILE_PIPE_INBOUND, _OUTBOUND or _FULL_DUPLEX, as the server sees it
	MaximumInstances uint32
	CurrentInstances uint32
	InboundQuota     uint32
	ReadAvailable    uint32
	OutboundQuota    uint32
	WriteAvailable   uint32 // less what a pending read of the other end asks for, too; 0 under Wine
	State            uint32 // FILE_PIPE_CONNECTED_STATE, FILE_PIPE_CLOSING_STATE …
	End              uint32
}

// WriteQuota returns the size of the buffer for what the end that was asked writes, in
// bytes.
func (i PipeInfo) WriteQuota() uint32 {
	if i.End == windows.FILE_PIPE_SERVER_END {
		return i.OutboundQuota
	}
	return i.InboundQuota
}

// QueryPipe needs FILE_READ_ATTRIBUTES.
func QueryPipe(h windows.Handle) (info PipeInfo, err error) {
	const filePipeLocalInformation = 24
	var status windows.IO_STATUS_BLOCK
	err = windows.NtQueryInformationFile(h, &status, (*byte)(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)), filePipeLocalInformation)
	return info, ntError("NtQueryInformationFile", err)
}

// PeekPipe copies bytes that have arrived to p, of one message if the pipe has
// messages, and leaves them there. It waits for nothing.
func PeekPipe(h windows.Handle, p []byte) (int, error) {
	var n uint32
	ok, _, err := peekNamedPipe.Call(uintptr(h), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		uintptr(unsafe.Pointer(&n)), 0, 0)
	if ok == 0 && err != windows.ERROR_MORE_DATA {
		return 0, os.NewSyscallError("PeekNamedPipe", err)
	}
	return int(n), nil
}

var peekNamedPipe = kernel32.NewProc("PeekNamedPipe")

// PipeExists reports whether the pipe at path exists. Unlike opening it, this
// does not meet its server.
func PipeExists(path string) bool {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return false
	}
	const shortest = 1 // ms; 0 is the pipe's default
	ok, _, err := waitNamedPipe.Call(uintptr(unsafe.Pointer(p)), shortest)
	return ok != 0 || err != windows.ERROR_FILE_NOT_FOUND
}

var waitNamedPipe = kernel32.NewProc("WaitNamedPipeW")
