package ipctest

import (
	"fmt"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

// OwnPipe gives, under Wine, the pipe that a C# program is about to make an owner and an
// access control list, as Windows does by itself: they are those of its first instance.
// That instance has a client of its own, so that no other finds it. direction is what the
// program says, In, Out or InOut. When the program has made the pipe, call release.
func OwnPipe(t testing.TB, name, direction string, message bool) (release func()) {
	t.Helper()
	if !UnderWine() {
		return func() {}
	}
	sd, err := windows.SecurityDescriptorFromString(ownerSDDL(t))
	if err != nil {
		t.Fatal(err)
	}
	path, err := windows.UTF16PtrFromString(`\\.\pipe\` + name)
	if err != nil {
		t.Fatal(err)
	}
	security := &windows.SecurityAttributes{SecurityDescriptor: sd}
	security.Length = uint32(unsafe.Sizeof(*security))
	open := map[string]uint32{"In": windows.PIPE_ACCESS_INBOUND, "Out": windows.PIPE_ACCESS_OUTBOUND, "InOut": windows.PIPE_ACCESS_DUPLEX}[direction]
	access := map[string]uint32{"In": windows.GENERIC_WRITE, "Out": windows.GENERIC_READ, "InOut": windows.GENERIC_READ}[direction]
	var mode uint32
	if message {
		mode = windows.PIPE_TYPE_MESSAGE
	}
	server, err := windows.CreateNamedPipe(path, open, mode, windows.PIPE_UNLIMITED_INSTANCES, 0, 0, 0, security)
	if err != nil {
		t.Fatal(err)
	}
	client, err := windows.CreateFile(path, access, 0, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() {
		windows.CloseHandle(client)
		windows.CloseHandle(server)
	})
	t.Cleanup(release)
	return release
}

// ownerEnv states, under Wine, the owner and the access control list of what a C#
// program creates, as Windows gives them by itself: see testdata/own.cs.
func ownerEnv(t testing.TB) []string {
	t.Helper()
	if !UnderWine() {
		return nil
	}
	return []string{"BREEZEWAY_TEST_OWNER=" + ownerSDDL(t)}
}

func ownerSDDL(t testing.TB) string {
	t.Helper()
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("O:%[1]sD:(A;;GA;;;%[1]s)", user.User.Sid)
}
