package sys

import (
	"os"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"golang.org/x/sys/windows"
)

// OwnerOf returns the owner of what h is a handle of, whom none but an
// administrator can set to somebody else.
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

// SecurityOf returns the rule in the form that the calls that make objects take.
// rights are what others than this process's user get, as in SDDL.
func SecurityOf(a breezeway.Access, rights string) (*windows.SecurityAttributes, error) {
	sddl, err := a.SDDL(rights)
	if err != nil {
		return nil, err
	}
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return nil, os.NewSyscallError("ConvertStringSecurityDescriptorToSecurityDescriptor", err)
	}
	attributes := &windows.SecurityAttributes{SecurityDescriptor: sd}
	attributes.Length = uint32(unsafe.Sizeof(*attributes))
	return attributes, nil
}
