package sys

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

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

// PipeCreators returns the SIDs to which the access control list of the pipe that h is
// a handle of gives the right to make further instances of it, or to give themselves
// that right: besides the owner they are those that may serve under its name. What the
// list denies counts for nothing.
func PipeCreators(h windows.Handle) ([]string, error) {
	sd, err := windows.GetSecurityInfo(h, windows.SE_KERNEL_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return nil, os.NewSyscallError("GetSecurityInfo", err)
	}
	return creators(sd)
}

func creators(sd *windows.SECURITY_DESCRIPTOR) ([]string, error) {
	dacl, _, err := sd.DACL()
	if errors.Is(err, windows.ERROR_OBJECT_NOT_FOUND) || err == nil && dacl == nil {
		return []string{sidEverybody}, nil // without a list everything is allowed
	}
	if err != nil {
		return nil, os.NewSyscallError("GetSecurityDescriptorDacl", err)
	}
	var sids []string
	for i := range uint32(dacl.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(dacl, i, &ace); err != nil {
			return nil, os.NewSyscallError("GetAce", err)
		}
		allows, err := letsCreate(ace)
		if err != nil {
			return nil, err
		}
		if !allows {
			continue
		}
		sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart)).String()
		if sid != sidCreatorOwner && sid != sidOwnerRights {
			sids = append(sids, sid)
		}
	}
	return sids, nil
}

const (
	sidEverybody    = "S-1-1-0"
	sidCreatorOwner = "S-1-3-0"
	sidOwnerRights  = "S-1-3-4"
)

// letsCreate reports whether an entry lets its SID make instances of a pipe. An entry
// with a condition, which stands behind the SID, counts as if it held.
func letsCreate(ace *windows.ACCESS_ALLOWED_ACE) (bool, error) {
	const (
		// Entries whose types and layouts winnt.h has, x/sys not.
		denied, allowedCallback                            = 1, 9
		deniedObject, deniedCallback, deniedCallbackObject = 6, 10, 12

		createPipeInstance = windows.FILE_APPEND_DATA // the same bit
		rights             = createPipeInstance | windows.WRITE_DAC | windows.WRITE_OWNER | windows.GENERIC_WRITE | windows.GENERIC_ALL
	)
	switch ace.Header.AceType {
	case windows.ACCESS_ALLOWED_ACE_TYPE, allowedCallback:
		return ace.Header.AceFlags&windows.INHERIT_ONLY_ACE == 0 && ace.Mask&rights != 0, nil
	case denied, deniedObject, deniedCallback, deniedCallbackObject:
		return false, nil
	}
	return false, fmt.Errorf("the pipe's access control list has an entry of type %d, which can't be judged (%w)", ace.Header.AceType, os.ErrPermission)
}
