package sys

import (
	"fmt"
	"os"
	"strconv"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"golang.org/x/sys/unix"
)

// PeerOf returns the process at the other end of the connected Unix socket fd. For
// a socket that connected, that is the process that called listen.
func PeerOf(fd int) (breezeway.Peer, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return breezeway.Peer{}, fmt.Errorf("SO_PEERCRED: %w", err)
	}
	return breezeway.Peer{
		PID: int(cred.Pid), UID: int(cred.Uid), GID: int(cred.Gid),
		Groups:     peerGroups(fd),
		Executable: executable(int(cred.Pid)),
	}, nil
}

// peerGroups returns nil where the kernel can't tell (before Linux 4.13).
func peerGroups(fd int) []int {
	buf := make([]uint32, 64)
	for {
		size := uint32(len(buf) * 4)
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&size)), 0)
		switch {
		case errno == 0:
			groups := make([]int, size/4)
			for i := range groups {
				groups[i] = int(buf[i])
			}
			return groups
		case errno == unix.ERANGE && int(size) > len(buf)*4:
			buf = make([]uint32, size/4)
		default:
			return nil
		}
	}
}

func executable(pid int) string {
	if pid <= 0 {
		return ""
	}
	path, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	if err != nil {
		return ""
	}
	return path
}

// CanIdentifyPeers returns why [PeerOf] is unsupported on this system, or nil.
func CanIdentifyPeers() error { return nil }
