package sys

import (
	"fmt"

	"github.com/breezeway-ipc/breezeway"
	"golang.org/x/sys/unix"
)

// PeerOf returns the process at the other end of the connected Unix socket fd.
func PeerOf(fd int) (breezeway.Peer, error) {
	cred, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return breezeway.Peer{}, fmt.Errorf("LOCAL_PEERCRED: %w", err)
	}
	peer := breezeway.Peer{UID: int(cred.Uid), GID: -1}
	for i, gid := range cred.Groups[:min(int(cred.Ngroups), len(cred.Groups))] {
		if i == 0 {
			peer.GID = int(gid)
		} else {
			peer.Groups = append(peer.Groups, int(gid))
		}
	}
	if pid, err := unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID); err == nil {
		peer.PID = pid
	}
	return peer, nil
}

// CanIdentifyPeers returns why [PeerOf] is unsupported on this system, or nil.
func CanIdentifyPeers() error { return nil }
