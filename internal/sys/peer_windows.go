package sys

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"golang.org/x/sys/windows"
)

var (
	getNamedPipeClientSessionID = kernel32.NewProc("GetNamedPipeClientSessionId")
	getNamedPipeServerSessionID = kernel32.NewProc("GetNamedPipeServerSessionId")
	impersonateNamedPipeClient  = advapi32.NewProc("ImpersonateNamedPipeClient")
)

// ErrStillClient says that a thread could not take its own rights back after it had
// acted as a client.
var ErrStillClient = errors.New("a thread still acts as the client")

// PipeClient returns the process at the client's end of the pipe whose server's end
// is h. The user comes from the token that the client opened the pipe with,
// never from its process id. If only that can't be had, the rest is returned
// with the error.
//
// The calling goroutine never acts as the client. If the error is [ErrStillClient],
// the thread that did has ended or runs nothing any more.
func PipeClient(h windows.Handle) (breezeway.Peer, error) {
	return pipeClient(h, windows.RevertToSelf)
}

func pipeClient(h windows.Handle, revertToSelf func() error) (breezeway.Peer, error) {
	peer := breezeway.Peer{UID: -1, GID: -1}
	var pid uint32
	if windows.GetNamedPipeClientProcessId(h, &pid) == nil {
		peer.PID = int(pid)
		peer.Executable = executable(pid)
	}
	done := make(chan error)
	go func() { done <- clientUser(h, &peer, revertToSelf) }()
	err := <-done
	return peer, err
}

func clientUser(h windows.Handle, peer *breezeway.Peer, revertToSelf func() error) (err error) {
	if err := Impersonate(h); err != nil {
		return err
	}
	// The token is opened as this process, because the client may allow no more
	// than identification.
	var t windows.Token
	err = windows.OpenThreadToken(windows.CurrentThread(), windows.TOKEN_QUERY, true, &t)
	if err := Revert(revertToSelf); err != nil {
		return err
	}
	if err != nil {
		return os.NewSyscallError("OpenThreadToken", err)
	}
	defer t.Close()
	user, err := t.GetTokenUser()
	if err != nil {
		return os.NewSyscallError("GetTokenInformation", err)
	}
	groups, err := t.GetTokenGroups()
	if err != nil {
		return os.NewSyscallError("GetTokenInformation", err)
	}
	peer.SID = user.User.Sid.String()
	for _, g := range groups.AllGroups() {
		const enabled, denyOnly = windows.SE_GROUP_ENABLED, windows.SE_GROUP_USE_FOR_DENY_ONLY
		if g.Attributes&(enabled|denyOnly) == enabled {
			peer.GroupSIDs = append(peer.GroupSIDs, g.Sid.String())
		}
	}
	return nil
}

// PipeServer returns the process at the server's end of the pipe whose client's end
// is h. The user is the pipe's owner; see [OwnerOf].
func PipeServer(h windows.Handle) (breezeway.Peer, error) {
	peer, err := OwnerOf(h, windows.SE_KERNEL_OBJECT)
	var pid uint32
	if windows.GetNamedPipeServerProcessId(h, &pid) == nil {
		peer.PID = int(pid)
		peer.Executable = executable(pid)
	}
	return peer, err
}

// PipeClientSession returns the log-on session of the client, h being the
// server's end.
func PipeClientSession(h windows.Handle) (uint32, error) {
	return pipeSession(getNamedPipeClientSessionID, h)
}

// PipeServerSession returns the log-on session of the server, h being the
// client's end.
func PipeServerSession(h windows.Handle) (uint32, error) {
	return pipeSession(getNamedPipeServerSessionID, h)
}

func pipeSession(proc *windows.LazyProc, h windows.Handle) (uint32, error) {
	var session uint32
	ok, _, err := proc.Call(uintptr(h), uintptr(unsafe.Pointer(&session)))
	if ok == 0 {
		return 0, os.NewSyscallError(proc.Name, err)
	}
	return session, nil
}

// Impersonate makes this thread act as the client of the pipe whose server's
// end is h, and ties the goroutine to it. If it succeeds, call [Revert] on the
// same goroutine.
func Impersonate(h windows.Handle) error {
	runtime.LockOSThread()
	if ok, _, err := impersonateNamedPipeClient.Call(uintptr(h)); ok == 0 {
		runtime.UnlockOSThread()
		return os.NewSyscallError("ImpersonateNamedPipeClient", err)
	}
	return nil
}

// Revert ends what [Impersonate] began; revertToSelf is [windows.RevertToSelf]. If it
// fails, with [ErrStillClient], the thread stays tied to the goroutine and ends with
// it, so that it runs no other goroutine with the client's rights.
func Revert(revertToSelf func() error) error {
	if err := revertToSelf(); err != nil {
		return fmt.Errorf("%w; the goroutine that called must end (%w)", ErrStillClient, os.NewSyscallError("RevertToSelf", err))
	}
	runtime.UnlockOSThread()
	return nil
}

// executable returns "" if this process may not know.
func executable(pid uint32) string {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return ""
	}
	defer windows.CloseHandle(h)
	for _, longest := range []uint32{windows.MAX_PATH, windows.MAX_LONG_PATH} {
		buf := make([]uint16, longest)
		if windows.QueryFullProcessImageName(h, 0, &buf[0], &longest) == nil {
			return windows.UTF16ToString(buf[:longest])
		}
	}
	return ""
}
