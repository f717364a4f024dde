package sys

import (
	"os"

	"github.com/breezeway-ipc/breezeway"
	"golang.org/x/sys/windows"
)

// OwnerOf returns the owner of the object that h is a handle of. Only an
// administrator can make another user the owner.
func OwnerOf(h windows.Handle, kind windows.SE_OBJECT_TYPE) (breezeway.Peer, error) {
	peer := breezeway.Peer{UID: -1, GID: -1}
	sd, err := windows.GetSecurityInfo(h, kind, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return peer, os.NewSyscallError("GetSecurityInfo", err)
	}
	owner, _, err := sd.Owner()
	if err != nil {
		return peer, os.NewSyscallError("GetSecurityDescriptorOwner", err)
	}
	peer.SID = owner.String()
	return peer, nil
}
